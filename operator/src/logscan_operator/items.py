"""The objects that the operator works with, as it sees them: LogScans, their Jobs, and policies."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from logscan_api.explanations import explain
from logscan_api.identity import job_name
from logscan_api.logscans import LogScanSpec
from logscan_api.policies import LogScanPolicySpec, LogScanPolicyStatus
from logscan_api.quantities import Quantity
from logscan_api.statuses import LogScanStatus, Phase, ResultRef
from logscan_operator.records import RECORD_ANNOTATION, Record

Object = dict[str, Any]
Key = tuple[str, str]

SCAN_UID_LABEL = "logscan.dev/scan-uid"
ATTEMPT_LABEL = "logscan.dev/attempt"
IDENTITY_LABEL = "logscan.dev/identity"
CONTENT_LABEL = "logscan.dev/content"
RESULT_ANNOTATION = "logscan.dev/result"
# On a Job that the operator itself suspended: it resumes no other.
SUSPENDED_ANNOTATION = "logscan.dev/suspended"
# Prefix of what Kueue puts on the Jobs that it manages, https://kueue.sigs.k8s.io/docs/reference/labels-and-annotations
KUEUE = "kueue.x-k8s.io/"
FINISHED = frozenset(str(phase) for phase in Phase if phase.finished)
KEPT = ("phase", "reason", "completionTime", "policy")


class ForeignJobError(ValueError):
    """A Job has labels of the operator's, but the operator did not make it."""


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
        spec: Its spec, or None when this version cannot read it, or once the scan has finished.
        problem: Why the spec cannot be read.
        status: Its status; of a finished scan just what is counted and what its deletion depends on, since thousands
            are kept.
        ttl_seconds: After how many seconds it is to be deleted, or `never`, if it says so itself.
        by_hand: Whether a person made it, not the intake.
        content: Hash of bucket, key and entity tag, if the intake knew one.
        retry: Its `spec.retry`.
        reopened: Whether its status is final but describes an earlier spec: it may have to run again.
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
    ttl_seconds: int | str | None
    by_hand: bool
    content: str | None = None
    retry: str | None = None
    reopened: bool = False

    @property
    def readable_spec(self) -> LogScanSpec:
        """Return the spec.

        Raises:
            ValueError: It cannot be read, or the scan has finished; nothing is planned that needs it then.
        """
        if self.spec is None:
            raise ValueError(f"the spec of {'/'.join(self.key)} cannot be read: {self.problem}")
        return self.spec

    @property
    def finished(self) -> bool:
        """Return whether nothing more will happen, by a final status that describes the spec as it is."""
        return self.status.phase is not None and self.status.phase.finished and not self.reopened

    @property
    def runs_again(self) -> bool:
        """Return whether `spec.retry` asks for another run of a scan that has ended."""
        cancelled = self.spec is not None and self.spec.cancel
        return self.reopened and not cancelled and self.retry not in (None, self.status.last_handled_retry)

    @property
    def prior_attempts(self) -> int:
        """Return how many Jobs its earlier runs had; those of the present run have higher numbers."""
        return self.status.prior_attempts or 0

    @property
    def ended(self) -> datetime:
        """Return when it finished; when it was created if its status does not tell."""
        return parse_time(self.status.completion_time) if self.status.completion_time else self.created

    @classmethod
    def parse(cls, body: Object, known: "Scan | None" = None) -> "Scan":
        """Return the scan that an object of the API describes.

        Args:
            body: The object.
            known: What was known of it; its spec is taken over if the generation is the same.
        """
        metadata = body["metadata"]
        uid, generation = metadata["uid"], metadata.get("generation", 1)
        reopened = _reopened(body)
        status, finished = _parse_status(body, reopened)
        # A finished scan has no spec here: if its status is reset, the spec must be read again.
        unchanged = known is not None and not known.finished and (known.uid, known.generation) == (uid, generation)
        spec, problem = None, ""
        if not finished:
            spec, problem = (known.spec, known.problem) if known and unchanged else _parse_spec(body)
        return cls(
            key=key_of(body),
            uid=uid,
            version=int(metadata["resourceVersion"]),
            generation=generation,
            created=parse_time(metadata["creationTimestamp"]),
            deleting="deletionTimestamp" in metadata,
            spec=spec,
            problem=problem,
            status=status,
            ttl_seconds=(body.get("spec") or {}).get("ttlSecondsAfterFinished"),
            by_hand=IDENTITY_LABEL not in metadata.get("labels", {}),
            content=metadata.get("labels", {}).get(CONTENT_LABEL),
            retry=(body.get("spec") or {}).get("retry"),
            reopened=reopened,
        )


def _reopened(body: Object) -> bool:
    """Return whether a final status describes another spec than the one that is there."""
    said, spec = body.get("status") or {}, body.get("spec") or {}
    if said.get("phase") not in FINISHED or "deletionTimestamp" in body["metadata"]:
        return False
    again = spec.get("retry") not in (None, said.get("lastHandledRetry")) and not spec.get("cancel")
    return again or said.get("observedGeneration") not in (None, body["metadata"].get("generation", 1))


def _parse_status(body: Object, reopened: bool) -> tuple[LogScanStatus, bool]:
    """Return a LogScan's status, short if it is final, and whether it is."""
    said = body.get("status") or {}
    if said.get("phase") in FINISHED and not reopened:
        return LogScanStatus.model_validate({name: said[name] for name in KEPT if name in said}), True
    return LogScanStatus.model_validate(said), False


def _parse_spec(body: Object) -> tuple[LogScanSpec | None, str]:
    """Return a LogScan's spec, or why it cannot be read."""
    try:
        return LogScanSpec.model_validate(body.get("spec")), ""
    except ValidationError as error:
        return None, explain(error, LogScanSpec, "spec")


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
        status = body.get("status", {})
        conditions = status.get("conditions") or []
        end: Object = next((c for c in conditions if c["type"] in ("Complete", "Failed") and c["status"] == "True"), {})
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
            ended=end.get("type"),
            reason=end.get("reason", ""),
            message=end.get("message", ""),
            result=ResultRef.model_validate_json(result) if result else None,
            record=Record.from_annotation(annotations.get(RECORD_ANNOTATION)),
            started=parse_time(status["startTime"]) if status.get("startTime") else None,
            ready=bool(status.get("ready")),
            ends_by=_ends_by(body),
            memory=_memory_limit(body["spec"]),
        )


def _identity(job: Object) -> tuple[str, int]:
    """Return which LogScan a Job belongs to, and which attempt it is.

    Labels are anybody's to write. A Job of the operator is controlled by a LogScan of its own namespace, has the uid of
    that LogScan in its label, and the name that follows from both: no two Jobs can claim one attempt.

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


def key_of(body: Object) -> Key:
    """Return namespace and name of an object."""
    return body["metadata"]["namespace"], body["metadata"]["name"]


def parse_time(text: str) -> datetime:
    """Return a Kubernetes time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
