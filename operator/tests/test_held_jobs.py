"""Jobs that something else suspends, on a real control plane: an admission policy in the place of Kueue, a person."""

import json

import pytest
from places import PATIENT, SEEN, Place

from logscan_local.stack.kubectl import Object
from logscan_local.testkit.waiting import eventually

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]


QUEUE = "kueue.x-k8s.io/queue-name"


def suspending_policy(place: Place) -> list[Object]:
    """Return an admission policy that does what Kueue's webhook does with a Job that names a queue."""
    base = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": f"queue-{place.namespace}"}}
    rule = {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["jobs"]}
    change = "Object{spec: Object.spec{suspend: true}}"
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [{"name": "queue", "expression": f"'{QUEUE}' in object.metadata.labels"}],
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": change}}],
    }
    where = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place.namespace}}}
    binding = {"policyName": f"queue-{place.namespace}", "matchResources": where}
    return [
        {**base, "kind": "MutatingAdmissionPolicy", "spec": spec},
        {**base, "kind": "MutatingAdmissionPolicyBinding", "spec": binding},
    ]


def suspends(place: Place) -> bool:
    """Return whether the policy is in effect, which the API server takes seconds for."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "try", "labels": {QUEUE: "scans"}}}
    text = json.dumps({**job, "spec": {"template": {"spec": pod}}})
    made = json.loads(place.kubectl.run("create", "--dry-run=server", "--filename=-", "-ojson", stdin=text))
    return bool(made["spec"].get("suspend"))


def suspend(place: Place, job: str, suspended: bool) -> None:
    patch = json.dumps({"spec": {"suspend": suspended}})
    place.kubectl.run("patch", "job", job, "--type=merge", f"--patch={patch}")


def test_a_job_that_something_else_suspended_is_left_alone(place: Place) -> None:
    objects = suspending_policy(place)
    place.apply(*objects)
    try:
        eventually(lambda: suspends(place), 60, "the policy to be in effect")
        place.operator(None, **PATIENT, max_concurrent="1")
        place.scan("queued", {QUEUE: "scans", "fake-kubelet/hold": "yes"})
        place.until("queued", 60, phase="Queued", reason="QueuedByKueue")
        SEEN.add("QueuedByKueue")
        place.scan("beside")
        place.until("beside", 60, phase="Succeeded")
        assert place.kubectl.get("job", "queued-1")["spec"]["suspend"], "the operator resumed it"
        suspend(place, "queued-1", False)
        place.until("queued", 60, phase="Running", reason="JobCreated")
        suspend(place, "queued-1", True)
        place.until("queued", 60, phase="Queued", reason="QueuedByKueue")
        place.kubectl.run("patch", "logscan", "queued", "--type=merge", '--patch={"spec":{"suspend":true}}')
        place.until("queued", 60, phase="Suspended", reason="Suspended")
        eventually(lambda: not place.kubectl.get("jobs", "--selector=logscan.dev/attempt=1," + QUEUE)["items"], 60)
        place.kubectl.run("patch", "logscan", "queued", "--type=merge", '--patch={"spec":{"suspend":false}}')
        assert place.until("queued", 60, phase="Queued", reason="QueuedByKueue")["attempts"] == 1
    finally:
        for item in objects:
            place.kubectl.run("delete", str(item["kind"]), item["metadata"]["name"])


def test_a_job_that_a_person_suspended_waits_for_that_person(place: Place) -> None:
    place.operator(None, **PATIENT)
    place.scan("mine", {"fake-kubelet/hold": "yes"})
    place.until("mine", 60, phase="Running")
    suspend(place, "mine-1", True)
    status = place.until("mine", 60, phase="Suspended", reason="SuspendedByOther")
    SEEN.add(status["reason"])
    suspend(place, "mine-1", False)
    place.until("mine", 60, phase="Running")
    place.kubectl.run("patch", "logscan", "mine", "--type=merge", '--patch={"spec":{"suspend":true}}')
    place.until("mine", 60, phase="Suspended", reason="Suspended")
    annotations = place.kubectl.get("job", "mine-1")["metadata"]["annotations"]
    assert annotations["logscan.dev/suspended"] == "true"
    place.kubectl.run("patch", "logscan", "mine", "--type=merge", '--patch={"spec":{"suspend":false}}')
    place.until("mine", 60, phase="Running")
    annotations = place.kubectl.get("job", "mine-1")["metadata"]["annotations"]
    assert "logscan.dev/suspended" not in annotations
