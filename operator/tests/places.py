"""A place for one test: a namespace, a queue, a fake kubelet, and operator processes."""

import asyncio
import json
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import yaml
from proxies import Proxy

from logscan_api.events import ObjectEvent
from logscan_api.identity import scan_name
from logscan_local.stack import aws
from logscan_local.stack.apiserver import ApiError, ApiServer, Connection
from logscan_local.stack.kubectl import Kubectl, Object
from logscan_local.stack.stacks import Stack
from logscan_local.testkit.fakekubelet import FakeKubelet
from logscan_local.testkit.operators import OperatorProcess
from logscan_local.testkit.waiting import eventually

POLICY: Object = {
    "apiVersion": "logscan.dev/v1alpha1",
    "kind": "LogScanPolicy",
    "metadata": {"name": "default"},
    "spec": {"priority": -1000, "rules": {"inline": [{"name": "err", "pattern": "ERROR"}]}},
}
RULES = {"inline": [{"name": "err", "pattern": "ERROR"}]}
PATIENT = {"lease_seconds": "30"}  # for what must not end by a lost Lease, however busy the machine
# Reasons that some test has seen in a status; test_seen_reasons.py compares them with the API's.
SEEN: set[str] = set()


class Background:
    """Coroutines that run in a thread beside a test until it ends."""

    def __init__(self, *work: Callable[[], Any]) -> None:
        self._work = work
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._task: asyncio.Task[Any] | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())
        self._thread.join(20)

    def _run(self) -> None:
        async def everything() -> None:
            await asyncio.gather(*(one() for one in self._work))

        self._task = self._loop.create_task(everything())
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        # Closed connections say goodbye in the loop; it must turn until they have.
        self._loop.run_until_complete(asyncio.sleep(0.25))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


