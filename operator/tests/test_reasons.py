"""Every end of a scan and every wait has a reason that users see, on a real control plane."""

import json
from typing import Any

import pytest
from places import SEEN, NewPlace, Place

from logscan_api.exitcodes import ExitCode, Reason
from logscan_local.stack.kubectl import Object
from logscan_local.testkit.waiting import eventually

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]


ENDS: list[tuple[dict[str, str] | None, dict[str, Any], Reason]] = [
    *(
        ({"fake-kubelet/exit": str(int(code))}, {} if code.permanent else {"attempts": 1}, code.reason)
        for code in ExitCode
        if code is not ExitCode.DONE
    ),
    ({"fake-kubelet/exit": "1"}, {"attempts": 1}, Reason.JOB_FAILED),
    ({"fake-kubelet/exit": "evicted"}, {"attempts": 1}, Reason.EVICTED),
    ({"fake-kubelet/exit": "137-OOMKilled"}, {}, Reason.OUT_OF_MEMORY),
    ({"fake-kubelet/row": "no"}, {"attempts": 1}, Reason.RESULT_MISSING),
    ({"fake-kubelet/row": "forged"}, {"attempts": 1}, Reason.RESULT_UNTRUSTED),
    ({"fake-kubelet/hold": "yes"}, {"timeoutSeconds": 10}, Reason.DEADLINE_EXCEEDED),
    (
        None,
        {"job": {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}}},
        Reason.INVALID_SPEC,
    ),
]


def test_every_end_has_its_reason(new_place: NewPlace) -> None:
    place = new_place()
    place.operator(max_concurrent="50", events_per_second="100")
    place.apply(*(place.manifest(f"end-{n}", labels, **spec) for n, (labels, spec, _) in enumerate(ENDS)))
    place.scan("fine")
    for number, (_, _, reason) in enumerate(ENDS):
        status = place.until(f"end-{number}", phase="Failed", reason=str(reason))
        assert status["message"]
        SEEN.add(status["reason"])
    assert place.until("fine", phase="Succeeded")["reason"] == "Completed"
    SEEN.add("Completed")
    events = place.kubectl.get("events")["items"]
    told = {(e["involvedObject"]["name"], e["reason"]) for e in events if e["involvedObject"]["kind"] == "LogScan"}
    missing = next(number for number, (_, _, reason) in enumerate(ENDS) if reason is Reason.OBJECT_NOT_FOUND)
    assert (f"end-{missing}", "ObjectNotFound") in told


def test_what_is_tried_again_says_when(new_place: NewPlace) -> None:
    place = new_place()
    place.operator(retry_first_seconds="5")
    place.scan("again", {"fake-kubelet/exit": "75"}, attempts=2)
    status = place.until("again", reason="Backoff")
    assert status["phase"] == "Queued"
    assert "attempt 1 failed with TryAgainLater" in status["message"]
    SEEN.add(status["reason"])
    assert place.until("again", phase="Failed")["attempts"] == 2


def pod_status(place: Place, scan: str, status: Object) -> None:
    selector = f"--selector=batch.kubernetes.io/job-name={scan}-1"
    (pod,) = eventually(lambda: place.kubectl.get("pods", selector)["items"], 20, "the pod")
    patch = json.dumps({"status": status})
    name = pod["metadata"]["name"]
    place.kubectl.run("patch", "pod", name, "--subresource=status", "--type=merge", f"--patch={patch}")


def test_a_pod_that_does_not_start_says_why(new_place: NewPlace) -> None:
    place = new_place()
    place.operator(pending_seconds="30")  # long enough for what follows to happen before
    held = {"fake-kubelet/hold": "yes"}
    for name in ("unscheduled", "imageless", "stuck", "lost"):
        place.scan(name, held, attempts=1)
        place.until(name, phase="Running")
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no disk: ssd"}
    pod_status(place, "unscheduled", {"conditions": [condition]})
    waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    container = {"name": "scanner", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    pod_status(place, "imageless", {"containerStatuses": [{**container, "state": {"waiting": waiting}}]})
    place.kubectl.run("delete", "job", "lost-1")
    for name, reason, words in (
        ("unscheduled", "Unschedulable", "no disk: ssd"),
        ("imageless", "ImagePullFailed", "no such image"),
        ("stuck", "PodNotStarted", ""),
        ("lost", "JobLost", "was deleted"),
    ):
        status = place.until(name, 90, phase="Failed", reason=reason)
        assert words in status["message"]
        SEEN.add(reason)
    eventually(lambda: not place.kubectl.get("jobs")["items"], 20, "their Jobs to go")


def test_who_waits_says_for_what(new_place: NewPlace) -> None:
    place, held = new_place(), {"fake-kubelet/hold": "yes"}
    unseen = place.scan("unseen")
    assert place.scans()[unseen]["reason"] == "Waiting"
    SEEN.add("Waiting")
    limited = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy"}
    rules = {"inline": [{"name": "err", "pattern": "ERROR"}]}
    spec = {"match": {"keys": ["policy-*"]}, "rules": rules, "maxConcurrent": 1, "job": {"labels": held}}
    place.apply({**limited, "metadata": {"name": "narrow"}, "spec": spec})
    operator = place.operator(max_concurrent="3", debug="true")
    place.until(unseen, phase="Succeeded")
    for number in range(2):
        place.scan(f"policy-{number}", rules=None)
        place.until("policy-0", phase="Running", reason="JobCreated")
    SEEN.update([place.until("policy-1", phase="Queued", reason="PolicyLimit")["reason"], "JobCreated"])
    for number in range(3):
        place.scan(f"any-{number}", held, priority=5)
    SEEN.add(place.until("any-2", phase="Queued", reason="ConcurrencyLimit")["reason"])
    place.scan("held", suspend=True)
    SEEN.add(place.until("held", phase="Suspended")["reason"])
    place.kubectl.run("patch", "logscan", "held", "--type=merge", '--patch={"spec":{"cancel":true}}')
    SEEN.add(place.until("held", phase="Cancelled")["reason"])
    assert json.loads(operator.ask("/debug/plan")) == []
    assert 'logscan_scans{phase="Queued"} 2.0' in operator.ask("/metrics")
    operator.kill()
    place.operator(max_concurrent="9", max_concurrent_per_namespace="3")
    place.scan("crowded", held)
    SEEN.add(place.until("crowded", phase="Queued", reason="NamespaceLimit")["reason"])


def test_a_scan_that_was_stored_before_fails_and_says_why(new_place: NewPlace) -> None:
    place = new_place(others=1)
    theirs = place.kubectl_in(place.others[0])
    place.furnish(theirs)
    body = place.manifest("greedy", priority=5, notify={"email": {"to": ["victim@elsewhere.example"]}})
    theirs.run("apply", "--filename=-", stdin=json.dumps(body))
    place.operator(None, watch_namespaces=place.others[0])

    def ended() -> Object:
        status: Object = theirs.get("logscan", "greedy").get("status", {})
        return status if status.get("phase") == "Failed" else {}

    status = eventually(ended, 60, "the scan to fail")
    SEEN.add(status["reason"])
    assert status["reason"] == "NotAllowed"
    assert "notify.email.to" in status["message"]
    assert "tenantRecipients" in status["message"]
