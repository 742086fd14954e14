"""What to do next: a pure function of what is known. It neither reads nor writes anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from logscan_api.exitcodes import Reason
from logscan_api.logscans import LogScanSpec, LogScanStatus, Phase
from logscan_operator import statuses
from logscan_operator.settings import Settings
from logscan_operator.statuses import Verdict
from logscan_operator.view import Key, Scan, ScanJob, View, active_jobs, parse_time

# A scan that gets its Job within this time is never shown as queued: it saves a write per scan.
QUEUED_AFTER = timedelta(seconds=1)


@dataclass(frozen=True)
class CreateJob:
    """Create the Job of an attempt and say so in the status."""

    scan: Scan
    attempt: int


@dataclass(frozen=True)
class SuspendJob:
    """Suspend a Job, or let it go on."""

    scan: Scan
    job: ScanJob
    suspend: bool


@dataclass(frozen=True)
class Collect:
    """Find out how an attempt ended, and say so in the status. Without a Job: it has vanished."""

    scan: Scan
    job: ScanJob | None


@dataclass(frozen=True)
class WriteStatus:
    """Write a status."""

    scan: Scan
    status: LogScanStatus


@dataclass(frozen=True)
class Cancel:
    """Delete the Job, if there is one, and write the final status."""

    scan: Scan
    job: ScanJob | None
    status: LogScanStatus


@dataclass(frozen=True)
class DeleteScan:
    """Delete a LogScan whose time is up."""

    scan: Scan


Action = CreateJob | SuspendJob | Collect | WriteStatus | Cancel | DeleteScan


def plan(view: View, settings: Settings, now: datetime, in_flight: Mapping[Key, Action]) -> list[Action]:
    """Return what to do now, most urgent first.

    Args:
        view: What is known. Nothing is planned before it is synced.
        settings: The operator's settings.
        now: The time.
        in_flight: Actions that are being carried out, by scan: those scans are left alone, and a Job that is being
            created counts as one that runs.
    """
    if not view.synced:
        return []
    jobs = view.jobs_by_scan()
    actions: list[Action] = []
    candidates: list[tuple[Scan, ScanJob | None]] = []
    for scan in view.scans.values():
        if scan.key in in_flight or scan.deleting:
            continue
        job = jobs.get(scan.uid)
        action = _settle(scan, job, settings, now)
        if action is not None:
            actions.append(action)
        elif _wants_slot(scan, job, now):
            candidates.append((scan, job))
    actions.sort(key=lambda action: action.scan.key)
    return actions + _admit(candidates, _slots(view, settings, in_flight), now)


def next_deadline(view: View, settings: Settings, now: datetime) -> datetime | None:
    """Return when time alone will change the plan: a retry is due, or a LogScan's time is up."""
    times = []
    for scan in view.scans.values():
        if scan.finished:
            times.append(_expiry(scan, settings))
        elif scan.status.retry_time:
            times.append(parse_time(scan.status.retry_time))
        elif scan.status.phase is None:
            times.append(scan.created + QUEUED_AFTER + timedelta(seconds=1))
    return min((time for time in times if time > now), default=None)


def _slots(view: View, settings: Settings, in_flight: Mapping[Key, Action]) -> int:
    """Return how many Jobs may start: the limit less those that run or are being started."""
    known = {(job.scan_uid, job.attempt) for job in view.jobs.values()}
    starting = sum(
        1
        for a in in_flight.values()
        if (isinstance(a, CreateJob) and (a.scan.uid, a.attempt) not in known)
        or (isinstance(a, SuspendJob) and not a.suspend)
    )
    return settings.max_concurrent - active_jobs(view.jobs) - starting


def _settle(scan: Scan, job: ScanJob | None, settings: Settings, now: datetime) -> Action | None:
    """Return what a scan needs that takes no slot."""
    if scan.finished:
        return DeleteScan(scan) if now >= _expiry(scan, settings) else None
    if scan.spec is None:
        verdict = Verdict(Phase.FAILED, Reason.INVALID_SPEC, scan.problem)
        return WriteStatus(scan, statuses.finished(scan, verdict, now))
    if job is not None and job.ended is not None and not _collected(scan, job):
        return Collect(scan, job)
    if scan.spec.cancel:
        verdict = Verdict(Phase.CANCELLED, Reason.CANCELLED, "spec.cancel is set")
        alive = job if job is not None and job.ended is None else None
        return Cancel(scan, alive, statuses.finished(scan, verdict, now))
    if job is None and scan.status.job is not None and scan.status.retry_time is None:
        return Collect(scan, None)
    if scan.spec.suspend:
        return _hold(scan, job, now)
    if job is not None and job.ended is None and not job.suspended:
        status = statuses.running(scan, job, now)
        return None if statuses.same(scan.status, status) else WriteStatus(scan, status)
    return None


def _hold(scan: Scan, job: ScanJob | None, now: datetime) -> Action | None:
    """Return what a suspended scan needs."""
    if job is not None and job.ended is None and not job.suspended:
        return SuspendJob(scan, job, suspend=True)
    status = statuses.waiting(scan, Verdict(Phase.SUSPENDED, Reason.SUSPENDED, "spec.suspend is set"), now)
    return None if statuses.same(scan.status, status) else WriteStatus(scan, status)


def _collected(scan: Scan, job: ScanJob) -> bool:
    """Return whether the status already tells how this attempt ended, and that another will follow."""
    return scan.status.retry_time is not None and (scan.status.attempts or 0) >= job.attempt


def _wants_slot(scan: Scan, job: ScanJob | None, now: datetime) -> bool:
    """Return whether a scan could start (or go on) now if there were a slot."""
    if scan.finished or scan.spec is None or scan.spec.suspend:
        return False
    if job is not None and job.ended is None:
        return job.suspended
    retry_time = scan.status.retry_time
    return retry_time is None or parse_time(retry_time) <= now


def _admit(candidates: list[tuple[Scan, ScanJob | None]], slots: int, now: datetime) -> list[Action]:
    """Return Jobs for the first candidates by priority and age, and a reason to wait for the others."""
    actions: list[Action] = []
    ordered = sorted(candidates, key=lambda pair: (-_priority(pair[0].spec), pair[0].created, pair[0].key))
    for scan, job in ordered:
        if len(actions) < slots:
            resumes = job is not None and job.ended is None
            attempt = max(scan.status.attempts or 0, job.attempt if job else 0) + 1
            actions.append(SuspendJob(scan, job, False) if resumes and job else CreateJob(scan, attempt))
            continue
        message = "as many Jobs run as maxConcurrent allows; the scan starts when one ends"
        status = statuses.waiting(scan, Verdict(Phase.QUEUED, Reason.CONCURRENCY_LIMIT, message), now)
        if now - scan.created >= QUEUED_AFTER and not statuses.same(scan.status, status):
            actions.append(WriteStatus(scan, status))
    return actions


def _priority(spec: LogScanSpec | None) -> int:
    return spec.priority if spec else 0


def _expiry(scan: Scan, settings: Settings) -> datetime:
    """Return when a finished LogScan is to be deleted."""
    own = scan.spec.ttl_seconds_after_finished if scan.spec else None
    ended = scan.status.completion_time
    seconds = settings.ttl_seconds if own is None else own
    return (parse_time(ended) if ended else scan.created) + timedelta(seconds=seconds)
