"""The view: newer wins, older never comes back, lists prune what is gone."""

import tracemalloc
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from objects import NOW, SETTINGS, in_namespace, job_body, scan, scan_body, synced_view, view_of

from logscan_operator.holds import Holds
from logscan_operator.items import Object, Policy, Scan
from logscan_operator.jobsignatures import signed
from logscan_operator.planning import plan
from logscan_operator.scanjobs import ATTEMPT_LABEL, SCAN_UID_LABEL
from logscan_operator.view import View


def at(version: int, body: Object) -> Object:
    body["metadata"]["resourceVersion"] = str(version)
    return body


def test_an_older_object_never_replaces_a_newer_one() -> None:
    view = View()
    view.scans.take(at(5, scan_body(status={"phase": "Running"})))
    view.scans.take(at(4, scan_body()))
    assert view.scans["logscan", "a"].version == 5


def test_every_change_is_signalled_and_an_echo_is_not() -> None:
    view = View()
    view.scans.take(at(5, scan_body()))
    assert view.changed.is_set()
    view.changed.clear()
    view.scans.take(at(5, scan_body()))
    assert not view.changed.is_set()


def test_a_deletion_forgets_only_what_it_deleted() -> None:
    view = view_of(at(5, scan_body()))
    view.scans.drop(at(4, scan_body()))
    assert view.scans
    view.scans.drop(at(6, scan_body()))
    view.scans.drop(at(6, scan_body()))
    assert not view.scans
    assert not view.unfinished


def test_a_list_that_was_read_before_a_deletion_does_not_bring_the_object_back() -> None:
    view = view_of(at(5, scan_body()))
    view.scans.drop(at(8, scan_body()))
    view.scans.take(at(5, scan_body()))
    assert not view.scans
    view.scans.take(at(9, scan_body()))
    assert view.scans["logscan", "a"].version == 9, "one that was created again is another one"
    view.scans.prune("logscan", {("logscan", "a")}, version=9)
    view.scans.take(at(10, scan_body()))
    assert view.scans["logscan", "a"].version == 10


def test_a_list_prunes_what_it_lacks_but_not_what_is_newer() -> None:
    view = view_of(at(5, scan_body("old")), at(20, scan_body("new")), at(6, scan_body("kept")))
    view.scans.prune("other", set(), version=100)
    view.scans.prune("logscan", {("logscan", "kept")}, version=10)
    assert sorted(name for _, name in view.scans) == ["kept", "new"]


def test_the_newest_attempt_counts() -> None:
    view = view_of(job_body(attempt=2), job_body(attempt=1))
    owner = scan("a")
    newest = view.newest_job(owner)
    assert newest is not None
    assert newest.attempt == 2
    view.jobs.forget(newest.key)
    assert view.newest_job(owner) == view.jobs["logscan", "a-1"]
    view.jobs.forget(("logscan", "a-1"))
    assert view.newest_job(owner) is None


def test_unfinished_scans_are_counted() -> None:
    view = view_of(
        scan_body("a"), scan_body("b", status={"phase": "Failed"}), scan_body("c", status={"phase": "Queued"})
    )
    assert sorted(name for _, name in view.unfinished) == ["a", "c"]


def test_an_unreadable_policy_matches_nothing() -> None:
    view = View()
    metadata = {"namespace": "logscan", "name": "p", "resourceVersion": "1"}
    view.policies.take({"metadata": metadata, "spec": {"priority": "high"}})
    view.policies.take({"metadata": {**metadata, "name": "q"}, "spec": {"action": "Ignore"}})
    view.policies.take({"metadata": {**metadata, "namespace": "other"}, "spec": {"action": "Ignore"}})
    assert list(view.policies_in("logscan")) == ["q"]
    assert isinstance(view.policies["logscan", "p"], Policy)


def test_what_is_known_of_a_namespace_out_of_sight_is_kept() -> None:
    view = view_of(scan_body("a"), job_body("a"))
    view.namespaces.lose("logscan", "403 Forbidden")
    assert not view.synced_in("logscan")
    assert (len(view.unfinished), len(view.live_jobs)) == (1, 1)
    assert list(view.unfinished_in_sight()) == []


def test_a_job_out_of_sight_is_forgotten_when_it_must_be_over() -> None:
    job = job_body("a")
    job["spec"]["activeDeadlineSeconds"] = 60
    job["status"]["startTime"] = job["metadata"]["creationTimestamp"]
    view = view_of(job, job_body("foreign"))
    view.forget_ended("other", NOW + timedelta(days=1))
    assert len(view.live_jobs) == 2
    view.forget_ended("logscan", NOW + timedelta(seconds=59))
    assert [name for _, name in view.live_jobs] == ["a-1"], "nobody can tell when a Job without a deadline ends"
    view.forget_ended("logscan", NOW + timedelta(seconds=60))
    assert not view.live_jobs


