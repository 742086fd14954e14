"""What to do next: a pure function of what is known. It neither reads nor writes anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from logscan_api.exitcodes import Reason
from logscan_api.policies import choose
from logscan_api.statuses import LogScanStatus, Phase
from logscan_operator import statuses
from logscan_operator.admission import LIMIT_MESSAGES, Candidate, Usage, admit
from logscan_operator.items import Key, Scan, ScanJob, parse_time
from logscan_operator.settings import Settings
from logscan_operator.statuses import Verdict
from logscan_operator.view import View


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
class CheckPending:
    """Find out why a Job's pod does not start, and end the scan with that."""

    scan: Scan
    job: ScanJob


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


Action = CreateJob | SuspendJob | CheckPending | Collect | WriteStatus | Cancel | DeleteScan


def plan(view: View, settings: Settings, now: datetime, in_flight: Mapping[Key, Action]) -> list[Action]:
    """Return what to do now, most urgent first.

    Args:
        view: What is known. Nothing is planned before it is settled, and nothing in namespaces out of sight.
        settings: The operator's settings.
        now: The time.
        in_flight: Actions that are being carried out, by scan: those scans are left alone, and a Job that is being
            created counts as one that runs.
    """
    if not view.settled:
        return []
    actions: list[Action] = []
    candidates: list[Candidate] = []
    limits = _policy_limits(view)
    outdated = view.versions.outdated() if settings.supersede else {}
    for scan in view.unfinished_in_sight():
        if scan.deleting or scan.key in in_flight:
            continue
        job = view.newest_job(scan.uid)
        action = _settle(scan, job, outdated.get(scan.key), settings, now)
        if action is not None:
            actions.append(action)
        elif _wants_slot(scan, job, now):
            candidates.append(Candidate(scan, job, _limited_policy(view, scan, job, limits)))
    actions.sort(key=lambda action: action.scan.key)
    return actions + _admit(view, candidates, limits, settings, now, in_flight)


def next_deadline(view: View, settings: Settings, now: datetime) -> datetime | None:
    """Return when time alone will change the plan: a retry is due, a reason to wait is to be told, a pod is late."""
    patience = timedelta(seconds=settings.queued_after_seconds)
    scans = view.unfinished.values()
    times = [parse_time(scan.status.retry_time) for scan in scans if scan.status.retry_time]
    fresh = [scan.created for scan in scans if scan.status.job is None and scan.created + patience > now]
    times += [min(fresh) + patience] if fresh else []
    pending = timedelta(seconds=settings.pending_seconds)
    times += [job.started + pending for job in view.live_jobs.values() if job.started and not job.ready]
    return min((time for time in times if time > now), default=None)


def _settle(scan: Scan, job: ScanJob | None, newer: str | None, settings: Settings, now: datetime) -> Action | None:
    """Return what a scan needs that takes no slot."""
    if scan.spec is None:
        verdict = Verdict(Phase.FAILED, Reason.INVALID_SPEC, scan.problem)
        return WriteStatus(scan, statuses.finished(scan, verdict, now))
    if job is not None and job.ended is not None and not _collected(scan, job):
        return Collect(scan, job)
    if scan.spec.cancel or newer is not None:
        return _give_up(scan, job, newer, now)
    if job is None and scan.status.job is not None and scan.status.retry_time is None:
        return Collect(scan, None)
    if scan.spec.suspend:
        return _hold(scan, job, now)
    if job is not None and job.ended is None and not job.suspended:
        return _follow(scan, job, settings, now)
    return None


def _give_up(scan: Scan, job: ScanJob | None, newer: str | None, now: datetime) -> Action:
    """Return the end of a scan that was cancelled, or that a newer version of its object makes useless."""
    verdict = Verdict(Phase.CANCELLED, Reason.CANCELLED, "spec.cancel is set")
    if newer is not None:
        message = f"a newer version of the object is to be scanned by {newer}"
        verdict = Verdict(Phase.CANCELLED, Reason.SUPERSEDED, message)
    alive = job if job is not None and job.ended is None else None
    return Cancel(scan, alive, statuses.finished(scan, verdict, now))


def _follow(scan: Scan, job: ScanJob, settings: Settings, now: datetime) -> Action | None:
    """Return what a scan whose Job runs needs."""
    if not statuses.says_running(scan, job):
        return WriteStatus(scan, statuses.running(scan, job, now))
    late = job.started is not None and (now - job.started).total_seconds() >= settings.pending_seconds
    return CheckPending(scan, job) if late and not job.ready else None


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
    if scan.spec is None or scan.spec.suspend:
        return False
    if job is not None and job.ended is None:
        return job.suspended
    retry_time = scan.status.retry_time
    return retry_time is None or parse_time(retry_time) <= now


def _policy_limits(view: View) -> dict[Key, int]:
    return {key: p.spec.max_concurrent for key, p in view.policies.items() if p.spec and p.spec.max_concurrent}


def _limited_policy(view: View, scan: Scan, job: ScanJob | None, limits: Mapping[Key, int]) -> Key | None:
    """Return the policy whose limit a scan comes under, if any."""
    if not limits or scan.spec is None or scan.spec.rules is not None:
        return None
    source = scan.spec.source.s3
    name = job.policy if job else None
    name = name or choose(view.policies_in(scan.key[0]), source.bucket, source.key or source.prefix or "")
    return (scan.key[0], name) if name and (scan.key[0], name) in limits else None


def _usage(view: View, limits: Mapping[Key, int], in_flight: Mapping[Key, Action]) -> Usage:
    """Return the slots in use: Jobs that are neither over nor suspended, and those being started."""
    usage = Usage()
    for job in view.live_jobs.values():
        if not job.suspended:
            policy = (job.key[0], job.policy) if job.policy else None
            usage.add(job.key[0], policy if policy in limits else None)
    for action in in_flight.values():
        newest = view.newest_job(action.scan.uid)
        created = newest is not None and isinstance(action, CreateJob) and newest.attempt >= action.attempt
        if (isinstance(action, CreateJob) and not created) or (isinstance(action, SuspendJob) and not action.suspend):
            usage.add(action.scan.key[0], _limited_policy(view, action.scan, newest, limits))
    return usage


def _admit(
    view: View,
    candidates: list[Candidate],
    limits: dict[Key, int],
    settings: Settings,
    now: datetime,
    in_flight: Mapping[Key, Action],
) -> list[Action]:
    """Return Jobs for those that are admitted, and a reason to wait for the others."""
    chosen, waiting = admit(candidates, _usage(view, limits, in_flight), limits, settings, now)
    actions: list[Action] = []
    for scan, job in ((c.scan, c.job) for c in chosen):
        attempt = max(scan.status.attempts or 0, job.attempt if job else 0) + 1
        resumes = job is not None and job.ended is None
        actions.append(SuspendJob(scan, job, False) if resumes and job else CreateJob(scan, attempt))
    notes = []
    impatient = now - timedelta(seconds=settings.queued_after_seconds)
    for candidate, reason in waiting:
        scan = candidate.scan
        # Which of the limits it is may change at any moment: that is not worth a write each time.
        if scan.created <= impatient and scan.status.reason not in LIMIT_MESSAGES:
            verdict = Verdict(Phase.QUEUED, reason, LIMIT_MESSAGES[reason])
            notes.append(WriteStatus(scan, statuses.waiting(scan, verdict, now)))
    return actions + sorted(notes, key=lambda note: note.scan.key)
