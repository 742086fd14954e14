"""Objects, messages and labels that nobody meant, on a real API server: a normal scan beside them finishes.

Each batch is drawn by hypothesis. `make test` tries the same few each time; `LOGSCAN_TEST_BATCHES=200` tries others.
"""

import asyncio
import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from drawn import UNHURRIED, job_metadata, messages, part, policy_specs, scan_labels, scan_specs
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from places import PATIENT, NewPlace, Place

from logscan_local.stack.apiserver import JSON_MERGE, ApiServer, Connection, RefusedError
from logscan_local.stack.kubectl import Object
from logscan_local.testkit.operators import OperatorProcess
from logscan_local.testkit.waiting import eventually

pytestmark = [
    pytest.mark.controlplane,
    pytest.mark.emulator,
    # Its text would be shown if a test failed; a file has it.
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
]
BATCHES = os.environ.get("LOGSCAN_TEST_BATCHES")
API_VERSION = "logscan.dev/v1alpha1"
KINDS = {"logscans": API_VERSION, "logscanpolicies": API_VERSION, "jobs": "batch/v1"}
CONDITION = {"status": "True", "reason": "x", "message": "x", "lastTransitionTime": "2026-11-25T22:00:00Z"}
OWNER = {"apiVersion": API_VERSION, "kind": "LogScan", "name": "drawn-0", "uid": "0-0", "controller": True}


@dataclass(frozen=True, repr=False)
class Batch:
    """What is put before the operator at once. Its text is not shown: it is up to megabytes, and in a file."""

    specs: list[Object]
    labels: list[dict[str, str]]
    statuses: list[Object]
    policies: list[Object]
    jobs: list[Object]
    changes: list[Object]
    bodies: list[str]


BATCH = st.builds(
    Batch,
    specs=st.lists(scan_specs(), min_size=4, max_size=8),
    labels=st.lists(scan_labels(), min_size=8, max_size=8),
    statuses=st.lists(part("logscans", "status"), min_size=1, max_size=3),
    policies=st.lists(policy_specs(), min_size=1, max_size=2),
    jobs=st.lists(job_metadata(OWNER), min_size=2, max_size=4),
    changes=st.lists(job_metadata(OWNER), min_size=1, max_size=3),
    bodies=st.lists(messages(), min_size=3, max_size=6),
)


@dataclass
class Attacker:
    """Writes whatever was drawn; counts what the API server accepts, and knows the LogScans whose status it wrote."""

    place: Place
    said: Counter[str] = field(default_factory=Counter)
    forged: set[tuple[str, str]] = field(default_factory=set)

    def create(self, number: int, batch: Batch) -> None:
        """Write a batch into both namespaces and the queue."""
        for position, body in enumerate(batch.bodies):
            self._send(f"{number}-{position}", body)
        asyncio.run(self._create(batch))

    def clear(self) -> None:
        """Delete what is there, so that batches do not add up."""
        asyncio.run(self._clear())

    def _send(self, identity: str, body: str) -> None:
        queue = {"QueueUrl": self.place.queue_url, "MessageGroupId": identity, "MessageDeduplicationId": identity}
        try:
            self.place.sqs.send_message(MessageBody=body, **queue)
            self.said["sent"] += 1
        except ClientError:
            self.said["not sent"] += 1

    async def _create(self, batch: Batch) -> None:
        home, tenant = self.place.namespace, self.place.others[0]
        async with ApiServer(Connection.read(self.place.stack.paths.kubeconfig)) as api:
            for number, spec in enumerate(batch.policies):
                await self._try(api, "POST", tenant, "logscanpolicies", manifest("LogScanPolicy", number, spec))
            made = []
            for number, spec in enumerate(batch.specs):
                namespace, document = (
                    (home, tenant)[number % 2],
                    manifest("LogScan", number, spec, batch.labels[number]),
                )
                if await self._try(api, "POST", namespace, "logscans", document):
                    made.append((namespace, f"drawn-{number}"))
            for number, metadata in enumerate(batch.jobs):
                await self._try(api, "POST", (home, tenant)[number % 2], "jobs", job(number, metadata))
            self.forged = set(made[: len(batch.statuses)])
            for (namespace, name), status in zip(made, batch.statuses, strict=False):
                await self._try(api, "PATCH", namespace, f"logscans/{name}/status", {"status": status})
            found = (await api.request("GET", f"/apis/batch/v1/namespaces/{home}/jobs"))["items"]
            for existing, metadata in zip(found, batch.changes, strict=False):
                await self._try(api, "PATCH", home, f"jobs/{existing['metadata']['name']}", {"metadata": metadata})

    async def _try(self, api: ApiServer, method: str, namespace: str, path: str, body: Object) -> bool:
        """Write an object and return whether the API server accepted it."""
        resource = path.partition("/")[0]
        kind = JSON_MERGE if method == "PATCH" else "application/json"
        try:
            await api.request(method, f"/apis/{KINDS[resource]}/namespaces/{namespace}/{path}", body, content_type=kind)
        except RefusedError:
            self.said[f"{method} {resource} refused"] += 1
            return False
        self.said[f"{method} {resource} accepted"] += 1
        return True

    async def _clear(self) -> None:
        async with ApiServer(Connection.read(self.place.stack.paths.kubeconfig)) as api:
            for resource, version in KINDS.items():
                for namespace in (self.place.namespace, self.place.others[0]):
                    query = {"propagationPolicy": "Background", "fieldSelector": "metadata.name!=default"}
                    await api.request("DELETE", f"/apis/{version}/namespaces/{namespace}/{resource}", query=query)


