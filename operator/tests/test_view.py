"""The view: newer wins, older never comes back, lists prune what is gone."""

import tracemalloc
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from objects import NOW, SETTINGS, at, job_body, scan, scan_body, synced_view, view_of

from logscan_operator.holds import Holds
from logscan_operator.items import Object, Policy, Scan
from logscan_operator.planning import plan
from logscan_operator.view import View


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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


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
