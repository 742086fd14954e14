"""The statuses that the operator writes: one pure function for each thing that can be said about a scan."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from logscan_api.exitcodes import Reason
from logscan_api.labels import shown_object
from logscan_api.statuses import Condition, JobRef, LogScanStatus, Phase, ResultRef, Summary
from logscan_operator.items import Scan, ScanJob, parse_time

# Together with the longest key and version that S3 allows, a status stays below 4 KiB.
MESSAGE_LENGTH = 512
CONDITION_MESSAGE_LENGTH = 160


@dataclass(frozen=True)
class Verdict:
    """What is now true of a scan, in a machine's word and a person's sentence."""

    phase: Phase
    reason: Reason
    message: str


def waiting(scan: Scan, verdict: Verdict, now: datetime) -> LogScanStatus:
    """Return the status of a scan that waits: queued, suspended."""
    conditions = _conditions(scan, now, Admitted=(False, verdict.reason, verdict.message))
    return _status(scan, verdict, conditions)


def running(scan: Scan, job: ScanJob, now: datetime) -> LogScanStatus:
    """Return the status of a scan whose Job exists."""
    message = f"Job {job.key[1]} runs the scan (attempt {job.attempt})"
    verdict = Verdict(Phase.RUNNING, Reason.JOB_CREATED, message)
    conditions = _conditions(
        scan,
        now,
        Admitted=(True, Reason.JOB_CREATED, "the scan has a slot"),
        JobCreated=(True, Reason.JOB_CREATED, f"Job {job.key[1]}"),
    )
    return _status(
        scan,
        verdict,
        conditions,
        job=JobRef(name=job.key[1], uid=job.uid),
        attempts=job.attempt,
        result=job.result,
        policy=job.policy,
        start_time=scan.status.start_time or stamp(now),
        retry_time=None,
    )


def says_running(scan: Scan, job: ScanJob) -> bool:
    """Return whether the status already is what `running` would say."""
    status = scan.status
    return (
        status.phase is Phase.RUNNING
        and status.job is not None
        and status.job.uid == job.uid
        and status.observed_generation == scan.generation
    )


def retrying(scan: Scan, attempt: int, reason: Reason, message: str, at: datetime, now: datetime) -> LogScanStatus:
    """Return the status of a scan whose attempt failed and that will be tried again at a time."""
    text = f"attempt {attempt} failed with {reason}: {message}; the next one starts at {stamp(at)}"
    verdict = Verdict(Phase.QUEUED, Reason.BACKOFF, text)
    conditions = _conditions(scan, now, Admitted=(False, Reason.BACKOFF, text))
    return _status(scan, verdict, conditions, attempts=attempt, retry_time=stamp(at))


def finished(
    scan: Scan,
    verdict: Verdict,
    now: datetime,
    summary: Summary | None = None,
    result: ResultRef | None = None,
) -> LogScanStatus:
    """Return a final status."""
    succeeded = verdict.phase is Phase.SUCCEEDED
    conditions = _conditions(
        scan,
        now,
        Complete=(succeeded, verdict.reason, verdict.message),
        Failed=(verdict.phase is Phase.FAILED, verdict.reason, verdict.message),
    )
    started = scan.status.start_time
    return _status(
        scan,
        verdict,
        conditions,
        completion_time=stamp(now),
        duration=duration(parse_time(started), now) if started else None,
        summary=summary,
        result=result or scan.status.result,
        retry_time=None,
    )


def patch(before: LogScanStatus, after: LogScanStatus) -> dict[str, Any]:
    """Return the merge patch from one status to another: what was dropped becomes null."""
    wire = after.wire()
    return {**{name: None for name in before.wire() if name not in wire}, **wire}


def same(before: LogScanStatus, after: LogScanStatus) -> bool:
    """Return whether two statuses say the same, whatever the times in them."""
    volatile = {"start_time", "conditions"}
    return before.model_dump(exclude=volatile) == after.model_dump(exclude=volatile)


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def stamp_now() -> str:
    """Return the time as Kubernetes writes it."""
    return stamp(utc_now())


def stamp(moment: datetime) -> str:
    """Return a time as Kubernetes writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(start: datetime, end: datetime) -> str:
    """Return a span for people, such as `3s`, `2m5s` or `1h3m`."""
    seconds = max(round((end - start).total_seconds()), 0)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60}s"
    return f"{seconds // 3600}h{seconds % 3600 // 60}m"


def _status(scan: Scan, verdict: Verdict, conditions: list[Condition], **changes: Any) -> LogScanStatus:
    said = {
        "observed_generation": scan.generation,
        "phase": verdict.phase,
        "reason": verdict.reason,
        "message": verdict.message[:MESSAGE_LENGTH],
        "conditions": conditions,
    }
    if scan.spec is not None:
        source = scan.spec.source.s3
        said["object"] = shown_object(source.key, source.prefix)
    return scan.status.model_copy(update={**said, **changes})


def _conditions(scan: Scan, now: datetime, **said: tuple[bool, Reason, str]) -> list[Condition]:
    """Return the scan's conditions with some said anew; a condition keeps its time while its status stays."""
    known = {condition.type: condition for condition in scan.status.conditions or []}
    for kind, (holds, reason, message) in said.items():
        old, status = known.get(kind), "True" if holds else "False"
        known[kind] = Condition(
            type=kind,
            status=status,
            reason=str(reason),
            message=message[:CONDITION_MESSAGE_LENGTH],
            last_transition_time=old.last_transition_time if old and old.status == status else stamp(now),
            observed_generation=scan.generation,
        )
    return list(known.values())
