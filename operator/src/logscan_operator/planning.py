"""What to do next: a pure function of what is known. It neither reads nor writes anything."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from logscan_api.exitcodes import Reason
from logscan_api.statuses import Phase
from logscan_operator import statuses
from logscan_operator.actions import Action, CheckPending, Collect, CreateJob, Stop, SuspendJob, WriteStatus
from logscan_operator.admission import LIMIT_MESSAGES, Candidate, Usage, admit, rank
from logscan_operator.conditions import Verdict
from logscan_operator.errors import described
from logscan_operator.holds import Holds
from logscan_operator.items import Key, Scan, parse_time
from logscan_operator.resolving import record_of
from logscan_operator.scanjobs import ScanJob
from logscan_operator.settings import Settings
from logscan_operator.view import View


def plan(view: View, settings: Settings, now: datetime, in_flight: Mapping[Key, Action], holds: Holds) -> list[Action]:
    """Return what to do now, most urgent first; notes come last.

    Args:
        view: What is known. Nothing is planned before it is settled, and nothing in namespaces out of sight.
        settings: The operator's settings.
        now: The time.
        in_flight: Actions that are being carried out, by scan: those scans are left alone, and a Job that is being
            created counts as one that runs.
        holds: What failed a moment ago and is left alone.
    """
    if not view.settled:
        return []
    actions: list[Action] = []
    candidates: list[Candidate] = []
    limits = _policy_limits(view)
    outdated = view.versions.outdated() if settings.supersede else {}
    for found in view.unfinished_in_sight():
        if found.deleting or found.key in in_flight or holds.scan(found.key, now):
            continue
        scan = view.families.governed(found)
        if scan is None:
            continue
        try:
            job = _present_job(view, scan)
            action = _settle(scan, job, outdated.get(scan.key), now) or _look(scan, job, settings, holds, now)
            if action is None and _wants_slot(scan, job, now):
                candidates.append(Candidate(scan, job, _limited_policy(view, scan, settings, limits)))
        except Exception as error:
            action = _unplanned(scan, error, now)
        if action is not None:
            actions.append(action)
    actions.sort(key=lambda action: action.scan.key)
    candidates, notes = _reachable(candidates, settings, now, in_flight, holds)
    return actions + _admit(view, candidates, limits, settings, now, in_flight) + notes


def next_deadline(view: View, settings: Settings, now: datetime, holds: Holds) -> datetime | None:
    """Return when time alone changes the plan: a retry is due, a status should say why a scan waits, a pod is late."""
    patience = timedelta(seconds=settings.queued_after_seconds)
    scans = view.unfinished.values()
    times = [parse_time(scan.status.retry_time) for scan in scans if scan.status.retry_time]
    fresh = [scan.created for scan in scans if scan.status.job is None and scan.created + patience > now]
    times += [min(fresh) + patience] if fresh else []
    times += [look for job in view.live_jobs.values() if (look := holds.look_at(job)) is not None]
    times += holds.deadlines()
    return min((time for time in times if time > now), default=None)


def _present_job(view: View, scan: Scan) -> ScanJob | None:
    """Return the Job of a scan's newest attempt, unless it is of an earlier run or its end is in the status already.

    The view may still hold a Job that was deleted, so what the status says of it counts.
    """
    job, status = view.newest_job(scan), scan.status
    if job is None or job.attempt <= scan.prior_attempts:
        return None
    known = (status.attempts or 0) >= job.attempt or (status.job is not None and status.job.uid == job.uid)
    return None if status.retry_time is not None and known else job


def _unplanned(scan: Scan, error: Exception, now: datetime) -> Action:
    """Return the end of a scan that cannot be planned; the others go on."""
    verdict = Verdict(Phase.FAILED, Reason.INTERNAL_ERROR, f"the scan cannot be planned: {described(error)}")
    return WriteStatus(scan, statuses.finished(scan, verdict, now))


def _settle(scan: Scan, job: ScanJob | None, newer: str | None, now: datetime) -> Action | None:
    """Return what a scan needs that takes no slot."""
    if scan.reopened:
        return WriteStatus(scan, statuses.reopened(scan, now), note=not scan.runs_again)
    if scan.spec is None:
        verdict = Verdict(Phase.FAILED, Reason.INVALID_SPEC, scan.problem)
        return WriteStatus(scan, statuses.finished(scan, verdict, now))
    if job is not None and job.ended is not None:
        return Collect(scan, job)
    if scan.spec.cancel or newer is not None:
        return _give_up(scan, job, newer, now)
    if job is None and scan.status.job is not None and scan.status.retry_time is None:
        return Collect(scan, None)
    if scan.spec.suspend:
        return _hold(scan, job, now)
    return _follow(scan, job, now) if job is not None else None


def _give_up(scan: Scan, job: ScanJob | None, newer: str | None, now: datetime) -> Action:
    """Return the end of a scan that was cancelled, or that a newer version of its object makes useless."""
    verdict = Verdict(Phase.CANCELLED, Reason.CANCELLED, "spec.cancel is set")
    if newer is not None:
        message = f"a newer version of the object is to be scanned by {newer}"
        verdict = Verdict(Phase.CANCELLED, Reason.SUPERSEDED, message)
    return Stop(scan, job, statuses.finished(scan, verdict, now))


def _follow(scan: Scan, job: ScanJob, now: datetime) -> Action | None:
    """Return what a scan whose Job is not over needs, other than a slot."""
    if job.suspended and job.held:
        return None
    if job.held:  # somebody else let it go on: the mark would make the operator resume what others suspend
        return SuspendJob(scan, job, suspend=False)
    if job.suspended:
        status = statuses.held(scan, job, now)
        return None if statuses.same(scan.status, status) else WriteStatus(scan, status)
    return None if statuses.says_running(scan, job) else WriteStatus(scan, statuses.running(scan, job, now))


def _look(scan: Scan, job: ScanJob | None, settings: Settings, holds: Holds, now: datetime) -> Action | None:
    """Return a look at the pod of a Job that should have started."""
    look = holds.look_at(job) if job is not None and job.ended is None else None
    if job is None or job.started is None or look is None or look > now or (scan.spec and scan.spec.suspend):
        return None
    return CheckPending(scan, job, late=(now - job.started).total_seconds() >= settings.pending_seconds)


def _hold(scan: Scan, job: ScanJob | None, now: datetime) -> Action | None:
    """Return what a suspended scan needs.

    Kueue resumes a Job that it has admitted, whoever suspended it, and keeps its quota: such a Job is deleted, and
    queues again when the scan goes on.
    """
    verdict = Verdict(Phase.SUSPENDED, Reason.SUSPENDED, "spec.suspend is set")
    if job is not None and job.kueue:
        return Stop(scan, job, statuses.withdrawn(scan, job, verdict, now, now))
    if job is not None and not job.suspended:
        return SuspendJob(scan, job, suspend=True)
    status = statuses.waiting(scan, verdict, now)
    return None if statuses.same(scan.status, status) else WriteStatus(scan, status)


def _wants_slot(scan: Scan, job: ScanJob | None, now: datetime) -> bool:
    """Return whether a scan could start (or go on) now if there were a slot."""
    if scan.spec is None or scan.spec.suspend:
        return False
    if job is not None:
        return job.suspended and job.held
    retry_time = scan.status.retry_time
    return retry_time is None or parse_time(retry_time) <= now


def _reachable(
    candidates: list[Candidate], settings: Settings, now: datetime, in_flight: Mapping[Key, Action], holds: Holds
) -> tuple[list[Candidate], list[Action]]:
    """Return the candidates without those of namespaces where no Job can be created now, and notes for the latter.

    There the most urgent scan alone tries from time to time, so that a namespace whose admission webhook is away
    keeps no slots from the others.
    """
    busy = {action.scan.key[0] for action in in_flight.values() if isinstance(action, CreateJob)}
    aging = timedelta(seconds=settings.aging_seconds)
    reachable: list[Candidate] = []
    probes: dict[str, Candidate] = {}
    notes: list[Action] = []
    for candidate in candidates:
        scan, namespace = candidate.scan, candidate.scan.key[0]
        outage = holds.outage(namespace)
        if outage is None or candidate.job is not None:
            reachable.append(candidate)
            continue
        if outage.until <= now and namespace not in busy:
            probe = probes.setdefault(namespace, candidate)
            probes[namespace] = min(
                probe, candidate, key=lambda c: (-rank(c.scan, aging, now), c.scan.created, c.scan.key)
            )
        if _impatient(scan, settings, now) and scan.status.reason != Reason.BACKOFF:
            verdict = Verdict(Phase.QUEUED, Reason.BACKOFF, f"no Job can be created here now: {outage.message}")
            notes.append(WriteStatus(scan, statuses.waiting(scan, verdict, now), note=True))
    trying = {candidate.scan.key for candidate in probes.values()}
    others = [note for note in notes if note.scan.key not in trying]
    return reachable + list(probes.values()), sorted(others, key=lambda note: note.scan.key)


def _policy_limits(view: View) -> dict[Key, int]:
    return {key: p.spec.max_concurrent for key, p in view.policies.items() if p.spec and p.spec.max_concurrent}


def _limited_policy(view: View, scan: Scan, settings: Settings, limits: Mapping[Key, int]) -> Key | None:
    """Return the policy whose limit counts for a scan, if it has one."""
    name = record_of(view, scan, settings).policy if limits else None
    return (scan.key[0], name) if name and (scan.key[0], name) in limits else None


def _usage(view: View, limits: Mapping[Key, int], settings: Settings, in_flight: Mapping[Key, Action]) -> Usage:
    """Return the slots in use: Jobs that are neither over nor suspended, and those being started."""
    usage = Usage()
    for job in view.live_jobs.values():
        if not job.suspended:
            policy = (job.key[0], job.policy) if job.policy else None
            backfill = view.families.works_for_another(job.scan_uid)
            usage.add(job.key[0], policy if policy in limits else None, backfill)
    for action in in_flight.values():
        newest = view.newest_job(action.scan)
        created = newest is not None and isinstance(action, CreateJob) and newest.attempt >= action.attempt
        if (isinstance(action, CreateJob) and not created) or (isinstance(action, SuspendJob) and not action.suspend):
            policy = _limited_policy(view, action.scan, settings, limits)
            usage.add(action.scan.key[0], policy, action.scan.parent is not None)
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
    chosen, waiting = admit(candidates, _usage(view, limits, settings, in_flight), limits, settings, now)
    actions: list[Action] = []
    for scan, job in ((c.scan, c.job) for c in chosen):
        used = max(scan.status.attempts or 0, scan.prior_attempts)
        actions.append(CreateJob(scan, used + 1) if job is None else SuspendJob(scan, job, suspend=False))
    notes = []
    for candidate, reason in waiting:
        scan = candidate.scan
        # Which of the limits it is may change at any moment: that is not worth a write each time. Of a scan whose Job
        # was refused, the refusal is the better reason.
        says_why = scan.status.reason in LIMIT_MESSAGES or bool(scan.status.refusals)
        if _impatient(scan, settings, now) and not says_why:
            verdict = Verdict(Phase.QUEUED, reason, LIMIT_MESSAGES[reason])
            notes.append(WriteStatus(scan, statuses.waiting(scan, verdict, now), note=True))
    return actions + sorted(notes, key=lambda note: note.scan.key)


def _impatient(scan: Scan, settings: Settings, now: datetime) -> bool:
    """Return whether a scan has waited so long that its status should say for what."""
    return scan.created <= now - timedelta(seconds=settings.queued_after_seconds)
