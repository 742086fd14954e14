"""What the operator knows of the cluster: LogScans, their Jobs, and policies.

Watches and lists feed it, and so do the operator's own writes before a watch echoes them. Objects carry the
resourceVersion of their last change; an older one never replaces a newer one (Kubernetes documentation, "Resource
versions": they are comparable numbers).
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from logscan_api.logscans import LogScanSpec, LogScanStatus, ResultRef
from logscan_api.policies import LogScanPolicySpec

Object = dict[str, Any]
Key = tuple[str, str]

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

    @property
    def finished(self) -> bool:
        """Return whether the status says that nothing more will happen."""
        return self.status.phase is not None and self.status.phase.finished

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

    @classmethod
    def parse(cls, body: Object) -> "ScanJob":
        """Return the Job that an object of the API describes."""
        metadata = body["metadata"]
        labels, annotations = metadata.get("labels", {}), metadata.get("annotations", {})
        conditions = body.get("status", {}).get("conditions") or []
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
        )


@dataclass(frozen=True)
class Policy:
    """A LogScanPolicy; one whose spec cannot be read has none and matches nothing."""

    key: Key
    version: int
    spec: LogScanPolicySpec | None

    @classmethod
    def parse(cls, body: Object) -> "Policy":
        """Return the policy that an object of the API describes."""
        try:
            spec = LogScanPolicySpec.model_validate(body.get("spec") or {})
        except ValidationError:
            spec = None
        return cls(key_of(body), int(body["metadata"]["resourceVersion"]), spec)


@dataclass
class View:
    """Everything known, and a signal for changes.

    Attributes:
        synced: Whether a full list was read; before that nothing may be decided.
    """

    scans: dict[Key, Scan] = field(default_factory=dict)
    jobs: dict[Key, ScanJob] = field(default_factory=dict)
    policies: dict[Key, Policy] = field(default_factory=dict)
    synced: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def put_scan(self, body: Object) -> None:
        """Take a LogScan from a watch, a list or a write of our own."""
        self._put(self.scans, Scan.parse(body))

    def put_job(self, body: Object) -> None:
        """Take a Job, likewise; one that belongs to no scan is passed over."""
        if SCAN_UID_LABEL in body["metadata"].get("labels", {}):
            self._put(self.jobs, ScanJob.parse(body))

    def put_policy(self, body: Object) -> None:
        """Take a LogScanPolicy, likewise."""
        self._put(self.policies, Policy.parse(body))

    def drop(self, kind: dict[Key, Any], body: Object) -> None:
        """Forget a deleted object, unless a newer one has its name."""
        known = kind.get(key_of(body))
        if known is not None and known.version <= int(body["metadata"]["resourceVersion"]):
            del kind[known.key]
            self.changed.set()

    def prune(self, kind: dict[Key, Any], present: set[Key], version: int) -> None:
        """Forget what a full list, made at `version`, did not have and what is not newer than the list."""
        for key, known in list(kind.items()):
            if key not in present and known.version <= version:
                del kind[key]
                self.changed.set()

    def jobs_by_scan(self) -> dict[str, ScanJob]:
        """Return the Job of the newest attempt by the uid of its LogScan."""
        newest: dict[str, ScanJob] = {}
        for job in self.jobs.values():
            known = newest.get(job.scan_uid)
            if known is None or job.attempt > known.attempt:
                newest[job.scan_uid] = job
        return newest

    def unfinished(self) -> int:
        """Return the number of LogScans that are not finished."""
        return sum(1 for scan in self.scans.values() if not scan.finished)

    def policies_in(self, namespace: str) -> dict[str, LogScanPolicySpec]:
        """Return the readable policies of a namespace by name."""
        found = self.policies.items()
        return {name: p.spec for (space, name), p in found if space == namespace and p.spec is not None}

    def _put(self, kind: dict[Key, Any], item: Any) -> None:
        known = kind.get(item.key)
        if known is None or item.version > known.version:
            kind[item.key] = item
            self.changed.set()


def key_of(body: Object) -> Key:
    """Return namespace and name of an object."""
    return body["metadata"]["namespace"], body["metadata"]["name"]


def parse_time(text: str) -> datetime:
    """Return a Kubernetes time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def active_jobs(jobs: dict[Key, ScanJob]) -> int:
    """Return how many Jobs hold a slot: those that are neither over nor suspended."""
    return sum(1 for job in jobs.values() if job.ended is None and not job.suspended)
