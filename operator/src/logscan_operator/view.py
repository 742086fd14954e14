"""What the operator knows of the cluster: LogScans, their Jobs, and policies.

Watches and lists feed it, and so do the operator's own writes before a watch echoes them. Objects carry the
resourceVersion of their last change; an older one never replaces a newer one (Kubernetes documentation, "Resource
versions": they are comparable numbers).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from logscan_api.logscans import LogScanSpec, LogScanStatus, ResultRef
from logscan_api.policies import LogScanPolicySpec, LogScanPolicyStatus

Object = dict[str, Any]
Key = tuple[str, str]


class Item(Protocol):
    """What a table holds: something with a name and a version."""

    @property
    def key(self) -> Key:
        """Namespace and name."""

    @property
    def version(self) -> int:
        """The resourceVersion as a number."""


T = TypeVar("T", bound=Item)
Index = Callable[[T | None, T | None], None]

SCAN_UID_LABEL = "logscan.dev/scan-uid"
ATTEMPT_LABEL = "logscan.dev/attempt"
IDENTITY_LABEL = "logscan.dev/identity"
RESULT_ANNOTATION = "logscan.dev/result"
POLICY_ANNOTATION = "logscan.dev/policy"


@dataclass(frozen=True)
class Scan:
    """A LogScan as the operator sees it.

    Attributes:
        key: Namespace and name.
        uid: Its uid.
        version: Its resourceVersion as a number.
        generation: Generation of its spec.
        created: When it was created.
        deleting: Whether it is being deleted.
        spec: Its spec, or None when this version cannot read it.
        problem: Why the spec cannot be read.
        status: Its status.
        by_hand: Whether a person made it, not the intake.
    """

    key: Key
    uid: str
    version: int
    generation: int
    created: datetime
    deleting: bool
    spec: LogScanSpec | None
    problem: str
    status: LogScanStatus
    by_hand: bool

    @property
    def finished(self) -> bool:
        """Return whether the status says that nothing more will happen."""
        return self.status.phase is not None and self.status.phase.finished

    @property
    def ended(self) -> datetime:
        """Return when it finished; when it was created if its status does not tell."""
        return parse_time(self.status.completion_time) if self.status.completion_time else self.created

    @classmethod
    def parse(cls, body: Object) -> "Scan":
        """Return the scan that an object of the API describes."""
        metadata, spec, problem = body["metadata"], None, ""
        try:
            spec = LogScanSpec.model_validate(body.get("spec"))
        except ValidationError as error:
            first = error.errors()[0]
            problem = f"spec.{'.'.join(map(str, first['loc']))}: {first['msg']}"
        return cls(
            key=key_of(body),
            uid=metadata["uid"],
            version=int(metadata["resourceVersion"]),
            generation=metadata.get("generation", 1),
            created=parse_time(metadata["creationTimestamp"]),
            deleting="deletionTimestamp" in metadata,
            spec=spec,
            problem=problem,
            status=LogScanStatus.model_validate(body.get("status") or {}),
            by_hand=IDENTITY_LABEL not in metadata.get("labels", {}),
        )


@dataclass(frozen=True)
class ScanJob:
    """A Job of a scan.

    Attributes:
        key: Namespace and name.
        uid: Its uid.
        version: Its resourceVersion as a number.
        scan_uid: The LogScan that it belongs to.
        attempt: Which attempt it is, from 1.
        suspended: Whether it is suspended.
        deleting: Whether it is being deleted.
        ended: `Complete`, `Failed`, or None while it is not over.
        reason: Why it failed, in the Job controller's word.
        message: Why it failed, in its sentence.
        result: Where its row will be.
        policy: The policy that gave the rules.
        started: When the Job was started, or None before.
        ready: Whether its pod runs.
        memory: The scanner's memory limit.
    """

    key: Key
    uid: str
    version: int
    scan_uid: str
    attempt: int
    suspended: bool
    deleting: bool
    ended: str | None
    reason: str
    message: str
    result: ResultRef | None
    policy: str | None
    started: datetime | None
    ready: bool
    memory: str | None

    @classmethod
    def parse(cls, body: Object) -> "ScanJob":
        """Return the Job that an object of the API describes."""
        metadata = body["metadata"]
        labels, annotations = metadata.get("labels", {}), metadata.get("annotations", {})
        status = body.get("status", {})
        conditions = status.get("conditions") or []
        end: Object = next((c for c in conditions if c["type"] in ("Complete", "Failed") and c["status"] == "True"), {})
        result = annotations.get(RESULT_ANNOTATION)
        return cls(
            key=key_of(body),
            uid=metadata["uid"],
            version=int(metadata["resourceVersion"]),
            scan_uid=labels.get(SCAN_UID_LABEL, ""),
            attempt=int(labels.get(ATTEMPT_LABEL, "1")),
            suspended=bool(body["spec"].get("suspend")),
            deleting="deletionTimestamp" in metadata,
            ended=end.get("type"),
            reason=end.get("reason", ""),
            message=end.get("message", ""),
            result=ResultRef.model_validate_json(result) if result else None,
            policy=annotations.get(POLICY_ANNOTATION),
            started=parse_time(status["startTime"]) if status.get("startTime") else None,
            ready=bool(status.get("ready")),
            memory=_memory_limit(body["spec"]),
        )


def _memory_limit(spec: Object) -> str | None:
    containers = spec.get("template", {}).get("spec", {}).get("containers") or [{}]
    limit = containers[0].get("resources", {}).get("limits", {}).get("memory")
    return str(limit) if limit is not None else None


@dataclass(frozen=True)
class Policy:
    """A LogScanPolicy; one whose spec cannot be read has none and matches nothing."""

    key: Key
    version: int
    generation: int
    spec: LogScanPolicySpec | None
    status: LogScanPolicyStatus

    @classmethod
    def parse(cls, body: Object) -> "Policy":
        """Return the policy that an object of the API describes."""
        try:
            spec = LogScanPolicySpec.model_validate(body.get("spec") or {})
        except ValidationError:
            spec = None
        metadata = body["metadata"]
        status = LogScanPolicyStatus.model_validate(body.get("status") or {})
        return cls(key_of(body), int(metadata["resourceVersion"]), metadata.get("generation", 1), spec, status)


class Table(dict[Key, T]):
    """Objects of one kind by namespace and name, each the newest that was seen."""

    def __init__(self, parse: Callable[[Object], T], changed: asyncio.Event, index: Index[T]) -> None:
        """Prepare an empty table.

        Args:
            parse: Makes an item of an object of the API.
            changed: Set whenever the table changes.
            index: Called with the old and the new item of each change, to keep indexes.
        """
        super().__init__()
        self._parse = parse
        self._changed = changed
        self._index = index

    def take(self, body: Object) -> None:
        """Take an object from a watch, a list or a write of our own, unless a newer one is known."""
        item, known = self._parse(body), self.get(key_of(body))
        if known is None or item.version > known.version:
            self[item.key] = item
            self._index(known, item)
            self._changed.set()

    def drop(self, body: Object) -> None:
        """Forget a deleted object, unless a newer one has its name."""
        known = self.get(key_of(body))
        if known is not None and known.version <= int(body["metadata"]["resourceVersion"]):
            self.forget(known.key)

    def forget(self, key: Key) -> None:
        """Forget an object that is known to be gone."""
        known = self.pop(key, None)
        if known is not None:
            self._index(known, None)
            self._changed.set()

    def prune(self, namespace: str, present: set[Key], version: int) -> None:
        """Forget what a full list of a namespace, made at `version`, lacked and what is not newer than the list."""
        for key, known in list(self.items()):
            if key[0] == namespace and key not in present and known.version <= version:
                self.forget(key)


class View:
    """Everything known, indexes over it, and a signal for changes.

    Attributes:
        synced: Whether a full list was read; before that nothing may be decided.
        unfinished: LogScans whose status is not final.
        live_jobs: Jobs that are not over.
    """

    def __init__(self) -> None:
        self.synced = False
        self.changed = asyncio.Event()
        self.unfinished: dict[Key, Scan] = {}
        self.live_jobs: dict[Key, ScanJob] = {}
        self._attempts: dict[str, dict[int, ScanJob]] = {}
        self.scans = Table(Scan.parse, self.changed, self._index_scan)
        self.jobs = Table(ScanJob.parse, self.changed, self._index_job)
        self.policies = Table(Policy.parse, self.changed, lambda old, new: None)

    def newest_job(self, scan_uid: str) -> ScanJob | None:
        """Return the Job of a LogScan's newest attempt."""
        attempts = self._attempts.get(scan_uid)
        return attempts[max(attempts)] if attempts else None

    def policies_in(self, namespace: str) -> dict[str, LogScanPolicySpec]:
        """Return the readable policies of a namespace by name."""
        found = self.policies.items()
        return {name: p.spec for (space, name), p in found if space == namespace and p.spec is not None}

    def _index_scan(self, old: Scan | None, new: Scan | None) -> None:
        if old is not None:
            self.unfinished.pop(old.key, None)
        if new is not None and not new.finished:
            self.unfinished[new.key] = new

    def _index_job(self, old: ScanJob | None, new: ScanJob | None) -> None:
        if old is not None:
            self.live_jobs.pop(old.key, None)
            attempts = self._attempts[old.scan_uid]
            del attempts[old.attempt]
            if not attempts:
                del self._attempts[old.scan_uid]
        if new is not None:
            if new.ended is None:
                self.live_jobs[new.key] = new
            self._attempts.setdefault(new.scan_uid, {})[new.attempt] = new


def key_of(body: Object) -> Key:
    """Return namespace and name of an object."""
    return body["metadata"]["namespace"], body["metadata"]["name"]


def parse_time(text: str) -> datetime:
    """Return a Kubernetes time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
