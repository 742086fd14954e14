"""The Jobs of LogScans, as the operator sees them, and which Jobs are its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from logscan_api.identity import job_name
from logscan_api.quantities import Quantity
from logscan_api.statuses import ResultRef
from logscan_operator.items import Key, Object, key_of, parse_time
from logscan_operator.jobsignatures import RESULT_ANNOTATION, is_signed
from logscan_operator.records import RECORD_ANNOTATION, Record

SCAN_UID_LABEL = "logscan.dev/scan-uid"
ATTEMPT_LABEL = "logscan.dev/attempt"
# On a Job that the operator itself suspended: it resumes no other.
SUSPENDED_ANNOTATION = "logscan.dev/suspended"
# Prefix of what Kueue puts on the Jobs that it manages, https://kueue.sigs.k8s.io/docs/reference/labels-and-annotations
KUEUE = "kueue.x-k8s.io/"
# Metadata that changes with each write, or when only the status does.
VOLATILE = ("resourceVersion", "managedFields")


class ForeignJobError(ValueError):
    """A Job has labels of the operator's, but the operator did not make it."""


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
        held: Whether the operator marked it as suspended by itself.
        kueue: Whether Kueue manages it.
        deleting: Whether it is being deleted.
        ended: `Complete`, `Failed`, or None while it is not over.
        reason: Why it failed, in the Job controller's word.
        message: Why it failed, in its sentence.
        result: Where its row will be.
        record: What applies to its scan, if an operator of this version made it.
        started: When the Job was started, or None before.
        ready: Whether its pod runs.
        ends_by: When the Job controller ends it at the latest, or None if it has no deadline.
        memory: The scanner's memory limit.
        fixed: Hash of all of it that is neither its status nor changes with each write.
    """

    key: Key
    uid: str
    version: int
    scan_uid: str
    attempt: int
    suspended: bool
    held: bool
    kueue: bool
    deleting: bool
    ended: str | None
    reason: str
    message: str
    result: ResultRef | None
    record: Record | None
    started: datetime | None
    ready: bool
    ends_by: datetime | None
    memory: Quantity | None
    fixed: int

    @property
    def policy(self) -> str | None:
        """Return the policy that applies to its scan, if one does."""
        return self.record.policy if self.record else None

    @classmethod
    def parse(cls, body: Object) -> "ScanJob":
        """Return the Job that an object of the API describes.

        Raises:
            ForeignJobError: The operator did not make it.
            ValueError: It cannot be read.
        """
        metadata = body["metadata"]
        labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
        scan_uid, attempt = _identity(body)
        result = annotations.get(RESULT_ANNOTATION)
        return cls(
            key=key_of(body),
            uid=metadata["uid"],
            version=int(metadata["resourceVersion"]),
            scan_uid=scan_uid,
            attempt=attempt,
            suspended=bool(body["spec"].get("suspend")),
            held=SUSPENDED_ANNOTATION in annotations,
            kueue=any(name.startswith(KUEUE) for name in (*labels, *annotations, body["spec"].get("managedBy", ""))),
            deleting="deletionTimestamp" in metadata,
            result=ResultRef.model_validate_json(result) if result else None,
            record=Record.from_annotation(annotations.get(RECORD_ANNOTATION)),
            memory=_memory_limit(body["spec"]),
            fixed=_fixed(body),
            **_said_by_status(body),
        )

    def with_status(self, body: Object) -> "ScanJob":
        """Return this Job as a later version of its object has it, in which nothing but the status has changed."""
        return replace(self, version=int(body["metadata"]["resourceVersion"]), **_said_by_status(body))


def own_job(body: Object, keys: Sequence[bytes], known: ScanJob | None = None) -> ScanJob:
    """Return the Job that an object of the API describes, if the operator made it.

    Args:
        body: The object.
        keys: What Jobs are signed with.
        known: What was known of it, which was verified then: of each Job, most versions differ in the status only.

    Raises:
        ForeignJobError: The operator did not make it.
        ValueError: It cannot be read.
    """
    if known is not None and known.fixed == _fixed(body):
        return known.with_status(body)
    job = ScanJob.parse(body)
    if not is_signed(body, keys):
        raise ForeignJobError("it is not signed with the operator's key, or was changed")
    return job


def _identity(job: Object) -> tuple[str, int]:
    """Return which LogScan a Job belongs to, and which attempt it is.

    A Job of the operator is controlled by a LogScan of its own namespace, has the uid of that LogScan in its label, and
    the name that follows from both: no two Jobs can claim one attempt.

    Raises:
        ForeignJobError: The operator did not make it.
    """
    metadata = job["metadata"]
    labels, owners = metadata.get("labels") or {}, metadata.get("ownerReferences") or []
    uid, attempt = labels.get(SCAN_UID_LABEL), labels.get(ATTEMPT_LABEL, "")
    owner = next((o for o in owners if o.get("controller") and o.get("kind") == "LogScan"), None)
    if owner is None or owner.get("uid") != uid:
        raise ForeignJobError(f"no LogScan with the uid in the label {SCAN_UID_LABEL} controls it")
    if not (attempt.isascii() and attempt.isdigit()) or metadata["name"] != job_name(owner["name"], int(attempt)):
        raise ForeignJobError(f"its name does not follow from its LogScan and the label {ATTEMPT_LABEL}")
    return owner["uid"], int(attempt)


def _fixed(job: Object) -> int:
    """Return a hash of a Job without its status. Python's has another key in each process, so nobody can aim at one."""
    metadata = {name: value for name, value in job["metadata"].items() if name not in VOLATILE}
    return hash(orjson.dumps([metadata, job["spec"]]))


def _said_by_status(job: Object) -> dict[str, Any]:
    """Return the fields of `ScanJob` that follow from the status."""
    status = job.get("status", {})
    conditions = status.get("conditions") or []
    end: Object = next((c for c in conditions if c["type"] in ("Complete", "Failed") and c["status"] == "True"), {})
    return {
        "ended": end.get("type"),
        "reason": end.get("reason", ""),
        "message": end.get("message", ""),
        "started": parse_time(status["startTime"]) if status.get("startTime") else None,
        "ready": bool(status.get("ready")),
        "ends_by": _ends_by(job),
    }


def _ends_by(job: Object) -> datetime | None:
    """Return when a Job's deadline passes; one that was not started yet is taken to start when it was created."""
    seconds = job["spec"].get("activeDeadlineSeconds")
    started = job.get("status", {}).get("startTime") or job["metadata"].get("creationTimestamp")
    return parse_time(started) + timedelta(seconds=seconds) if seconds and started else None


def _memory_limit(spec: Object) -> Quantity | None:
    """Return the memory limit of a Job's container; None also for one with more digits than a LogScan may have."""
    containers = spec.get("template", {}).get("spec", {}).get("containers") or [{}]
    limit = containers[0].get("resources", {}).get("limits", {}).get("memory")
    try:
        return Quantity(str(limit)) if limit is not None else None
    except ValueError:
        return None