def test_all_namespaces_are_waited_for_but_not_for_ever() -> None:
    view = View(["logscan", "team-a"])
    assert (view.settled, view.synced) == (False, False)
    assert view.namespaces.find("logscan")
    assert (view.settled, view.synced) == (False, True)
    assert view.namespaces.lose("team-a", "gone")
    assert (view.settled, view.synced, view.synced_in("team-a")) == (True, True, False)
    assert not view.namespaces.lose("team-a", "gone"), "that is no news"
    assert view.namespaces.states() == {"team-a": "gone"}
    assert view.namespaces.find("team-a")
    assert view.namespaces.states() == {}


KEYS = SETTINGS.row_keys


def foreign(**changes: Any) -> Object:
    """Return a Job with one thing that no Job of the operator has, signed as if it had."""
    body = job_body()
    body["metadata"] |= {name: value for name, value in changes.items() if name != "annotations"}
    body["metadata"]["annotations"] |= changes.get("annotations", {})
    return signed(body, KEYS[0])


OWNER = {"kind": "LogScan", "name": "a", "uid": "uid-a", "controller": True}
FOREIGN = {
    "attempt": {"labels": {SCAN_UID_LABEL: "uid-a", ATTEMPT_LABEL: "first"}},
    "another digit": {"labels": {SCAN_UID_LABEL: "uid-a", ATTEMPT_LABEL: "\u0661"}},
    "no attempt": {"labels": {SCAN_UID_LABEL: "uid-a"}},
    "no labels": {"labels": None},
    "no owner": {"ownerReferences": None},
    "another owner": {"ownerReferences": [OWNER | {"uid": "uid-b"}]},
    "not its controller": {"ownerReferences": [OWNER | {"controller": False}]},
    "another kind of owner": {"ownerReferences": [OWNER | {"kind": "CronJob"}]},
    "name": {"name": "b-1"},
    "another attempt's name": {"labels": {SCAN_UID_LABEL: "uid-a", ATTEMPT_LABEL: "2"}},
    "result": {"annotations": {"logscan.dev/result": "{"}},
}


@pytest.mark.parametrize("changes", FOREIGN.values(), ids=FOREIGN)
def test_a_job_that_the_operator_did_not_make_is_left_out_and_harms_no_other(changes: Object) -> None:
    view = View(["logscan"], KEYS)
    view.jobs.take(foreign(**changes))
    view.jobs.take(job_body("good"))
    assert [name for _, name in view.jobs] == ["good-1"]
    (left_out,) = view.unreadable()
    assert (left_out.kind, bool(left_out.why)) == ("Job", True)
    view.jobs.drop(foreign(**changes))
    assert not list(view.unreadable())


def changed(path: str, value: Any) -> Object:
    """Return a signed Job of which one value was changed afterwards."""
    body = job_body()
    *folders, name = path.split("/")
    part: Any = body
    for folder in folders:
        part = part[int(folder) if folder.isdigit() else folder.replace(":", "/")]
    part[name.replace(":", "/")] = value
    return body


CONTAINER = "spec/template/spec/containers/0"
CHANGED = {
    "a signature of another key": changed("metadata/annotations/logscan.dev:signature", "0" * 64),
    "a signature that is not ASCII": changed("metadata/annotations/logscan.dev:signature", "\u0661" * 64),
    "an empty signature": changed("metadata/annotations/logscan.dev:signature", ""),
    "no annotations": changed("metadata/annotations", None),
    "the row": changed("metadata/annotations/logscan.dev:result", '{"table": "results", "pk": "q", "sk": "s"}'),
    "what applies": changed("metadata/annotations/logscan.dev:resolved", '{"attempts": 9}'),
    "the request": changed(f"{CONTAINER}/env", [{"name": "LOGSCAN_REQUEST", "value": "{}"}]),
    "the namespace": changed("metadata/namespace", "team-a"),
}


@pytest.mark.parametrize("job", CHANGED.values(), ids=CHANGED)
def test_a_job_that_is_not_signed_or_was_changed_is_left_out(job: Object) -> None:
    view = view_of(job, job_body("good"))
    assert [name for _, name in view.jobs] == ["good-1"]
    (left_out,) = view.unreadable()
    assert "not signed" in left_out.why


def test_a_signed_job_cannot_be_that_of_another_attempt_or_scan() -> None:
    view, job = synced_view(), job_body()
    job["metadata"]["name"], job["metadata"]["labels"][ATTEMPT_LABEL] = "a-2", "2"
    view.jobs.take(job)
    other = job_body("b")
    other["metadata"]["annotations"] = job_body("a")["metadata"]["annotations"]
    view.jobs.take(other)
    assert (len(view.jobs), len(list(view.unreadable()))) == (0, 2)


