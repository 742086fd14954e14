"""What a LogScanPolicy shows: whether its rules compile (`rulechecks`), and how its scans are doing."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from logscan_api.policies import LogScanPolicyStatus, ScanCounts
from logscan_api.statuses import Condition, Phase
from logscan_api.text import printable
from logscan_operator import paths
from logscan_operator.errors import KubeError
from logscan_operator.items import Key, Policy
from logscan_operator.kube import JSON_MERGE
from logscan_operator.leases import FencedApi
from logscan_operator.rulechecks import TIMED_OUT, TOO_SLOW, Verdict, check
from logscan_operator.statuses import stamp, utc_now
from logscan_operator.view import View

FIRST_RETRY_SECONDS = 10.0
MAX_RETRY_SECONDS = 600.0
PERIOD_SECONDS = 2.0
COUNTS_EVERY_SECONDS = 10.0

log = logging.getLogger("logscan.policychecks")


Judge = Callable[[Policy], Awaitable[Verdict]]


async def judged(policy: Policy) -> Verdict:
    """Return whether a policy's rules can be used, by the engine in a process of its own."""
    return await check(policy.spec)


def count_scans(view: View) -> dict[Key, ScanCounts]:
    """Return the numbers of scans by policy."""
    fields = {Phase.RUNNING: "running", Phase.SUCCEEDED: "succeeded", Phase.FAILED: "failed"}
    counts: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for scan in view.scans.values():
        if scan.status.policy is not None and scan.status.phase is not Phase.CANCELLED:
            kind = fields.get(scan.status.phase, "queued") if scan.status.phase else "queued"
            counts[scan.key[0], scan.status.policy][kind] += 1
    return {key: ScanCounts(**numbers) for key, numbers in counts.items()}


def checked(policy: Policy, verdict: Verdict, now: datetime) -> LogScanPolicyStatus:
    """Return a policy's status after its rules were checked.

    Rules that cannot be used are `Stalled` too: kstatus takes a policy that is no more than not ready for one that is
    being worked on.

    Args:
        policy: The policy.
        verdict: What the check said.
        now: The time.
    """
    said = {"Ready": verdict.status} | ({"Stalled": "True"} if verdict.status == "False" else {})
    known = {condition.type: condition for condition in policy.status.conditions or []}
    conditions = [
        Condition(
            type=kind,
            status=status,
            reason=verdict.reason,
            message=printable(verdict.message)[:1024],
            last_transition_time=_since(known.get(kind), status, now),
            observed_generation=policy.generation,
        )
        for kind, status in said.items()
    ]
    return policy.status.model_copy(update={"observed_generation": policy.generation, "conditions": conditions})


def _since(before: Condition | None, status: str, now: datetime) -> str:
    """Return since when a condition has a status."""
    return before.last_transition_time if before is not None and before.status == status else stamp(now)


class Rests:
    """Namespaces whose rules took too long to check.

    Their next check waits, so that nobody keeps others from theirs by changing slow rules again and again.
    """

    def __init__(self) -> None:
        self._namespaces: dict[str, tuple[int, float]] = {}

    def resting(self, namespace: str, clock: float) -> bool:
        """Return whether a namespace's policies are not to be checked yet."""
        return namespace in self._namespaces and clock < self._namespaces[namespace][1]

    def note(self, namespace: str, took_too_long: bool, clock: float) -> None:
        """Record a check: each one in a row that took too long doubles the rest, any other one ends it.

        Args:
            namespace: The policy's namespace.
            took_too_long: Whether the check was ended for the time that it took.
            clock: The time, on the event loop's clock.
        """
        if not took_too_long:
            self._namespaces.pop(namespace, None)
            return
        failures = self._namespaces.get(namespace, (0, 0.0))[0] + 1
        self._namespaces[namespace] = failures, clock + _pause(failures)


def _pause(failures: int) -> float:
    return min(MAX_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 20))


