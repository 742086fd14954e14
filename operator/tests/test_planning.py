"""The plan: what happens to each scan, and what must hold for any cluster."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from objects import NOW, SETTINGS, job_body, scan_body, stamp, view_of

from logscan_api.exitcodes import Reason
from logscan_api.statuses import Phase
from logscan_operator import statuses
from logscan_operator.actions import Action, CheckPending, Collect, CreateJob, Stop, SuspendJob, WriteStatus
from logscan_operator.conditions import Verdict
from logscan_operator.holds import Holds
from logscan_operator.items import Key, Object
from logscan_operator.outcomes import backoff_seconds
from logscan_operator.planning import next_deadline, plan
from logscan_operator.view import View

RUNNING: Object = {
    "phase": "Running",
    "observedGeneration": 1,
    "reason": "JobCreated",
    "message": "Job a-1 runs the scan (attempt 1)",
    "job": {"name": "a-1", "uid": "job-a-1"},
    "attempts": 1,
    "result": {"table": "results", "pk": "p", "sk": "s"},
}
ENDED = {"phase": "Succeeded", "completionTime": stamp(-10)}
BACKOFF = {**RUNNING, "phase": "Queued", "reason": "Backoff", "retryTime": stamp(5)}


def planned(*bodies: Object, **in_flight: Action) -> list[Action]:
    busy = {("logscan", name): action for name, action in in_flight.items()}
    return plan(view_of(*bodies), SETTINGS, NOW, busy, Holds(SETTINGS))


def names(actions: list[Action]) -> list[tuple[str, str]]:
    return [(type(action).__name__, action.scan.key[1]) for action in actions]


def test_nothing_is_planned_before_the_cluster_was_read() -> None:
    view = View(["logscan"])
    view.scans.take(scan_body())
    assert plan(view, SETTINGS, NOW, {}, Holds(SETTINGS)) == []


def test_nothing_is_planned_in_a_namespace_out_of_sight_and_its_jobs_keep_their_slots() -> None:
    away = scan_body("away", age=3600, status=RUNNING)
    for body in (held := [job_body("away"), job_body("away", attempt=2)]):
        body["metadata"]["namespace"] = "team-a"
    away["metadata"]["namespace"] = "team-a"
    view = view_of(away, *held, scan_body("here"))
    view.namespaces.lose("team-a", "403 Forbidden")
    assert names(plan(view, SETTINGS, NOW, {}, Holds(SETTINGS))) == [("WriteStatus", "here")], "both slots are in use"
    view.jobs.forget(("team-a", "away-1"))
    assert names(plan(view, SETTINGS, NOW, {}, Holds(SETTINGS))) == [("CreateJob", "here")]


def test_a_new_scan_gets_its_first_job() -> None:
    (action,) = planned(scan_body())
    assert isinstance(action, CreateJob)
    assert action.attempt == 1


def test_a_running_scan_whose_status_says_so_is_left_alone() -> None:
    assert planned(scan_body(status=RUNNING), job_body()) == []


def test_a_job_whose_status_was_lost_is_told() -> None:
    (action,) = planned(scan_body(), job_body())
    assert isinstance(action, WriteStatus)
    assert action.status.phase is Phase.RUNNING


@pytest.mark.parametrize("ended", ["Complete", "Failed"])
def test_a_finished_job_is_collected(ended: str) -> None:
    assert names(planned(scan_body(status=RUNNING), job_body(ended=ended))) == [("Collect", "a")]


def test_a_vanished_job_is_collected() -> None:
    (action,) = planned(scan_body(status=RUNNING))
    assert isinstance(action, Collect)
    assert action.job is None


def test_a_failed_attempt_waits_for_its_time_and_is_counted() -> None:
    bodies = scan_body(status=BACKOFF), job_body(ended="Failed")
    assert planned(*bodies) == []
    (action,) = plan(view_of(*bodies), SETTINGS, NOW + timedelta(seconds=5), {}, Holds(SETTINGS))
    assert isinstance(action, CreateJob)
    assert action.attempt == 2


def test_a_retry_starts_even_if_the_old_job_is_gone() -> None:
    (action,) = plan(view_of(scan_body(status=BACKOFF)), SETTINGS, NOW + timedelta(seconds=9), {}, Holds(SETTINGS))
    assert isinstance(action, CreateJob)
    assert action.attempt == 2


def test_the_limit_counts_running_jobs_and_those_being_created() -> None:
    bodies = [scan_body("a", status=RUNNING), job_body("a"), scan_body("b", 50), scan_body("c", 40)]
    assert names(planned(*bodies)) == [("CreateJob", "b"), ("WriteStatus", "c")]
    creating = CreateJob(view_of(scan_body("b")).scans["logscan", "b"], 1)
    assert names(planned(*bodies, b=creating)) == [("WriteStatus", "c")]


def test_finished_and_suspended_jobs_hold_no_slot() -> None:
    jobs = [job_body("x", ended="Complete"), job_body("y", ended="Failed"), job_body("z", suspend="ours")]
    new = [scan_body("a"), scan_body("b")]
    assert names(planned(*jobs, *new)) == [("CreateJob", "a"), ("CreateJob", "b")]


def test_priority_goes_before_age() -> None:
    bodies = [scan_body("old", 100), scan_body("older", 200), scan_body("urgent", 1, priority=5)]
    created = [name for kind, name in names(planned(*bodies)) if kind == "CreateJob"]
    assert created == ["urgent", "older"]


def test_a_scan_that_waits_says_why_but_not_in_its_first_second() -> None:
    busy = [scan_body(n, 100, status=RUNNING | {"job": {"name": f"{n}-1"}}) for n in ("a", "b")]
    jobs = [job_body("a"), job_body("b")]
    waiting = [a for a in planned(*busy, *jobs, scan_body("c", 5)) if a.scan.key[1] == "c"]
    (action,) = waiting
    assert isinstance(action, WriteStatus)
    assert (action.status.phase, action.status.reason) == (Phase.QUEUED, Reason.CONCURRENCY_LIMIT)
    assert not [a for a in planned(*busy, *jobs, scan_body("c", 0)) if a.scan.key[1] == "c"]


def test_suspend_holds_a_scan_and_stops_its_job() -> None:
    (held,) = planned(scan_body(suspend=True))
    assert isinstance(held, WriteStatus)
    assert held.status.phase is Phase.SUSPENDED
    (stopped,) = planned(scan_body(status=RUNNING, suspend=True), job_body())
    assert isinstance(stopped, SuspendJob)
    assert stopped.suspend


def test_a_resumed_scan_needs_a_slot() -> None:
    suspended = scan_body("a", status=RUNNING | {"phase": "Suspended"}), job_body("a", suspend="ours")
    (action,) = planned(*suspended)
    assert isinstance(action, SuspendJob)
    assert not action.suspend
    busy = [scan_body(n, status=RUNNING | {"job": {"name": f"{n}-1"}}) for n in ("b", "c")]
    resumed = [a for a in planned(*suspended, *busy, job_body("b"), job_body("c")) if a.scan.key[1] == "a"]
    assert [type(a) for a in resumed] == [WriteStatus]


def test_cancel_deletes_the_job_and_ends_the_scan() -> None:
    (action,) = planned(scan_body(status=RUNNING, cancel=True), job_body())
    assert isinstance(action, Stop)
    assert action.job is not None
    assert action.status.phase is Phase.CANCELLED
    (waiting,) = planned(scan_body(cancel=True))
    assert isinstance(waiting, Stop)
    assert waiting.job is None


def test_a_job_that_finished_before_its_cancellation_is_collected() -> None:
    assert names(planned(scan_body(status=RUNNING, cancel=True), job_body(ended="Complete"))) == [("Collect", "a")]


def test_an_unreadable_spec_fails_with_the_field() -> None:
    (action,) = planned(scan_body(attempts="many"))
    assert isinstance(action, WriteStatus)
    assert action.status.reason is Reason.INVALID_SPEC
    assert "spec.attempts" in str(action.status.message)


def test_a_scan_being_deleted_is_left_alone() -> None:
    body = scan_body()
    body["metadata"]["deletionTimestamp"] = stamp()
    assert planned(body) == []


def test_the_next_deadline_is_the_nearest_of_all() -> None:
    bodies = [scan_body("a", status=BACKOFF), scan_body("b", status=ENDED)]
    assert next_deadline(view_of(*bodies), SETTINGS, NOW, Holds(SETTINGS)) == NOW + timedelta(seconds=5)
    assert next_deadline(view_of(scan_body(status=RUNNING)), SETTINGS, NOW, Holds(SETTINGS)) is None
    fresh = next_deadline(view_of(scan_body(age=0)), SETTINGS, NOW, Holds(SETTINGS))
    assert fresh is not None
    assert fresh > NOW


REFUSED = {"phase": "Queued", "reason": "QuotaExceeded", "refusals": 3, "retryTime": stamp(5)}


def test_a_refused_scan_waits_for_its_time_and_uses_up_no_attempt() -> None:
    later = NOW + timedelta(seconds=5)
    assert planned(scan_body(status=REFUSED)) == []
    assert next_deadline(view_of(scan_body(status=REFUSED)), SETTINGS, NOW, Holds(SETTINGS)) == later
    (action,) = plan(view_of(scan_body(status=REFUSED)), SETTINGS, later, {}, Holds(SETTINGS))
    assert isinstance(action, CreateJob)
    assert action.attempt == 1


def test_a_job_that_was_withdrawn_counts_as_gone_while_the_view_still_has_it() -> None:
    told = {**REFUSED, "job": {"name": "a-1", "uid": "job-a-1"}}
    assert planned(scan_body(status=told), job_body()) == []
    (action,) = plan(view_of(scan_body(status=told), job_body()), SETTINGS, NOW + timedelta(9), {}, Holds(SETTINGS))
    assert isinstance(action, CreateJob)
    assert action.attempt == 1


def test_what_failed_is_left_alone_longer_each_time() -> None:
    holds, view, now = Holds(SETTINGS), view_of(scan_body("a"), scan_body("b", 50)), NOW
    failing = CreateJob(view.scans["logscan", "a"], 1)
    for seconds in (1, 2, 4, 8, 16, 30, 30):
        holds.failed(failing, "no", outage=False, unsure=False, now=now)
        assert "a" not in [name for _, name in names(plan(view, SETTINGS, now, {}, holds))]
        now += timedelta(seconds=seconds)
        assert next_deadline(view, SETTINGS, now - timedelta(seconds=0.5), holds) == now
        assert ("CreateJob", "a") in names(plan(view, SETTINGS, now, {}, holds))
    holds.succeeded(failing, now)
    holds.failed(failing, "no", outage=False, unsure=False, now=now)
    assert ("CreateJob", "a") in names(plan(view, SETTINGS, now + timedelta(seconds=1), {}, holds))


def in_namespace(body: Object, namespace: str) -> Object:
    body["metadata"]["namespace"] = namespace
    return body


def test_where_no_job_can_be_created_one_scan_alone_tries_again_and_the_others_say_why() -> None:
    bodies = [in_namespace(scan_body(f"a{n}", 100 - n), "team-a") for n in range(4)]
    view, holds = view_of(*bodies, scan_body("well", 1)), Holds(SETTINGS)
    failing = CreateJob(view.scans["team-a", "a3"], 1)
    holds.failed(failing, "failed calling webhook", outage=True, unsure=False, now=NOW)
    actions = plan(view, SETTINGS, NOW, {}, holds)
    assert [name for kind, name in names(actions) if kind == "CreateJob"] == ["well"]
    notes = [action.status.message for action in actions if isinstance(action, WriteStatus)]
    assert notes == ["no Job can be created here now: failed calling webhook"] * 3
    later = NOW + timedelta(seconds=1)
    probes = [
        a for a in plan(view, SETTINGS, later, {}, holds) if isinstance(a, CreateJob) and a.scan.key[0] == "team-a"
    ]
    assert [probe.scan.key[1] for probe in probes] == ["a0"]
    busy: dict[Key, Action] = {probes[0].scan.key: probes[0]}
    assert "a1" not in [n for k, n in names(plan(view, SETTINGS, later, busy, holds)) if k == "CreateJob"]
    holds.succeeded(probes[0], later)
    assert "a1" in [n for k, n in names(plan(view, SETTINGS, later, {}, holds)) if k == "CreateJob"]


def test_a_request_that_may_have_been_carried_out_keeps_its_slot_for_a_while() -> None:
    view, holds = view_of(scan_body("a")), Holds(SETTINGS)
    action = CreateJob(view.scans["logscan", "a"], 1)
    holds.failed(action, "timeout", outage=True, unsure=True, now=NOW)
    assert holds.unsure(NOW) == {("logscan", "a"): action}
    assert holds.unsure(NOW + timedelta(seconds=1)) == {}


@pytest.mark.parametrize(("manager", "phase"), [("kueue", Phase.QUEUED), ("other", Phase.SUSPENDED)])
def test_a_job_that_something_else_suspended_is_left_alone_and_told(manager: str, phase: Phase) -> None:
    view = view_of(scan_body(status=RUNNING), job_body(suspend=manager), scan_body("b"), scan_body("c"))
    actions = plan(view, SETTINGS, NOW, {}, Holds(SETTINGS))
    (told, *created) = actions
    assert isinstance(told, WriteStatus)
    assert told.status.phase is phase
    assert told.status.reason == (Reason.QUEUED_BY_KUEUE if manager == "kueue" else Reason.SUSPENDED_BY_OTHER)
    assert names(created) == [("CreateJob", "b"), ("CreateJob", "c")], "it takes no slot"
    assert planned(scan_body(status=told.status.wire()), job_body(suspend=manager)) == []
    (released,) = planned(scan_body(status=told.status.wire()), job_body(manager=manager))
    assert isinstance(released, WriteStatus)
    assert released.status.phase is Phase.RUNNING


def test_suspending_what_kueue_manages_takes_the_job_away_for_kueue_would_resume_it() -> None:
    for body in (job_body(suspend="kueue"), job_body(manager="kueue")):
        (stop,) = planned(scan_body(status=RUNNING, suspend=True), body)
        assert isinstance(stop, Stop)
        assert stop.job is not None
        assert (stop.status.phase, stop.status.attempts) == (Phase.SUSPENDED, None)
        assert planned(scan_body(status=stop.status.wire(), suspend=True)) == []
        (again,) = planned(scan_body(status=stop.status.wire()))
        assert isinstance(again, CreateJob)
        assert again.attempt == 1


def test_a_job_that_others_suspended_stays_so_when_the_scan_is_resumed() -> None:
    (held,) = planned(scan_body(status=RUNNING, suspend=True), job_body(suspend="other"))
    assert isinstance(held, WriteStatus)
    assert held.status.reason == Reason.SUSPENDED
    (told,) = planned(scan_body(status=held.status.wire()), job_body(suspend="other"))
    assert isinstance(told, WriteStatus)
    assert told.status.reason == Reason.SUSPENDED_BY_OTHER


def test_a_mark_on_a_job_that_others_let_go_on_is_removed() -> None:
    body = job_body(suspend="ours")
    body["spec"]["suspend"] = False
    (action,) = planned(scan_body(status=RUNNING), body)
    assert isinstance(action, SuspendJob)
    assert not action.suspend


def test_a_token_runs_a_finished_scan_again_with_attempts_of_its_own() -> None:
    ended = {**RUNNING, "phase": "Failed", "attempts": 3, "completionTime": stamp(-10)}
    jobs = [job_body(attempt=n, ended="Failed") for n in (1, 2, 3)]
    assert planned(scan_body(status=ended), *jobs) == []
    (reopen,) = planned(scan_body(status=ended, retry="x"), *jobs)
    assert isinstance(reopen, WriteStatus)
    again = reopen.status.wire()
    (create,) = planned(scan_body(status=again, retry="x"), *jobs)
    assert isinstance(create, CreateJob)
    assert create.attempt == 4
    (late,) = planned(scan_body(status=again, retry="x"), *jobs, job_body(attempt=4, ended="Failed"))
    assert isinstance(late, Collect)
    done = {**again, "phase": "Succeeded", "completionTime": stamp()}
    assert planned(scan_body(status=done, retry="x"), *jobs) == []
    assert names(planned(scan_body(status=done, retry="y"), *jobs)) == [("WriteStatus", "a")]


@pytest.mark.parametrize(("phase", "cancel", "runs"), [("Cancelled", False, True), ("Cancelled", True, False)])
def test_what_was_cancelled_runs_again_unless_it_still_is(phase: str, cancel: bool, runs: bool) -> None:
    assert bool(planned(scan_body(status={**ENDED, "phase": phase}, retry="x", cancel=cancel))) is runs


def test_a_scan_that_was_created_with_a_token_runs_once() -> None:
    (create,) = planned(scan_body(retry="x"))
    assert isinstance(create, CreateJob)
    told = statuses.running(create.scan, view_of(job_body()).jobs["logscan", "a-1"], NOW)
    done = {**told.wire(), "phase": "Succeeded"}
    assert planned(scan_body(status=done, retry="x"), job_body(ended="Complete")) == []


def test_pods_that_do_not_start_are_looked_at_soon_and_then_in_longer_steps() -> None:
    holds, patience = Holds(SETTINGS), SETTINGS.pending_seconds
    view = view_of(scan_body(status=RUNNING), job_body(started=stamp()))
    seconds, looks = 0.0, []
    while seconds < patience:
        at = next_deadline(view, SETTINGS, NOW + timedelta(seconds=seconds), holds)
        assert at is not None
        seconds = (at - NOW).total_seconds()
        (look,) = plan(view, SETTINGS, at, {}, holds)
        assert isinstance(look, CheckPending)
        looks.append((seconds, look.late))
        holds.succeeded(look, at)
    assert looks == [(5, False), (10, False), (20, False), (40, False), (80, False), (160, False), (300, True)]
    ready = job_body(started=stamp(), ready=1)
    assert (
        plan(view_of(scan_body(status=RUNNING), ready), SETTINGS, NOW + timedelta(hours=1), {}, Holds(SETTINGS)) == []
    )


def test_what_kept_a_pod_from_starting_is_taken_back_once_it_runs() -> None:
    waits = {**RUNNING, "reason": "ImagePullFailed"}
    assert planned(scan_body(status=waits), job_body(started=stamp())) == []
    (action,) = planned(scan_body(status=waits), job_body(started=stamp(), ready=1))
    assert isinstance(action, WriteStatus)
    assert action.status.reason == Reason.JOB_CREATED


PHASES = st.sampled_from([{}, RUNNING, ENDED, BACKOFF, REFUSED, {"phase": "Suspended"}, {"phase": "Queued"}])
SUSPENDED = st.sampled_from([False, False, "ours", "other", "kueue"])
ENDS = st.sampled_from([None, "Complete", "Failed"])


@st.composite
def clusters(draw: st.DrawFn) -> list[Object]:
    """Draw LogScans in all states, some with Jobs, in any order."""
    bodies = []
    for number in range(draw(st.integers(0, 8))):
        name = f"s{number}"
        spec: dict[str, Any] = {"priority": draw(st.integers(-2, 2)), "suspend": draw(st.booleans())}
        spec["cancel"] = draw(st.sampled_from([False, False, True]))
        spec["retry"] = draw(st.sampled_from([None, None, "x"]))
        bodies.append(scan_body(name, draw(st.integers(0, 100)), status=dict(draw(PHASES)), **spec))
        for attempt in range(1, draw(st.integers(0, 2)) + 1):
            last = draw(ENDS) if attempt == 1 else None
            bodies.append(job_body(name, attempt, ended=last, suspend=draw(SUSPENDED), started=stamp(-400)))
    return draw(st.permutations(bodies))


def running(view: View) -> int:
    """Return how many Jobs hold a slot."""
    return sum(1 for job in view.live_jobs.values() if not job.suspended)


def applied(view: View, actions: list[Action]) -> View:
    """Return the view after the actions were carried out, as the API server would show it."""
    for action in actions:
        body = scan_body(action.scan.key[1])
        body["metadata"]["creationTimestamp"] = statuses.stamp(action.scan.created)
        body["metadata"]["resourceVersion"] = str(action.scan.version + 1)
        body["metadata"]["namespace"] = action.scan.key[0]
        assert action.scan.spec is not None
        body["spec"] = action.scan.spec.wire()
        if isinstance(action, CreateJob):
            made = job_body(action.scan.key[1], action.attempt)
            view.jobs.take(made)
            status = statuses.running(action.scan, view.jobs["logscan", made["metadata"]["name"]], NOW)
        elif isinstance(action, WriteStatus | Stop):
            status = action.status
            if isinstance(action, Stop) and action.job is not None:
                view.jobs.forget(action.job.key)
        elif isinstance(action, SuspendJob):
            changed = job_body(action.scan.key[1], action.job.attempt, suspend="ours" if action.suspend else False)
            changed["metadata"]["resourceVersion"] = str(action.job.version + 1)
            view.jobs.take(changed)
            continue
        else:
            verdict = Verdict(Phase.SUCCEEDED, Reason.COMPLETED, "")
            status = statuses.finished(action.scan, verdict, NOW)
        body["status"] = status.wire()
        view.scans.take(body)
    return view


@given(clusters())
def test_for_any_cluster(bodies: list[Object]) -> None:
    view = view_of(*bodies)
    before = running(view)
    actions = plan(view, SETTINGS, NOW, {}, Holds(SETTINGS))
    assert plan(view_of(*reversed(bodies)), SETTINGS, NOW, {}, Holds(SETTINGS)) == actions, (
        "the order of the input matters"
    )
    keys = [action.scan.key for action in actions]
    assert len(set(keys)) == len(keys), "two actions for one scan"
    for action in actions:
        if isinstance(action, CreateJob):
            unfinished = [j for j in view.jobs.values() if j.scan_uid == action.scan.uid and j.ended is None]
            newest = view.newest_job(action.scan.uid)
            assert newest is None or newest.ended is not None or not unfinished, "two Jobs for one scan"
    after = applied(view, actions)
    assert running(after) <= max(SETTINGS.max_concurrent, before), "over the limit"


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 3))
def test_scans_that_are_refused_starve_nobody(refused: int, wanted: int, priority: int) -> None:
    """Jobs of one namespace are refused each time; those of the other run, two at a time, as if it were alone."""
    bad = [in_namespace(scan_body(f"r{n}", 1000 - n, priority=priority), "refused") for n in range(refused)]
    view, holds = view_of(*bad, *(scan_body(f"s{n}", wanted - n) for n in range(wanted))), Holds(SETTINGS)
    for second in range(wanted + 4 * refused + 4):
        now = NOW + timedelta(seconds=second)
        for action in plan(view, SETTINGS, now, {}, holds):
            if action.scan.key[0] == "refused" and isinstance(action, CreateJob):
                refusals = (action.scan.status.refusals or 0) + 1
                at = now + timedelta(seconds=backoff_seconds(refusals, SETTINGS))
                verdict = Verdict(Phase.QUEUED, Reason.QUOTA_EXCEEDED, "no")
                status = statuses.withdrawn(action.scan, None, verdict, at, now, refusals)
                applied(view, [WriteStatus(action.scan, status)])
            else:
                applied(view, [action])
        for ended in [job.key for job in view.live_jobs.values()]:
            view.jobs.take({**job_body(ended[1][:-2], ended="Complete"), **newer(view, ended)})
        if all(scan.finished for scan in view.scans.values() if scan.key[0] == "logscan"):
            return
    pytest.fail("refused scans kept the others from running")


def newer(view: View, key: Key) -> Object:
    """Return metadata of the next version of a Job."""
    body = job_body(key[1][:-2])
    return {"metadata": {**body["metadata"], "resourceVersion": str(view.jobs[key].version + 1)}}


@given(clusters())
def test_planning_comes_to_rest(bodies: list[Object]) -> None:
    view = view_of(*bodies)
    for _ in range(8):
        actions = plan(view, SETTINGS, NOW, {}, Holds(SETTINGS))
        if not actions:
            return
        view = applied(view, actions)
    pytest.fail(f"still planning after eight rounds: {names(actions)}")
