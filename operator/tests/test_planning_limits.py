"""Limits in the plan: slots of policies and namespaces, and what is counted for actions that are under way."""

import json
from typing import Any

from objects import NOW, RUNNING, SETTINGS, in_namespace, job_body, names, scan_body, view_of

from logscan_api.exitcodes import Reason
from logscan_operator.actions import Action, CreateJob, SuspendJob, WriteStatus
from logscan_operator.admission import Usage
from logscan_operator.holds import Holds
from logscan_operator.items import Object
from logscan_operator.jobsignatures import signed
from logscan_operator.planning import _usage, plan
from logscan_operator.view import View

WIDE = SETTINGS.model_copy(update={"max_concurrent": 10})
LIMITED = ("logscan", "pol")


def policy_body(name: str = "pol", namespace: str = "logscan", **spec: Any) -> Object:
    metadata = {"namespace": namespace, "name": name, "resourceVersion": "5"}
    return {"metadata": metadata, "spec": {"rules": {"packs": ["etcd"]}, "maxConcurrent": 1, **spec}}


def recorded(body: Object, policy: str | None = "pol") -> Object:
    record: dict[str, Any] = {"policy": policy, "attempts": 3, "timeoutSeconds": 60, "job": {}}
    body["metadata"]["annotations"]["logscan.dev/resolved"] = json.dumps(record)
    return signed(body, SETTINGS.row_keys[0])


def limited_view(*bodies: Object, **spec: Any) -> View:
    """Return a view with a policy that one scan may use at a time."""
    view = view_of(*bodies)
    view.policies.take(policy_body(**spec))
    return view


def planned(view: View, **in_flight: Action) -> list[Action]:
    busy = {("logscan", name): action for name, action in in_flight.items()}
    return plan(view, WIDE, NOW, busy, Holds(WIDE))


def reasons(actions: list[Action]) -> list[str]:
    return [str(action.status.reason) for action in actions if isinstance(action, WriteStatus)]


def used(view: View, *actions: Action) -> Usage:
    return _usage(view, {LIMITED: 1}, WIDE, {action.scan.key: action for action in actions})


def test_scans_under_a_policy_share_its_slots_and_the_others_do_not_wait() -> None:
    free = scan_body("free", source={"s3": {"bucket": "else", "key": "x"}})
    view = limited_view(scan_body("a", 90, rules=None), scan_body("b", 80), free, match={"buckets": ["logs"]})
    found = planned(view)
    assert names(found) == [("CreateJob", "a"), ("CreateJob", "free"), ("WriteStatus", "b")]
    assert reasons(found) == [Reason.POLICY_LIMIT]


def test_the_policy_that_a_job_records_counts() -> None:
    running = [scan_body("a", status=RUNNING), recorded(job_body("a"))]
    view = limited_view(*running, scan_body("b", 80))
    assert names(planned(view)) == [("WriteStatus", "b")]
    other = limited_view(scan_body("a", status=RUNNING), recorded(job_body("a"), "other"), scan_body("b", 80))
    assert names(planned(other)) == [("CreateJob", "b")]
    held = limited_view(scan_body("a", status=RUNNING), recorded(job_body("a", suspend="ours")), scan_body("b", 10))
    assert names(planned(held)) == [("SuspendJob", "a"), ("WriteStatus", "b")]


def test_a_policy_of_another_namespace_or_without_a_limit_counts_for_nothing() -> None:
    both = [scan_body("a", 90), scan_body("b", 80)]
    for change in ({"namespace": "team-a"}, {"maxConcurrent": None}, {"action": "Ignore"}, {"maxConcurrent": "many"}):
        assert names(planned(limited_view(*both, **change))) == [("CreateJob", "a"), ("CreateJob", "b")], change


def test_what_is_under_way_holds_slots_of_its_policy() -> None:
    view = limited_view(scan_body("a", 90), scan_body("b", 80))
    creating = CreateJob(view.scans["logscan", "a"], 1)
    assert reasons(planned(view, a=creating)) == [Reason.POLICY_LIMIT]
    assert (used(view, creating).total, used(view, creating).by_policy) == (1, {LIMITED: 1})
    assert used(view, creating).by_namespace == {"logscan": 1}


def test_a_job_that_was_created_meanwhile_is_counted_once() -> None:
    view = limited_view(scan_body("a", 90), recorded(job_body("a")))
    assert used(view, CreateJob(view.scans["logscan", "a"], 1)).total == 1
    assert used(view, CreateJob(view.scans["logscan", "a"], 2)).total == 2


def test_a_job_that_is_being_resumed_holds_a_slot_and_one_that_is_being_suspended_keeps_its_own() -> None:
    view = limited_view(scan_body("a"), recorded(job_body("a", suspend="ours")))
    scan, job = view.scans["logscan", "a"], view.jobs["logscan", "a-1"]
    assert used(view, SuspendJob(scan, job, suspend=False)).by_policy == {LIMITED: 1}
    assert used(view, SuspendJob(scan, job, suspend=True)).total == 0
    assert used(view, WriteStatus(scan, scan.status)).total == 0


def test_jobs_count_for_their_namespace() -> None:
    away = in_namespace(recorded(job_body("z")), "team-a")
    found = used(view_of(away, recorded(job_body("a")), job_body("b", ended="Complete")))
    assert (found.total, found.by_namespace, found.by_policy) == (2, {"team-a": 1, "logscan": 1}, {LIMITED: 1})


def test_notes_are_marked_as_such_and_say_why() -> None:
    narrow = SETTINGS.model_copy(update={"max_concurrent": 1})
    view = view_of(scan_body("a", 90), scan_body("b", 80))
    holds = Holds(narrow)
    (_, note) = plan(view, narrow, NOW, {}, holds)
    assert isinstance(note, WriteStatus)
    assert note.note is True
    failing = CreateJob(view.scans["logscan", "a"], 1)
    holds.failed(failing, "webhook is away", outage=True, unsure=False, now=NOW)
    (note, *rest) = [a for a in plan(view, WIDE, NOW, {}, holds) if isinstance(a, WriteStatus)]
    assert (note.note, note.status.reason, rest) == (True, Reason.BACKOFF, [])
    assert "webhook is away" in str(note.status.message)
