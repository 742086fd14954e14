"""Jobs that the operator did not make, on a real API server: they decide nothing and stop nobody."""

import signal
from typing import Any

import pytest
from places import PATIENT, SEEN, NewPlace

from logscan_local.stack.kubectl import Kubectl, Object
from logscan_local.testkit.results import RESULT
from logscan_local.testkit.waiting import eventually

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]


def forged(name: str, labels: dict[str, str], owner: Object | None = None) -> Object:
    """Return a Job that claims to be a scan's, has the row of another scan, and is complete at once."""
    result = RESULT.ref.model_dump_json(by_alias=True, exclude_none=True)
    pod: dict[str, Any] = {"restartPolicy": "Never", "containers": [{"name": "scanner", "image": "forged"}]}
    metadata: Object = {"name": name, "labels": labels, "annotations": {"logscan.dev/result": result}}
    if owner is not None:
        metadata["ownerReferences"] = [owner]
    spec = {"completions": 0, "template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def attack(kubectl: Kubectl, uid: str, name: str) -> None:
    """Create Jobs with all that is known of a LogScan."""
    label, attempt = "logscan.dev/scan-uid", "logscan.dev/attempt"
    owner = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", "name": name, "uid": uid, "controller": True}
    kubectl.apply(
        [
            forged("first", {label: uid, attempt: "first"}),
            forged("many", {label: uid, attempt: "9" * 63}),
            forged("ninth", {label: uid, attempt: "9"}),
            forged("owned", {label: uid, attempt: "9"}, owner),
            forged("unlabelled", {label: "x"}, owner),
            forged(f"{name}-1", {label: uid, attempt: "1"}, owner),
        ]
    )


def left_out(kubectl: Kubectl) -> set[str]:
    events = kubectl.get("events")["items"]
    return {event["involvedObject"]["name"] for event in events if event["reason"] == "LeftOut"}


def test_a_forged_job_decides_no_scan_and_stops_no_operator(new_place: NewPlace) -> None:
    place = new_place(others=1)
    theirs = place.kubectl_in(place.others[0])
    place.furnish(theirs)
    place.operator(None, watch_namespaces=place.others[0], **PATIENT)
    place.scan("victim", {"fake-kubelet/hold": "yes"}, suspend=True)
    uid = place.kubectl.get("logscan", "victim")["metadata"]["uid"]
    for kubectl in (place.kubectl, theirs):
        attack(kubectl, uid, "victim")
        eventually(lambda k=kubectl: left_out(k) >= {"first", "many", "ninth"}, 60, "Events about the Jobs")  # type: ignore[misc]
    eventually(lambda: "victim-1" in left_out(place.kubectl), 60, "an Event about the Job with the derived name")
    place.until("victim", 60, phase="Suspended")
    place.kubectl.run("patch", "logscan", "victim", "--type=merge", '--patch={"spec":{"suspend":false}}')
    assert "a Job named victim-1" in place.until("victim", 60, phase="Queued", reason="JobConflict")["message"]
    SEEN.add("JobConflict")
    place.kubectl.run("delete", "job", "victim-1")
    status = place.until("victim", 60, phase="Running", attempts=1)
    assert status["job"]["name"] == "victim-1"
    # One that starts while they are there reads the cluster all the same.
    place.operators[0].signal(signal.SIGTERM)
    assert place.operators[0].process.wait(60) == 0
    place.operator(None, watch_namespaces=place.others[0], **PATIENT)
    place.scan("another")
    assert place.until("another", 90, phase="Succeeded")["attempts"] == 1
