"""The plan for scans that are refused, held back, suspended by others, or to run again."""

from datetime import timedelta

import pytest
from objects import (
    ENDED,
    NOW,
    REFUSED,
    RUNNING,
    SETTINGS,
    in_namespace,
    job_body,
    names,
    planned,
    scan_body,
    stamp,
    view_of,
)

from logscan_api.exitcodes import Reason
from logscan_api.statuses import Phase
from logscan_operator import statuses
from logscan_operator.actions import Action, CheckPending, Collect, CreateJob, Stop, SuspendJob, WriteStatus
from logscan_operator.holds import Holds
from logscan_operator.items import Key
from logscan_operator.planning import next_deadline, plan


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
    found = [n for k, n in names(plan(view, SETTINGS, later, {}, holds)) if k == "CreateJob"]
    assert sorted(found) == ["a0", "well"], "the namespaces take turns again"


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
