"""The statuses that the operator writes: one pure function for each thing that can be said about a scan."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from logscan_api.conditions import ConditionType
from logscan_api.exitcodes import Reason
from logscan_api.labels import shown_object
from logscan_api.statuses import JobRef, Listing, LogScanStatus, Phase, ResultRef, Summary
from logscan_api.text import printable
from logscan_operator import conditions
from logscan_operator.conditions import Said, Verdict
from logscan_operator.items import Scan, parse_time
from logscan_operator.scanjobs import ScanJob

# Together with the longest key and version that S3 allows, a status stays below 5 KiB.
MESSAGE_LENGTH = 512


def waiting(scan: Scan, verdict: Verdict, now: datetime) -> LogScanStatus:
    """Return the status of a scan that waits: queued, suspended."""
    return _status(scan, verdict, now, Admitted=(False, verdict.reason, verdict.message))


def running(scan: Scan, job: ScanJob, now: datetime) -> LogScanStatus:
    """Return the status of a scan whose Job exists and may run."""
    message = f"Job {job.key[1]} runs the scan (attempt {job.attempt - scan.prior_attempts})"
    verdict = Verdict(Phase.RUNNING, Reason.JOB_CREATED, message)
    changes = {**_of_job(scan, job), "start_time": scan.status.start_time or stamp(now)}
    created = (True, Reason.JOB_CREATED, f"Job {job.key[1]}")
    admitted = (True, Reason.JOB_CREATED, "the scan has a slot")
    return _status(scan, verdict, now, changes, Admitted=admitted, JobCreated=created)


def starting(scan: Scan, job: ScanJob, reason: Reason, message: str, now: datetime) -> LogScanStatus:
    """Return the status of a scan whose Job has no pod that started, and why."""
    text = f"the pod of Job {job.key[1]} has not started yet: {message}"
    changes = {**_of_job(scan, job), "start_time": scan.status.start_time or stamp(now)}
    return _status(scan, Verdict(Phase.RUNNING, reason, text), now, changes)


def held(scan: Scan, job: ScanJob, now: datetime) -> LogScanStatus:
    """Return the status of a scan whose Job something other than the operator has suspended."""
    name = job.key[1]
    verdict = Verdict(Phase.QUEUED, Reason.QUEUED_BY_KUEUE, f"Kueue decides when Job {name} runs")
    if not job.kueue:
        message = f"Job {name} was suspended, not by logscan; it runs when the suspend field of the Job is false again"
        verdict = Verdict(Phase.SUSPENDED, Reason.SUSPENDED_BY_OTHER, message)
    said = (False, verdict.reason, verdict.message)
    created = (True, Reason.JOB_CREATED, f"Job {name}")
    return _status(scan, verdict, now, _of_job(scan, job), Admitted=said, JobCreated=created)


def listing(scan: Scan, verdict: Verdict, now: datetime) -> LogScanStatus:
    """Return the status of a scan of a prefix that is under way, waits, or is suspended."""
    said = (verdict.phase is Phase.RUNNING, verdict.reason, verdict.message)
    return _status(scan, verdict, now, {"last_handled_retry": _handled(scan)}, Admitted=said)


def says_running(scan: Scan, job: ScanJob) -> bool:
    """Return whether the status already is what `running` would say, or says why the pod has not started."""
    status = scan.status
    return (
        status.phase is Phase.RUNNING
        and status.job is not None
        and status.job.uid == job.uid
        and status.observed_generation == scan.generation
        and (status.reason == Reason.JOB_CREATED or not job.ready)
    )


def retrying(scan: Scan, attempt: int, reason: Reason, message: str, at: datetime, now: datetime) -> LogScanStatus:
    """Return the status of a scan whose attempt failed and that will be tried again at a time.

    Args:
        scan: The LogScan.
        attempt: Number of the attempt's Job.
        reason: Why it failed.
        message: The same, for a person.
        at: When the next attempt may start.
        now: The time.
    """
    number = attempt - scan.prior_attempts
    text = f"attempt {number} failed with {reason}: {message}; the next one starts at {stamp(at)}"
    changes = {"attempts": attempt, "retry_time": stamp(at), "refusals": None}
    return _status(
        scan, Verdict(Phase.QUEUED, Reason.BACKOFF, text), now, changes, Admitted=(False, Reason.BACKOFF, text)
    )


def withdrawn(
    scan: Scan, job: ScanJob | None, verdict: Verdict, at: datetime, now: datetime, refusals: int | None = None
) -> LogScanStatus:
    """Return the status of a scan that has no Job and may get one at a time; what it had does not count as an attempt.

    Args:
        scan: The LogScan.
        job: Its Job that was deleted, if there was one.
        verdict: Why it has none.
        at: When its Job may be created.
        now: The time.
        refusals: How often in a row the Job or its pod was refused.
    """
    changes: dict[str, Any] = {"retry_time": stamp(at), "refusals": refusals}
    if job is not None:
        changes |= {"attempts": job.attempt - 1 or None, "job": JobRef(name=job.key[1], uid=job.uid)}
    said = (False, verdict.reason, verdict.message)
    return _status(scan, verdict, now, changes, Admitted=said, JobCreated=said)


def reopened(scan: Scan, now: datetime) -> LogScanStatus:
    """Return the status of a finished scan whose spec has changed: it starts over if that is asked for."""
    if not scan.runs_again:
        return scan.status.model_copy(update={"observed_generation": scan.generation})
    fresh = LogScanStatus(last_handled_retry=scan.retry, prior_attempts=scan.status.attempts or 0)
    earlier = scan.status.listing  # the number of a page is never used again
    again = Listing(pages=earlier.pages) if earlier is not None else None
    fresh = fresh.model_copy(update={"attempts": scan.status.attempts, "listing": again})
    message = "spec.retry asks for another run, which waits for a slot"
    return _status(replace(scan, status=fresh), Verdict(Phase.PENDING, Reason.WAITING, message), now)


def finished(
    scan: Scan,
    verdict: Verdict,
    now: datetime,
    summary: Summary | None = None,
    result: ResultRef | None = None,
) -> LogScanStatus:
    """Return a final status."""
    started = scan.status.start_time
    changes = {
        "last_handled_retry": _handled(scan),
        "completion_time": stamp(now),
        "duration": duration(parse_time(started), now) if started else None,
        "summary": summary,
        "result": result or scan.status.result,
        "retry_time": None,
        "refusals": None,
    }
    succeeded, failed = verdict.phase is Phase.SUCCEEDED, verdict.phase is Phase.FAILED
    said: dict[str, Said] = {
        "Complete": (succeeded, verdict.reason, verdict.message if succeeded else ""),
        "Failed": (failed, verdict.reason, verdict.message if failed else ""),
    }
    if summary is not None and summary.incomplete:
        words = sorted({part.reason for part in summary.incomplete})
        said["Partial"] = (True, verdict.reason, f"not all was read or counted: {', '.join(words)}")
    return _status(scan, verdict, now, changes, **said)


def patch(before: LogScanStatus, after: LogScanStatus) -> dict[str, Any]:
    """Return the merge patch from one status to another: what was dropped becomes null."""
    return _merge_patch(before.wire(), after.wire())


def _merge_patch(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what makes one object of another when the API server merges it in (RFC 7396)."""
    kept: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        inner = before.get(name)
        kept[name] = _merge_patch(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return kept


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


def _of_job(scan: Scan, job: ScanJob) -> dict[str, Any]:
    """Return what a status says of the newest attempt's Job."""
    return {
        "job": JobRef(name=job.key[1], uid=job.uid),
        "attempts": job.attempt,
        "result": job.result,
        "policy": job.policy,
        "retry_time": None,
        "last_handled_retry": _handled(scan),
    }


def _handled(scan: Scan) -> str | None:
    """Return the `spec.retry` that a run belongs to: the one that was there when its first Job was created.

    With a prefix it is the one that was there when the first keys were listed.
    """
    return scan.status.last_handled_retry if scan.status.job or scan.status.listing else scan.retry


def _status(
    scan: Scan, verdict: Verdict, now: datetime, changes: dict[str, Any] | None = None, **said: Said
) -> LogScanStatus:
    """Return a status with a verdict, what changes besides, and the conditions."""
    wanted = {
        "observed_generation": scan.generation,
        "phase": verdict.phase,
        "reason": verdict.reason,
        "message": printable(verdict.message)[:MESSAGE_LENGTH],
        "conditions": conditions.of(
            scan, verdict, {ConditionType(kind): what for kind, what in said.items()}, stamp(now)
        ),
    }
    if scan.spec is not None:
        source = scan.spec.source.s3
        first = source.keys[0] if source.objects else source.key
        wanted["object"] = shown_object(first, source.prefix, max(scan.objects - 1, 0))
    return scan.status.model_copy(update={**wanted, **(changes or {})})
