"""Jobs that notify of failures, on a real control plane: one for each failure, whoever is killed, and in no slot."""

import json

import pytest
from places import PATIENT, NewPlace, Place

from logscan_api.identity import notice_name
from logscan_api.requests import NoticeRequest
from logscan_local.stack.kubectl import Object
from logscan_local.testkit.waiting import eventually
from logscan_operator.environment import request_of

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]

NOTIFY = {
    "channels": [{"name": "team", "type": "slack", "secretRef": {"name": "slack", "key": "url"}, "when": "Failure"}]
}
FAILURES = {
    "killed": ({"fake-kubelet/exit": "137-Error"}, {"attempts": 2}, "JobFailed"),
    "oom": ({"fake-kubelet/exit": "137-OOMKilled"}, {}, "OutOfMemory"),
    "evicted": ({"fake-kubelet/exit": "evicted"}, {"attempts": 1}, "Evicted"),
    "late": ({"fake-kubelet/hold": "yes"}, {"timeoutSeconds": 10}, "DeadlineExceeded"),
    "unstarted": ({"fake-kubelet/hold": "yes"}, {"attempts": 1}, "ImagePullFailed"),
    "lost": ({"fake-kubelet/hold": "yes"}, {"attempts": 1}, "JobLost"),
}


def notice_of(place: Place, name: str) -> Object:
    """Return the Job that notifies of the failure of a scan, once it is over."""
    scan = place.kubectl.get("logscan", name)
    wanted = notice_name(name, scan["metadata"]["uid"], scan["status"]["attempts"])

    def found() -> Object:
        jobs = place.kubectl.get("jobs", f"--field-selector=metadata.name={wanted}")["items"]
        return next((job for job in jobs if job.get("status", {}).get("completionTime")), {})

    return eventually(found, 60, f"{wanted} to end")


def break_image(place: Place, scan: str) -> None:
    """Let the pod of a scan say that its image does not come."""
    selector = f"--selector=batch.kubernetes.io/job-name={scan}-1"
    (pod,) = eventually(lambda: place.kubectl.get("pods", selector)["items"], 30, "the pod")
    waiting = {"reason": "ErrImageNeverPull", "message": "no such image"}
    container = {"name": "scanner", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    patch = json.dumps({"status": {"containerStatuses": [{**container, "state": {"waiting": waiting}}]}})
    place.kubectl.run(
        "patch", "pod", pod["metadata"]["name"], "--subresource=status", "--type=merge", f"--patch={patch}"
    )


def test_each_failure_that_a_scanner_cannot_tell_has_one_job_that_does(new_place: NewPlace) -> None:
    place = new_place()
    place.operator(None, **PATIENT, max_concurrent="50", retry_first_seconds="1")
    place.apply(
        *(place.manifest(name, labels, notify=NOTIFY, **spec) for name, (labels, spec, _) in FAILURES.items()),
        place.manifest("told", {"fake-kubelet/exit": "66"}, notify=NOTIFY),
        place.manifest("fine", notify=NOTIFY),
        place.manifest("nobody", {"fake-kubelet/exit": "137-Error"}, attempts=1),
    )
    place.until("lost", 60, phase="Running")
    break_image(place, "unstarted")
    place.kubectl.run("delete", "job", "lost-1")
    for name, (_, _, reason) in FAILURES.items():
        status = place.until(name, 90, phase="Failed", reason=reason)
        notice = notice_of(place, name)
        request = NoticeRequest.from_variable(request_of(notice["spec"]["template"]["spec"]["containers"][0]) or "")
        assert (request.reason, request.message) == (status["reason"], status["message"])
        assert request.result.sk == status["result"]["sk"]
        (owner,) = notice["metadata"]["ownerReferences"]
        assert (owner["name"], owner["controller"]) == (name, True)
    place.until("told", 60, phase="Failed")
    place.until("fine", 60, phase="Succeeded")
    place.until("nobody", 60, phase="Failed")
    assert len([name for name in place.jobs.created if name.endswith("-notice")]) == len(FAILURES)


def test_a_job_that_does_not_end_keeps_no_scan_waiting(new_place: NewPlace) -> None:
    place = new_place()
    place.operator(None, **PATIENT, max_concurrent="1")
    place.scan("bad", {"fake-kubelet/exit": "137-Error", "fake-kubelet/notice": "hold"}, attempts=1, notify=NOTIFY)
    place.until("bad", 60, phase="Failed")
    place.scan("next")
    place.until("next", 60, phase="Succeeded")
    (notice,) = (job for job in place.kubectl.get("jobs")["items"] if job["metadata"]["name"].endswith("-notice"))
    assert notice["status"].get("active") == 1


def test_operators_that_are_killed_make_one_job_a_failure(new_place: NewPlace) -> None:
    place, names = new_place(), [f"bad-{number}" for number in range(3)]
    for name in names:
        operator = place.operator(max_concurrent="1")
        place.scan(name, {"fake-kubelet/exit": "137-Error"}, attempts=1, notify=NOTIFY)
        eventually(lambda: f"{name}-1" in place.jobs.created, 60, "its Job")  # noqa: B023 - used in this turn only
        operator.kill()
    place.operator(None, **PATIENT, max_concurrent="1")
    for name in names:
        place.until(name, 120, phase="Failed")
        notice_of(place, name)
    made = [name for name in place.jobs.created if name.endswith("-notice")]
    assert len(made) == len(set(made)) == len(names)
