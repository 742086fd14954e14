"""A LogScan of a prefix, its bucket and the LogScans that work for it, on an API server in memory.

The lister is killed at any request, before or after it is carried out; the world goes on with a new one that knows only
what the API server tells.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from hypothesis import strategies as st
from inventoryworld import MemoryObjects
from memorycluster import MemoryCluster
from objects import NOW, SETTINGS, scan_body, synced_view

from logscan_api.roles import AssumedRole
from logscan_api.statuses import LogScanStatus, ObjectCounts, Phase, RuleCount, Summary
from logscan_operator import paths
from logscan_operator.errors import AwsError
from logscan_operator.inventoryfiles import Piece
from logscan_operator.items import Object, Scan
from logscan_operator.lister import Lister
from logscan_operator.listings import Listed
from logscan_operator.metrics import Metrics

LINES = 3  # that each object has
KILLS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=6)
RULES = {"packs": ["generic"]}
POLICIES: dict[str, Object] = {
    "all": {"rules": RULES, "match": {"keys": ["app/**"], "excludeKeys": ["**/*.tmp"]}, "priority": -1},
    "json": {"rules": RULES, "match": {"keys": ["**/*.json"]}},
    "not": {"action": "Ignore", "match": {"keys": ["**/*.bak"]}, "priority": 5},
}
EARLIER = datetime(2026, 11, 1, tzinfo=UTC)


class KilledError(BaseException):
    """The process was killed."""


class MemoryBucket:
    """Keys with their sizes, listed a few at a time, in S3's order."""

    def __init__(self, keys: dict[str, int], page: int = 3) -> None:
        self.keys = keys
        self.page = page
        self.modified: dict[str, datetime] = {}
        self.calls = 0
        self.problems: list[AwsError] = []
        self.roles: list[AssumedRole | None] = []
        self.objects = MemoryObjects({}, most=40)

    def assuming(self, role: AssumedRole | None) -> "MemoryBucket":
        """Note the role, and return the same bucket."""
        self.roles.append(role)
        return self

    async def listed(self, bucket: str, prefix: str, after: str | None) -> tuple[list[Listed], bool]:
        """Return the next keys."""
        self.calls += 1
        await asyncio.sleep(0)
        if self.problems:
            raise self.problems.pop(0)
        found = sorted(key for key in self.keys if key.startswith(prefix) and key > (after or ""))
        entries = [Listed(key, self.keys[key], self.modified.get(key, EARLIER)) for key in found[: self.page]]
        return entries, len(found) > self.page

    async def read(self, bucket: str, key: str, start: int, length: int, etag: str | None) -> Piece:
        """Return a range of an object of an inventory."""
        if self.problems:
            raise self.problems.pop(0)
        return await self.objects.read(bucket, key, start, length, etag)


class MortalCluster(MemoryCluster):
    """An API server, one request of which kills the process that sends it."""

    def __init__(self) -> None:
        super().__init__()
        self.kill_in: int | None = None
        self.kills_after = False

    async def request(self, method: str, path: str, *arguments: Any, **named: Any) -> Object:
        """Answer a request, unless it is the one that kills."""
        await asyncio.sleep(0)
        if self.kill_in is None:
            return await super().request(method, path, *arguments, **named)
        self.kill_in -= 1
        if self.kill_in >= 0:
            return await super().request(method, path, *arguments, **named)
        self.kill_in = None
        if self.kills_after:
            await super().request(method, path, *arguments, **named)
        raise KilledError


