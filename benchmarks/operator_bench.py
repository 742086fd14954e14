"""The control plane on which `bench_operator.py` measures: namespaces, messages, LogScans, and both operators."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil

from logscan_local.stack import aws
from logscan_local.stack.apiserver import JSON_MERGE, ApiServer, RefusedError
from logscan_local.stack.stacks import Stack
from logscan_local.stack.state import State
from logscan_local.testkit.operators import OperatorProcess
from logscan_local.testkit.waiting import eventually
from logscan_operator.settings import Settings

RULES = {"inline": [{"name": "err", "pattern": "ERROR"}]}
PARALLEL = 24
RECEIVES = 30  # as Terraform's queue
GROUP = "/apis/logscan.dev/v1alpha1/namespaces"


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time of a process."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def at_rest(process: psutil.Process) -> None:
    """Return when a process has come to rest: it takes less than 50 ms of CPU time in two seconds."""
    spent = -1.0
    while cpu_seconds(process) - spent > 0.05:
        spent = cpu_seconds(process)
        await asyncio.sleep(2)


class Bench:
    """One stack, and the processes and objects on it."""

    def __init__(self, stack: Stack, state: State, api: ApiServer, folder: Path) -> None:
        self.stack, self.state, self.api, self.folder = stack, state, api, folder
        self.sqs = aws.client("sqs", state.resources.endpoint)
        self.started: list[subprocess.Popen[bytes]] = []
        self.rows: list[tuple[str, str, str, str]] = []

    def row(self, what: str, bar: str, ours: str, peer: str = "-") -> None:
        """Keep and print a line of the table."""
        self.rows.append((what, bar, ours, peer))
        print(f"| {what} | {bar} | {ours} | {peer} |", flush=True)

    async def namespace(self) -> str:
        """Create a namespace with what scans need, and return its name."""
        name = f"b-{uuid.uuid4().hex[:6]}"
        await self.api.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        account = {"metadata": {"name": "logscan-scanner"}}
        await self.api.request("POST", f"/api/v1/namespaces/{name}/serviceaccounts", account)
        policy = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy", "metadata": {"name": "default"}}
        await self.api.request("POST", f"{GROUP}/{name}/logscanpolicies", {**policy, "spec": {"rules": RULES}})
        return name

    def queue(self, namespace: str) -> str:
        """Create a FIFO queue with a dead-letter queue, and return its URL."""
        letters = self.sqs.create_queue(QueueName=f"{namespace}-dlq.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        answer = self.sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])
        redrive = {"deadLetterTargetArn": answer["Attributes"]["QueueArn"], "maxReceiveCount": RECEIVES}
        attributes = {
            "FifoQueue": "true",
            "RedrivePolicy": json.dumps(redrive),
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        }
        return str(self.sqs.create_queue(QueueName=f"{namespace}.fifo", Attributes=attributes)["QueueUrl"])

    def send(self, url: str, keys: list[str]) -> None:
        """Send a message for each key, ten at a time."""
        for start in range(0, len(keys), 10):
            entries = [
                {
                    "Id": str(n),
                    "MessageBody": json.dumps({"schema": 1, "bucket": "logs", "key": k, "etag": "e", "size": 1}),
                    "MessageGroupId": k,
                    "MessageDeduplicationId": k,
                }
                for n, k in enumerate(keys[start : start + 10])
            ]
            self.sqs.send_message_batch(QueueUrl=url, Entries=entries)

    async def send_steadily(self, url: str, keys: list[str], rate: float) -> dict[str, float]:
        """Send a message for each key, so many a second, and return when each was sent."""
        begin, sent = time.monotonic(), dict[str, float]()
        for number, key in enumerate(keys):
            await asyncio.sleep(max(begin + number / rate - time.monotonic(), 0))
            sent[key] = time.monotonic()
            await asyncio.to_thread(self.send, url, [key])
        return sent

    async def create_scans(self, namespace: str, count: int, status: dict[str, Any] | None = None) -> None:
        """Create LogScans, with a status if one is given."""
        limit = asyncio.Semaphore(PARALLEL)

        async def one(number: int) -> None:
            source = {"s3": {"bucket": "logs", "key": f"{namespace}/{number}.log", "etag": "e"}}
            head = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", "metadata": {"name": f"s{number}"}}
            async with limit:
                path = f"{GROUP}/{namespace}/logscans"
                await self.api.request("POST", path, {**head, "spec": {"source": source, "rules": RULES}})
                if status is not None:
                    await self.api.request(
                        "PATCH", f"{path}/s{number}/status", {"status": status}, content_type=JSON_MERGE
                    )

        await asyncio.gather(*(one(n) for n in range(count)))

    async def jobs_times(self, namespace: str, count: int, seconds: float) -> list[float]:
        """Return when each of the first `count` Jobs was seen."""
        seen: dict[str, float] = {}
        path = f"/apis/batch/v1/namespaces/{namespace}/jobs"

        async def follow() -> None:
            async for event in self.watch(path):
                if event["type"] == "ADDED":
                    seen.setdefault(event["object"]["metadata"]["name"], time.monotonic())
                    if len(seen) >= count:
                        return

        await asyncio.wait_for(follow(), seconds)
        return sorted(seen.values())

    async def jobs_of(self, namespace: str, keys: set[str]) -> dict[str, float]:
        """Return when the first Job of each object was seen, by key."""
        seen: dict[str, float] = {}

        async def follow() -> None:
            async for event in self.watch(f"/apis/batch/v1/namespaces/{namespace}/jobs"):
                if event["type"] == "ADDED":
                    annotation = event["object"]["metadata"]["annotations"]["logscan.dev/result"]
                    key = json.loads(annotation)["pk"].rsplit("#", 1)[1]
                    if key in keys:
                        seen.setdefault(key, time.monotonic())
                    if len(seen) == len(keys):
                        return

        await asyncio.wait_for(follow(), 300)
        return seen

    async def writes(self) -> Counter[str]:
        """Return how many writes the API server has served, by resource and verb."""
        counts: Counter[str] = Counter()
        for labels, value in re.findall(
            r"^apiserver_request_total\{(.*)\} (\S+)$", await self.api.read_text("/metrics"), re.M
        ):
            label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            if label["resource"] in ("logscans", "jobs") and label["verb"] in ("POST", "PATCH", "PUT", "DELETE"):
                counts[f"{label['verb']} {label['resource']}/{label['subresource']}"] += int(float(value))
        # Updates of a Job and of its status are its controller's; nobody here sends one.
        return Counter({what: count for what, count in counts.items() if not what.startswith("PUT jobs")})

    def server(self) -> psutil.Process:
        """Return the API server's process."""
        (part,) = (part for part in self.state.parts if part.name == "kube-apiserver")
        return psutil.Process(part.pid)

    async def own_events(self, namespace: str) -> int:
        """Return the number of Events about LogScans in a namespace; the others are the Job controller's."""
        events = await self.api.request("GET", f"/api/v1/namespaces/{namespace}/events")
        return sum(event["involvedObject"]["kind"] == "LogScan" for event in events["items"])

    async def watch(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Yield watch events from what exists now on, once the server's storage of a new kind is ready."""
        while True:
            try:
                async for event in self.api.watch(path, {"resourceVersion": "0"}):
                    yield event
            except RefusedError as error:
                if error.status != 429:
                    raise
                await asyncio.sleep(0.2)

    async def until_succeeded(self, namespace: str, count: int, seconds: float) -> None:
        """Return when `count` LogScans have succeeded."""
        done: set[str] = set()

        async def follow() -> None:
            async for event in self.watch(f"{GROUP}/{namespace}/logscans"):
                scan = event["object"]
                if event["type"] != "BOOKMARK" and scan.get("status", {}).get("phase") == "Succeeded":
                    done.add(scan["metadata"]["name"])
                    if len(done) >= count:
                        return

        await asyncio.wait_for(follow(), seconds)

    def operator(self, namespace: str, url: str, **settings: str) -> OperatorProcess:
        """Start logscan's operator."""
        defaults = ("lease_seconds", "receive_wait_seconds", "visibility_seconds", "queued_after_seconds")
        values = {name: str(Settings.model_fields[name].default) for name in defaults}
        values = {"max_concurrent": "1000", **values, **settings}
        log = self.folder / f"{namespace}.log"
        operator = OperatorProcess(self.stack.paths.kubeconfig, self.state, url, namespace, log, **values)
        self.started.append(operator.process)
        return operator

    async def leader(self, namespace: str, url: str, **settings: str) -> tuple[OperatorProcess, psutil.Process]:
        """Start logscan's operator and wait until it leads."""
        operator = self.operator(namespace, url, **settings)
        await asyncio.to_thread(eventually, lambda: operator.leading, 60, "a leader")
        return operator, psutil.Process(operator.process.pid)

    def peer(self, namespace: str) -> "subprocess.Popen[bytes]":
        """Start the plain kopf operator."""
        environment = {**os.environ, "KUBECONFIG": str(self.stack.paths.kubeconfig), "BENCH_NAMESPACE": namespace}
        program = Path(__file__).parent / "plain_kopf.py"
        with (self.folder / f"{namespace}.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, str(program)], env=environment, stdout=log, stderr=log)
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kill the processes that still run, so that a failed measure leaves none behind."""
        for process in self.started:
            process.kill()
            process.wait()

    async def clear(self, namespace: str) -> None:
        """Delete a namespace and wait until it is gone, so that the next measure has the machine for itself."""
        await self.api.request("DELETE", f"/api/v1/namespaces/{namespace}")
        for _ in range(600):
            listed = await self.api.request("GET", "/api/v1/namespaces")
            if namespace not in [item["metadata"]["name"] for item in listed["items"]]:
                return
            await asyncio.sleep(0.5)