def test_a_job_of_the_key_before_and_one_that_other_controllers_changed_count() -> None:
    view, job = View(["logscan"], [b"n" * 32, *KEYS]), job_body()
    job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] = "scans"
    job["metadata"]["annotations"] |= {"logscan.dev/suspended": "true", "autopilot.gke.io/x": "y"}
    job["spec"]["template"]["spec"]["containers"][0] |= {"terminationMessagePath": "/dev/termination-log"}
    job["spec"]["suspend"] = True
    view.jobs.take(job)
    assert [name for _, name in view.jobs] == ["a-1"]


def test_a_job_decides_nothing_in_another_namespace() -> None:
    view = view_of(in_namespace(job_body("a"), "team-a"))
    assert view.newest_job(scan("a")) is None
    assert view.newest_job(Scan.parse(in_namespace(scan_body("a"), "team-a"))) is not None


def test_a_job_that_becomes_unreadable_is_forgotten_and_comes_back_once_it_is_right() -> None:
    view = view_of(job_body())
    bad = at(12, foreign(labels={SCAN_UID_LABEL: "uid-a", ATTEMPT_LABEL: "x"}))
    view.jobs.take(bad)
    assert (view.newest_job(scan()), view.live_jobs) == (None, {})
    view.jobs.take(at(13, job_body()))
    assert view.newest_job(scan()) is not None
    assert not list(view.unreadable())


def test_a_list_prunes_what_was_left_out() -> None:
    view = View(["logscan"], KEYS)
    view.jobs.take(foreign(name="b-1"))
    view.jobs.prune("logscan", set(), version=100)
    assert not list(view.unreadable())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
TEXTS = st.dictionaries(st.sampled_from([SCAN_UID_LABEL, ATTEMPT_LABEL, "kueue.x-k8s.io/queue-name"]), st.text())
ANNOTATIONS = st.sampled_from(["logscan.dev/result", "logscan.dev/resolved", "logscan.dev/suspended"])


@given(st.fixed_dictionaries({}, optional={"labels": TEXTS, "annotations": st.dictionaries(ANNOTATIONS, st.text())}))
def test_no_label_or_annotation_of_a_job_stops_the_view(metadata: Object) -> None:
    view = View(["logscan"], KEYS)
    view.jobs.take(foreign(**metadata))
    assert len(view.jobs) + len(list(view.unreadable())) == 1


@given(st.dictionaries(st.sampled_from(["spec", "status"]), JSON))
def test_nothing_in_a_logscan_or_policy_stops_the_view(parts: Object) -> None:
    view = synced_view()
    view.scans.take({**scan_body(), **parts})
    view.policies.take({**scan_body(), **parts})
    view.scans.take(scan_body("good"))
    assert len(view.scans) + len(view.policies) + len(list(view.unreadable())) == 3
    actions = plan(view, SETTINGS, NOW, {}, Holds(SETTINGS))
    assert "good" in [action.scan.key[1] for action in actions], "another scan is not started"


def large_spec(number: int = 0) -> Object:
    """Return a spec near the largest legal size, unlike any other."""
    rules = [{"name": f"r{n}", "pattern": f"{number}-{n}-" + "x" * 600} for n in range(100)]
    return {"rules": {"inline": rules}, "job": {"labels": {"team": "a"}}, "attempts": 2, "priority": 7}


def test_of_a_large_spec_only_what_decides_when_it_runs_is_kept() -> None:
    body = scan_body(**large_spec())
    known = Scan.parse(body)
    assert known.spec is not None
    assert (known.abridged, known.spec.priority, known.spec.attempts, known.spec.job) == (True, 7, 2, None)
    assert known.spec.rules is not None, "it would be taken for one without rules of its own"
    assert known.spec.source.s3.key == "a.log"
    whole = Scan.parse(body, whole=True)
    assert whole.spec is not None
    assert whole.spec.rules is not None
    assert (whole.abridged, len(whole.spec.rules.inline or [])) == (False, 100)
    assert Scan.parse(at(11, scan_body(**large_spec())), known).abridged, "taken over from what was known"
    assert not scan().abridged


def test_many_large_specs_take_little_memory() -> None:
    tracemalloc.start()
    view = View(["logscan"])
    for number in range(100):
        view.scans.take(scan_body(f"s{number}", suspend=True, **large_spec(number)))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(view.unfinished) == 100
    assert taken < 100 * 16 * 1024, f"{taken / 100:.0f} bytes for each LogScan of 64 KiB"
