"""The view: newer wins, older never comes back, lists prune what is gone."""

from objects import job_body, scan_body, view_of

from logscan_operator.view import Object, Policy, View


def at(version: int, body: Object) -> Object:
    body["metadata"]["resourceVersion"] = str(version)
    return body


def test_an_older_object_never_replaces_a_newer_one() -> None:
    view = View()
    view.put_scan(at(5, scan_body(status={"phase": "Running"})))
    view.put_scan(at(4, scan_body()))
    assert view.scans["logscan", "a"].version == 5


def test_every_change_is_signalled_and_an_echo_is_not() -> None:
    view = View()
    view.put_scan(at(5, scan_body()))
    assert view.changed.is_set()
    view.changed.clear()
    view.put_scan(at(5, scan_body()))
    assert not view.changed.is_set()


def test_a_deletion_forgets_only_what_it_deleted() -> None:
    view = view_of(at(5, scan_body()))
    view.drop(view.scans, at(4, scan_body()))
    assert view.scans
    view.drop(view.scans, at(6, scan_body()))
    view.drop(view.scans, at(6, scan_body()))
    assert not view.scans


def test_a_list_prunes_what_it_lacks_but_not_what_is_newer() -> None:
    view = view_of(at(5, scan_body("old")), at(20, scan_body("new")), at(6, scan_body("kept")))
    view.prune(view.scans, {("logscan", "kept")}, version=10)
    assert sorted(name for _, name in view.scans) == ["kept", "new"]


def test_jobs_of_others_are_passed_over() -> None:
    body = job_body()
    del body["metadata"]["labels"]
    assert not view_of(body).jobs


def test_the_newest_attempt_counts() -> None:
    view = view_of(job_body(attempt=2), job_body(attempt=1))
    assert view.jobs_by_scan()["uid-a"].attempt == 2


def test_unfinished_scans_are_counted() -> None:
    view = view_of(
        scan_body("a"), scan_body("b", status={"phase": "Failed"}), scan_body("c", status={"phase": "Queued"})
    )
    assert view.unfinished() == 2


def test_an_unreadable_policy_matches_nothing() -> None:
    view = View()
    metadata = {"namespace": "logscan", "name": "p", "resourceVersion": "1"}
    view.put_policy({"metadata": metadata, "spec": {"priority": "high"}})
    view.put_policy({"metadata": {**metadata, "name": "q"}, "spec": {"action": "Ignore"}})
    view.put_policy({"metadata": {**metadata, "namespace": "other"}, "spec": {"action": "Ignore"}})
    assert list(view.policies_in("logscan")) == ["q"]
    assert isinstance(view.policies["logscan", "p"], Policy)
