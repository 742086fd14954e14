"""The view: newer wins, older never comes back, lists prune what is gone."""

from objects import job_body, scan_body, view_of

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
