"""Jobs that something else suspends, on a real control plane: an admission policy in the place of Kueue, a person."""

import json

import pytest
from places import PATIENT, POLICY, SEEN, Place

from logscan_local.stack import aws
from logscan_local.stack.kubectl import Object
from logscan_local.testkit.waiting import eventually

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]


QUEUE = "kueue.x-k8s.io/queue-name"
CLASS = "kueue.x-k8s.io/priority-class"


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


class Kueue:
    """Admits one Job of a queue at a time, as Kueue does with a quota for one: the highest priority, then the oldest.

    Attributes:
        admitted: The classes of the Jobs in the order in which they were admitted.
    """

    def __init__(self, place: Place, classes: dict[str, int]) -> None:
        """Admit nothing yet.

        Args:
            place: Where the Jobs are.
            classes: The priority of each WorkloadPriorityClass.
        """
        self._place = place
        self._classes = classes
        self.admitted: list[str] = []

    def held(self) -> list[Object]:
        """Return the Jobs that wait in the queue, the next one first."""
        jobs = self._place.kubectl.get("jobs", f"--selector={QUEUE}=scans")["items"]
        waiting = [job for job in jobs if job["spec"].get("suspend")]
        return sorted(waiting, key=lambda job: (-self._classes[class_of(job)], job["metadata"]["creationTimestamp"]))

    def admit(self) -> bool:
        """Admit the next Job if there is one, and wait for its end; return whether there was one."""
        held = self.held()
        if not held:
            return False
        self.admitted.append(class_of(held[0]))
        name = held[0]["metadata"]["name"]
        suspend(self._place, name, False)
        eventually(lambda: self._over(name), 60, f"{name} to end")
        return True

    def _over(self, name: str) -> bool:
        """Return whether a Job has ended; the operator may have deleted it with its LogScan since."""
        jobs = self._place.kubectl.get("jobs", f"--field-selector=metadata.name={name}")["items"]
        return all(job.get("status", {}).get("completionTime") for job in jobs)


def class_of(job: Object) -> str:
    labels: dict[str, str] = job["metadata"]["labels"]
    return labels[CLASS]


def test_batches_and_parts_of_a_backfill_wait_in_one_queue_by_priority(place: Place) -> None:
    """All Jobs are in the queue before the first one is admitted, those of the backfill first."""
    bucket = f"b-{place.namespace}"
    s3 = aws.client("s3", place.state.resources.endpoint)
    aws.create_bucket(place.state.resources.endpoint, bucket)
    for number in range(6):
        s3.put_object(Bucket=bucket, Key=f"old/{number}.log", Body=b"ERROR\n")
    fresh = {QUEUE: "scans", CLASS: "uploads"}
    batch = {"maxObjects": 2, "maxSeconds": 60}
    spec = {**POLICY["spec"], "match": {"keys": ["new/**"]}, "priority": 1, "batch": batch, "job": {"labels": fresh}}
    objects = suspending_policy(place)
    place.apply(*objects, {**POLICY, "metadata": {"name": "new"}, "spec": spec})
    kueue = Kueue(place, {"uploads": 1000, "backfills": 10})
    try:
        eventually(lambda: suspends(place), 60, "the policy to be in effect")
        place.operator(None, **PATIENT, max_concurrent="1")
        source = {"bucket": bucket, "prefix": "old/", "pageObjects": 2, "parallelism": 3}
        place.scan("all", {QUEUE: "scans", CLASS: "backfills"}, source={"s3": source})
        eventually(lambda: len(kueue.held()) == 3, 60, "all parts of the backfill to wait in the queue")
        place.send([f"new/{number}.log" for number in range(6)])
        eventually(lambda: len(kueue.held()) == 6, 60, "the batches to wait beside them")
        assert {status["reason"] for name, status in place.scans().items() if name != "all"} <= {"QueuedByKueue"}
        while kueue.admit():
            pass
        place.until("all", 60, phase="Succeeded")
    finally:
        for item in objects:
            place.kubectl.run("delete", str(item["kind"]), item["metadata"]["name"])
    assert kueue.admitted == ["uploads"] * 3 + ["backfills"] * 3
    ended = place.scans()
    assert sorted(status["objects"]["done"] for status in ended.values()) == [2, 2, 2, 6]
    assert {status["phase"] for status in ended.values()} == {"Succeeded"}


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
