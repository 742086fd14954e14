"""The view: newer wins, older never comes back, lists prune what is gone."""

from datetime import timedelta

from objects import NOW, job_body, scan_body, view_of

from logscan_operator.items import Object, Policy
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


def test_a_list_prunes_what_it_lacks_but_not_what_is_newer() -> None:
    view = view_of(at(5, scan_body("old")), at(20, scan_body("new")), at(6, scan_body("kept")))
    view.scans.prune("other", set(), version=100)
    view.scans.prune("logscan", {("logscan", "kept")}, version=10)
    assert sorted(name for _, name in view.scans) == ["kept", "new"]


def test_the_newest_attempt_counts() -> None:
    view = view_of(job_body(attempt=2), job_body(attempt=1))
    newest = view.newest_job("uid-a")
    assert newest is not None
    assert newest.attempt == 2
    view.jobs.forget(newest.key)
    assert view.newest_job("uid-a") == view.jobs["logscan", "a-1"]
    view.jobs.forget(("logscan", "a-1"))
    assert view.newest_job("uid-a") is None


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
