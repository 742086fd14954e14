"""Which Jobs the operator takes for its own: those that it signed, and that their LogScan controls."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from objects import SETTINGS, at, in_namespace, job_body, scan, scan_body, synced_view, view_of

from logscan_operator.items import Object, Scan
from logscan_operator.jobsignatures import signed
from logscan_operator.scanjobs import ATTEMPT_LABEL, SCAN_UID_LABEL, own_job
from logscan_operator.view import View

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


@pytest.mark.parametrize("job", CHANGED.values(), ids=CHANGED)
def test_a_known_job_that_is_changed_is_verified_again(job: Object) -> None:
    with pytest.raises(ValueError, match="not signed"):
        own_job(job, KEYS, own_job(job_body(), KEYS))


STATUSES: dict[str, Object] = {
    "none": {},
    "started": {"startTime": "2026-11-24T10:00:01Z", "active": 1, "ready": 1},
    "complete": {"conditions": [{"type": "Complete", "status": "True"}]},
    "failed": {"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "late"}]},
}


@pytest.mark.parametrize("status", STATUSES.values(), ids=STATUSES)
@pytest.mark.parametrize("change", [{}, {"suspend": True}, {"activeDeadlineSeconds": 7}], ids=str)
def test_a_known_job_is_what_its_newest_version_says(status: Object, change: Object) -> None:
    newest = job_body()
    newest["metadata"] |= {"resourceVersion": "99", "managedFields": [{"manager": "controller"}]}
    newest |= {"spec": newest["spec"] | change, "status": status}
    assert own_job(newest, KEYS, own_job(job_body(), KEYS)) == own_job(newest, KEYS)


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


TEXTS = st.dictionaries(st.sampled_from([SCAN_UID_LABEL, ATTEMPT_LABEL, "kueue.x-k8s.io/queue-name"]), st.text())
ANNOTATIONS = st.sampled_from(["logscan.dev/result", "logscan.dev/resolved", "logscan.dev/suspended"])


@given(st.fixed_dictionaries({}, optional={"labels": TEXTS, "annotations": st.dictionaries(ANNOTATIONS, st.text())}))
def test_no_label_or_annotation_of_a_job_stops_the_view(metadata: Object) -> None:
    view = View(["logscan"], KEYS)
    view.jobs.take(foreign(**metadata))
    assert len(view.jobs) + len(list(view.unreadable())) == 1