class JobWatch:
    """Follows the Jobs of a namespace in the order of their changes, and keeps what must never be exceeded."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.active: set[str] = set()
        self.most_active = 0
        self._names: dict[str, str] = {}  # by uid

    @property
    def created(self) -> list[str]:
        """The name of each Job that was ever seen, in the order of their creation; a name that came again, again."""
        return list(self._names.values())

    async def follow(self, api: ApiServer) -> None:
        """Follow until cancelled; a list closes the gap that a restart of the API server leaves."""
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        while True:
            with suppress(ApiError):
                listed = await api.request("GET", path)
                self.active = {uid for job in listed["items"] if (uid := self._seen(job)) and not _is_over(job)}
                self.most_active = max(self.most_active, len(self.active))
                async for event in api.watch(path, {"resourceVersion": listed["metadata"]["resourceVersion"]}):
                    if event["type"] != "BOOKMARK":
                        self._take(event["type"], event["object"])
            await asyncio.sleep(0.1)

    def _take(self, kind: str, job: Object) -> None:
        uid = self._seen(job)
        if kind == "DELETED" or _is_over(job):
            self.active.discard(uid)
        else:
            self.active.add(uid)
        self.most_active = max(self.most_active, len(self.active))

    def _seen(self, job: Object) -> str:
        uid: str = job["metadata"]["uid"]
        self._names.setdefault(uid, job["metadata"]["name"])
        return uid


def _is_over(job: Object) -> bool:
    """Return whether a Job holds no slot: it has ended, or is suspended."""
    conditions = job.get("status", {}).get("conditions", [])
    ended = any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)
    return ended or bool(job["spec"].get("suspend"))


class Place:
    """One test's own corner of the stack; a context manager."""

    def __init__(self, stack: Stack, folder: Path, fake_kubelet: bool = True, others: int = 0) -> None:
        """Create nothing yet.

        Args:
            stack: A stack without a node.
            folder: Where files go.
            fake_kubelet: Whether a fake kubelet ends scan pods.
            others: For how many further namespaces, which are not created.
        """
        state = stack.state()
        assert state is not None
        self.stack = stack
        self.state = state
        self.folder = folder
        self.namespace = f"t-{uuid.uuid4().hex[:8]}"
        self.others = [f"{self.namespace}-{number}" for number in range(others)]
        self.kubectl: Kubectl = Kubectl(state.kubectl, stack.paths.kubeconfig, self.namespace)
        self.sqs = aws.client("sqs", state.resources.endpoint)
        self.queue_url = ""
        self.jobs = JobWatch(self.namespace)
        self.operators: list[OperatorProcess] = []
        self._with_kubelet = fake_kubelet
        self._background = Background(self._beside)

    def __enter__(self) -> Self:
        attributes = {"FifoQueue": "true", "VisibilityTimeout": "10"}
        answer = self.sqs.create_queue(QueueName=f"{self.namespace}.fifo", Attributes=attributes)
        self.queue_url = answer["QueueUrl"]
        self.furnish(self.kubectl)
        self._background.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        for operator in self.operators:
            with suppress(ProcessLookupError):
                operator.kill()
        self._background.__exit__()
        self.sqs.delete_queue(QueueUrl=self.queue_url)
        self.sqs.close()
        self.kubectl.run("delete", "namespace", self.namespace, *self.others, "--ignore-not-found", "--wait=false")

    def furnish(self, kubectl: Kubectl) -> None:
        """Create a namespace with what scans need there."""
        kubectl.run("create", "namespace", kubectl.namespace)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "logscan-scanner"}}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}}
        kubectl.apply([POLICY, account, secret])

    def kubectl_in(self, namespace: str) -> Kubectl:
        """Return kubectl for another namespace."""
        return Kubectl(self.state.kubectl, self.stack.paths.kubeconfig, namespace)

    def kubeconfig_of(self, account: str) -> Path:
        """Return the kubeconfig of a service account of the place."""
        token = self.kubectl.run("create", "token", account).strip()
        document = yaml.safe_load(self.stack.paths.kubeconfig.read_text())
        document["users"][0]["user"] = {"token": token}
        path = self.folder / account
        path.write_text(yaml.safe_dump(document))
        return path

    def api_proxy(self) -> Proxy:
        """Return a proxy of the API server, which is yet to serve, for one operator."""
        connection = Connection.read(self.stack.paths.kubeconfig)
        return Proxy(connection.server, connection.tls)

    def kubeconfig_for(self, proxy: Proxy) -> Path:
        """Return a kubeconfig of the administrator that goes through a proxy."""
        document = yaml.safe_load(self.stack.paths.kubeconfig.read_text())
        document["clusters"][0]["cluster"] = {"server": proxy.url}
        path = self.folder / f"through-{proxy.url.rsplit(':', 1)[1]}"
        path.write_text(yaml.safe_dump(document))
        return path

    async def _beside(self) -> None:
        async with ApiServer(Connection.read(self.stack.paths.kubeconfig)) as api:
            fake_kubelet = FakeKubelet(
                api, self.state.resources.endpoint, [self.namespace, *self.others] if self._with_kubelet else []
            )
            await asyncio.gather(fake_kubelet.run(), self.jobs.follow(api))

    def operator(
        self, kubeconfig: Path | None = None, aws_endpoint: str | None = None, **settings: str
    ) -> OperatorProcess:
        """Start an operator for this place, as the administrator and without proxies unless the arguments say more."""
        log = self.folder / f"operator-{len(self.operators)}.log"
        who, resources = kubeconfig or self.stack.paths.kubeconfig, self.state.resources
        state = replace(self.state, resources=replace(resources, endpoint=aws_endpoint or resources.endpoint))
        process = OperatorProcess(who, state, self.queue_url, self.namespace, log, **settings)
        self.operators.append(process)
        return process

    def apply(self, *documents: Object) -> None:
        """Apply objects in the place's namespace."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)})
        self.kubectl.run("apply", "--filename=-", stdin=text)

    def scan(self, name: str, labels: dict[str, str] | None = None, **spec: Any) -> str:
        """Apply a LogScan and return its name; labels instruct the fake kubelet."""
        self.apply(self.manifest(name, labels, **spec))
        return name

    def manifest(self, name: str, labels: dict[str, str] | None = None, **spec: Any) -> Object:
        """Return a LogScan."""
        job = {"labels": labels} if labels else {}
        full = {"source": {"s3": {"bucket": "logs", "key": f"{name}.log"}}, "rules": RULES, **spec}
        if job:
            full["job"] = {**spec.get("job", {}), **job}
        return {"apiVersion": POLICY["apiVersion"], "kind": "LogScan", "metadata": {"name": name}, "spec": full}

    def send(self, keys: list[str], repeat: str = "") -> None:
        """Send a message for each key; `repeat` makes a second one of the same event."""
        for start in range(0, len(keys), 10):
            entries = [
                {
                    "Id": str(n),
                    "MessageBody": json.dumps({"schema": 1, "bucket": "logs", "key": key, "etag": "abc", "size": 1}),
                    "MessageGroupId": f"g-{key}",
                    "MessageDeduplicationId": f"{self.namespace}-{key}-{repeat}",
                }
                for n, key in enumerate(keys[start : start + 10])
            ]
            answer = self.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
            assert not answer.get("Failed")

    @staticmethod
    def name_of(key: str) -> str:
        """Return the name of the LogScan that a message becomes."""
        return scan_name(ObjectEvent(bucket="logs", key=key, etag="abc"))

    def scans(self) -> dict[str, Object]:
        """Return the status of every LogScan by name."""
        items = self.kubectl.get("logscans")["items"]
        return {item["metadata"]["name"]: item.get("status", {}) for item in items}

    def phases(self) -> dict[str, int]:
        """Return how many LogScans there are in each phase."""
        counts: dict[str, int] = {}
        for status in self.scans().values():
            counts[status["phase"]] = counts.get(status["phase"], 0) + 1
        return counts

    def until(self, name: str, seconds: float = 30, **wanted: Any) -> Object:
        """Return the status of a LogScan once it has what is wanted."""

        def reached() -> Object:
            status = self.scans().get(name, {})
            return status if all(status.get(field) == value for field, value in wanted.items()) else {}

        return eventually(reached, seconds, lambda: f"{name} to have {wanted}; it has {self.scans().get(name)}; this")

    def queue_is_empty(self) -> bool:
        """Return whether the queue holds nothing, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)
        return all(answer["Attributes"][name] == "0" for name in names)


NewPlace = Callable[..., Place]