@dataclass(frozen=True)
class Retry:
    """A check that came to no verdict, or whose verdict could not be written.

    Attributes:
        generation: The policy's generation that was checked.
        failures: How many checks of it failed in a row.
        at: When the next one is due, on the event loop's clock.
    """

    generation: int
    failures: int
    at: float

    @classmethod
    def after(cls, earlier: "Retry | None", generation: int, clock: float) -> "Retry":
        """Return the retry after one more failure: each waits twice as long, up to `MAX_RETRY_SECONDS`."""
        failures = earlier.failures + 1 if earlier is not None and earlier.generation == generation else 1
        return cls(generation, failures, clock + _pause(failures))


def due(policy: Policy, retry: Retry | None, clock: float) -> bool:
    """Return whether a policy's rules are to be checked now.

    Args:
        policy: The policy.
        retry: What came of its last check, if that failed.
        clock: The time, on the event loop's clock.
    """
    if retry is not None and retry.generation == policy.generation:
        return clock >= retry.at
    ready = _ready(policy)
    return policy.status.observed_generation != policy.generation or ready is None or ready.status == "Unknown"


def _ready(policy: Policy) -> Condition | None:
    return next((c for c in policy.status.conditions or [] if c.type == "Ready"), None)


class PolicyChecks:
    """Keeps the status of all policies up to date, until cancelled."""

    def __init__(self, view: View, api: FencedApi, alive: Callable[[], None], judge: Judge = judged) -> None:
        """Check nothing yet.

        Args:
            view: What is known.
            api: Where statuses are written.
            alive: Called whenever the loop makes progress.
            judge: Returns the verdict on a policy's rules.
        """
        self._judge = judge
        self._view = view
        self._api = api
        self._alive = alive
        self._counted_at = 0.0
        self._retries: dict[Key, Retry] = {}
        self._rests = Rests()

    async def run(self) -> None:
        """Check the rules of new and changed policies at once and failed checks again, count scans now and then."""
        while True:
            for policy in self._view.policies_in_sight():
                self._alive()
                clock = asyncio.get_running_loop().time()
                resting = self._rests.resting(policy.key[0], clock)
                if not resting and due(policy, self._retries.get(policy.key), clock):
                    await self._check(policy)
            self._retries = {key: retry for key, retry in self._retries.items() if key in self._view.policies}
            self._alive()
            clock = asyncio.get_running_loop().time()
            if clock - self._counted_at > COUNTS_EVERY_SECONDS:
                self._counted_at = clock
                await self._count()
            await asyncio.sleep(PERIOD_SECONDS)

    async def _check(self, policy: Policy) -> None:
        verdict = await self._judge(policy)
        self._rests.note(policy.key[0], verdict in (TOO_SLOW, TIMED_OUT), asyncio.get_running_loop().time())
        written = await self._write(policy, checked(policy, verdict, utc_now()))
        earlier = self._retries.pop(policy.key, None)
        if verdict.status == "Unknown":
            log.warning("%s", verdict.message, extra={"policy": policy.key[1]})
        if verdict.status == "Unknown" or not written:
            clock = asyncio.get_running_loop().time()
            self._retries[policy.key] = Retry.after(earlier, policy.generation, clock)

    async def _count(self) -> None:
        counts = count_scans(self._view)
        for policy in self._view.policies_in_sight():
            now = counts.get(policy.key, ScanCounts())
            if policy.status.scans != now and policy.status.observed_generation == policy.generation:
                await self._write(policy, policy.status.model_copy(update={"scans": now}))

    async def _write(self, policy: Policy, status: LogScanPolicyStatus) -> bool:
        """Write a status; return whether it was."""
        namespace, name = policy.key
        path = f"{paths.policies(namespace)}/{name}/status"
        try:
            body = await self._api.request("PATCH", path, {"status": status.wire()}, content_type=JSON_MERGE)
            self._view.policies.take(body)
        except KubeError as error:
            log.warning("the status of a policy was not written: %s", error, extra={"policy": name})
            return False
        return True