class World:
    """One LogScan of a prefix, `p`, and all that happens to it.

    Attributes:
        scanned: How often each key was scanned.
    """

    def __init__(self, bucket: MemoryBucket, policies: dict[str, Object], **spec: Any) -> None:
        self.bucket, self.cluster = bucket, MortalCluster()
        self.settings = SETTINGS.model_copy(update={"backfill_objects_per_second": spec.pop("pace", 1e9)})
        self.scanned: Counter[str] = Counter()
        self.now = NOW
        source = {"bucket": "logs", "prefix": "app/", **spec.pop("s3", {})}
        body = scan_body("p", **{"source": {"s3": source}, "rules": None, **spec})
        body["spec"] = {name: value for name, value in body["spec"].items() if value is not None}
        self.cluster.put(paths.scans("logscan", "p"), body)
        for name, policy in policies.items():
            metadata = {"namespace": "logscan", "name": name}
            self.cluster.put(f"{paths.policies('logscan')}/{name}", {"metadata": metadata, "spec": policy})
        self.restart()

    def restart(self) -> None:
        """Start a new process, which reads everything."""
        self.view = synced_view()
        for path, body in self.cluster.objects.items():
            (self.view.policies if "/logscanpolicies/" in path else self.view.scans).take(body)
        self.lister = Lister(
            self.view,
            cast("Any", self.cluster),
            self.bucket,
            self.settings,
            Metrics(2),
            alive=lambda: None,
            clock=lambda: (self.now - NOW).total_seconds(),
        )

    async def round(self) -> None:
        """Let the lister do one step; a process that is killed in it is replaced."""
        self.now += timedelta(seconds=100)
        tasks = self.lister.look(self.now)
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        if any(isinstance(end, KilledError) for end in ends):
            self.restart()
        for end in ends:
            if isinstance(end, Exception):
                raise end

    def children(self) -> list[Object]:
        """Return the LogScans that work for the one of the prefix."""
        found = [body for path, body in self.cluster.objects.items() if "/logscans/" in path]
        return [body for body in found if "ownerReferences" in body["metadata"]]

    def running(self) -> list[Scan]:
        """Return those that a plan would run now."""
        named = (self.view.families.governed(scan) for scan in self.view.unfinished.values())
        return [scan for scan in named if scan is not None and scan.spec is not None and not scan.spec.suspend]

    def finish(self, scan: Scan, phase: Phase = Phase.SUCCEEDED, failed: int = 0) -> None:
        """End a LogScan as its Job and row would."""
        path = paths.scans(*scan.key)
        body = self.cluster.objects[path]
        keys = [found["key"] for found in body["spec"]["source"]["s3"]["objects"]]
        done = len(keys) - failed if phase is Phase.SUCCEEDED else 0
        self.scanned.update(keys[:done])
        status = LogScanStatus(phase=phase, reason="Completed" if done else "JobFailed", object=keys[0])
        if phase is Phase.SUCCEEDED:
            counts = ObjectCounts(total=len(keys), done=done, skipped=0, failed=failed)
            status = status.model_copy(update={"objects": counts, "summary": summary_of(done)})
        self.view.scans.take(self.cluster.put(path, {**body, "status": status.wire()}))

    def change(self, **spec: Any) -> None:
        """Change the spec of the LogScan of the prefix."""
        path = paths.scans("logscan", "p")
        body = self.cluster.objects[path]
        metadata = {**body["metadata"], "generation": body["metadata"].get("generation", 1) + 1}
        self.view.scans.take(self.cluster.put(path, {**body, "metadata": metadata, "spec": {**body["spec"], **spec}}))

    @property
    def status(self) -> Object:
        """Return the status of the LogScan of the prefix."""
        return cast("Object", self.cluster.objects[paths.scans("logscan", "p")]["status"])

    @property
    def at_rest(self) -> bool:
        """Return whether the LogScan has ended and nothing works for it any more."""
        return self.status.get("phase") in ("Succeeded", "Failed", "Cancelled") and not self.children()

    async def until_rest(self, rounds: int = 200) -> None:
        """Let everything go on until the end; all LogScans that run succeed."""
        for _ in range(rounds):
            await self.round()
            if self.at_rest:
                return
            for scan in self.running():
                self.finish(scan)
        raise AssertionError(f"no end after {rounds} rounds: {self.status}")


def summary_of(objects: int) -> Summary:
    """Return what was found in some objects."""
    return Summary(
        bytes=10 * objects,
        decompressed_bytes=20 * objects,
        lines=LINES * objects,
        matched_lines=objects,
        worst_severity="error",
        by_severity={"error": objects, "info": 0},
        top_rules=[RuleCount(rule="err", severity="error", lines=objects)] if objects else [],
    )


def run(world: World, *steps: Any) -> None:
    """Let a world go on to its end."""

    async def all_of_it() -> None:
        for step in steps:
            await step()
        await world.until_rest()

    asyncio.run(all_of_it())
