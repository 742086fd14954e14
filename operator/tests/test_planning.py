"""The plan: what happens to each scan, and what must hold for any cluster."""

from datetime import timedelta

import pytest
from objects import (
    BACKOFF,
    ENDED,
    NOW,
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
from logscan_operator.actions import Collect, CreateJob, Stop, SuspendJob, WriteStatus
from logscan_operator.holds import Holds
from logscan_operator.planning import next_deadline, plan
from logscan_operator.view import View


def test_nothing_is_planned_before_the_cluster_was_read() -> None:
    view = View(["logscan"])
    view.scans.take(scan_body())
    assert plan(view, SETTINGS, NOW, {}, Holds(SETTINGS)) == []


def test_nothing_is_planned_in_a_namespace_out_of_sight_and_its_jobs_keep_their_slots() -> None:
    away = scan_body("away", age=3600, status=RUNNING)
    held = [in_namespace(job_body("away", attempt=number), "team-a") for number in (1, 2)]
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


def test_fields_that_the_api_server_cannot_check_fail_with_the_field() -> None:
    for where, words in (
        ({"a": {}}, "spec.rules.inline[0].where.a: must be a text"),
        ({"a" * 257: "x"}, "must have at most 256 characters"),
    ):
        (action,) = planned(scan_body(rules={"inline": [{"name": "r", "where": where}]}))
        assert isinstance(action, WriteStatus)
        assert action.status.reason is Reason.INVALID_SPEC
        assert words in str(action.status.message)


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