def manifest(kind: str, number: int, spec: Object, labels: dict[str, str] | None = None) -> Object:
    metadata = {"name": f"drawn-{number}", "labels": labels or {}}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def job(number: int, metadata: Object) -> Object:
    """Return a Job that is complete at once."""
    pod: dict[str, Any] = {"restartPolicy": "Never", "containers": [{"name": "scanner", "image": "forged"}]}
    spec = {"completions": 0, "template": {"spec": pod}}
    named = {"name": f"drawn-{number // 2}-{1 + number % 2}", **metadata}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": named, "spec": spec}


def unexpected(operator: OperatorProcess) -> list[str]:
    """Return the counters of errors that the operator does not know and that are not 0."""
    names = ("logscan_unexpected_errors_total", 'logscan_messages_rejected_total{reason="unforeseen"}')
    lines = [line for line in operator.ask("/metrics").splitlines() if line.startswith(names)]
    assert len(lines) > 1, "the operator does not answer"
    return [line for line in lines if not line.endswith(" 0.0")]


def restless(place: Place, forged: set[tuple[str, str]]) -> list[Object]:
    """Return the LogScans that have neither ended nor wait for people, but for those whose status is forged."""
    found = [
        item for name in (place.namespace, *place.others) for item in place.kubectl_in(name).get("logscans")["items"]
    ]
    at_rest = ("Succeeded", "Failed", "Cancelled", "Suspended")
    others = [i for i in found if (i["metadata"]["namespace"], i["metadata"]["name"]) not in forged]
    for_people = ("JobConflict", "RuleSetNotReady")
    working = [item for item in others if item["status"].get("phase") not in at_rest]
    return [item for item in working if item["status"].get("reason") not in for_people]


def check(place: Place, number: int, forged: set[tuple[str, str]]) -> None:
    """Check that the operator does its work, all of it, and that it is still the same process."""
    (operator,) = place.operators
    place.scan(f"normal-{number}")
    place.until(f"normal-{number}", 60, phase="Succeeded")
    eventually(
        lambda: not restless(place, forged), 60, lambda: f"all LogScans to be at rest: {restless(place, forged)}"
    )
    eventually(place.queue_is_empty, 60, "all messages to be handled or in the dead-letter queue")
    assert operator.process.poll() is None
    assert json.loads(operator.ask("/healthz"))["stuck"] == {}
    assert json.loads(operator.ask("/readyz"))["namespaces"] == {}
    assert unexpected(operator) == []
    failed = {name: status["message"] for name, status in place.scans().items() if status["reason"] == "InternalError"}
    assert failed == {}


FORGED: list[Object] = [
    {"attempts": 2**53},
    {"priorAttempts": 2**53},
    {"refusals": 2**53},
    {"attempts": 2**53, "priorAttempts": 2**53, "refusals": 2**53, "job": {"name": "x", "uid": "x"}},
    {"retryTime": "2026-11-25t22:00:00z"},
    {"retryTime": "9999-12-31T23:59:59Z"},
    {"startTime": "0001-01-01T00:00:00Z"},
    {"memoryLimit": 2**53},
    {"conditions": [{**CONDITION, "type": f"Other{number}"} for number in range(16)]},
    {"message": "\x1b" * 1024, "reason": "\u202e" * 64, "object": "x" * 64, "policy": "é" * 253, "duration": "x" * 253},
    {"result": {"table": "no-such-table", "pk": "p" * 2048, "sk": "s" * 2048}, "job": {"name": "x", "uid": "x"}},
]


def test_a_status_that_somebody_else_wrote_is_overwritten(new_place: NewPlace) -> None:
    place = new_place()
    for number, status in enumerate(FORGED):
        place.scan(f"forged-{number}", attempts=2)
        wanted = json.dumps({"status": {"phase": "Queued", **status}})
        patch = ("--subresource=status", "--type=merge", f"--patch={wanted}")
        place.kubectl.run("patch", "logscan", f"forged-{number}", *patch)
    operator = place.operator(None, max_concurrent="50", **PATIENT)
    for number in range(len(FORGED)):
        place.until(f"forged-{number}", 60, phase="Succeeded")
    assert unexpected(operator) == []


def test_whatever_others_write_a_normal_scan_finishes(new_place: NewPlace) -> None:
    place = new_place(others=1)
    place.furnish(place.kubectl_in(place.others[0]))
    dead = place.sqs.create_queue(QueueName=f"{place.namespace}-dead.fifo", Attributes={"FifoQueue": "true"})
    arn = place.sqs.get_queue_attributes(QueueUrl=dead["QueueUrl"], AttributeNames=["QueueArn"])["Attributes"]
    redrive = json.dumps({"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": "2"})
    place.sqs.set_queue_attributes(QueueUrl=place.queue_url, Attributes={"RedrivePolicy": redrive})
    place.operator(None, watch_namespaces=place.others[0], max_concurrent="50", resync_seconds="5", **PATIENT)
    attacker, batches = Attacker(place), Counter[str]()

    @settings(
        max_examples=int(BATCHES or 12),
        derandomize=BATCHES is None,
        database=None,
        phases=[Phase.generate],  # to shrink a batch would take hours
        suppress_health_check=UNHURRIED,
    )
    @given(BATCH)
    def survive(batch: Batch) -> None:
        batches["number"] += 1
        (place.folder / "batch.json").write_text(json.dumps(asdict(batch), indent=1))
        attacker.create(batches["number"], batch)
        check(place, batches["number"], attacker.forged)
        attacker.clear()

    survive()
    said = attacker.said
    for what in ("POST logscans", "POST logscanpolicies", "POST jobs", "PATCH logscans", "PATCH jobs"):
        assert said[f"{what} accepted"] > said[f"{what} refused"], said
    assert said["sent"] > said["not sent"]
