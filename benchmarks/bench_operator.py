"""`make bench-operator`: the operator's speed on a real control plane, beside a plain kopf operator in the same run.

Pods are ended at once by a stand-in. Figures per scan compare between machines; the ratio is ours to the peer's.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from logscan_local.stack import aws
from logscan_local.stack.apiserver import JSON_MERGE, ApiServer, Connection, RefusedError
from logscan_local.stack.install import install_crds
from logscan_local.stack.stacks import Stack
from logscan_local.stack.state import State
from logscan_local.testkit.fakekubelet import FakeKubelet
from logscan_local.testkit.operators import OperatorProcess
from logscan_operator.holds import Holds
from logscan_operator.planning import plan
from logscan_operator.settings import Settings
from logscan_operator.view import View

RULES = {"inline": [{"name": "err", "pattern": "ERROR"}]}
PARALLEL = 24
GROUP = "/apis/logscan.dev/v1alpha1/namespaces"


class Bench:
    """One stack, and the measures on it."""

    def __init__(self, stack: Stack, state: State, api: ApiServer, folder: Path) -> None:
        self.stack, self.state, self.api, self.folder = stack, state, api, folder
        self.sqs = aws.client("sqs", state.resources.endpoint)
        self.started: list[subprocess.Popen[bytes]] = []
        self.rows: list[tuple[str, str, str, str]] = []

    def row(self, what: str, bar: str, ours: str, peer: str = "-") -> None:
        """Keep and show a line of the table."""
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
        """Create a FIFO queue and return its URL."""
        attributes = {
            "FifoQueue": "true",
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
        """Return the moments at which Jobs were seen to be created, until there are so many."""
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

    async def own_events(self, namespace: str) -> int:
        """Return how many Events of a namespace tell of LogScans: the others are the Job controller's."""
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
        """Return when so many LogScans have succeeded."""
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
        """Start ours."""
        defaults = ("lease_seconds", "receive_wait_seconds", "visibility_seconds", "queued_after_seconds")
        values = {name: str(Settings.model_fields[name].default) for name in defaults}
        values = {"max_concurrent": "1000", **values, **settings}
        log = self.folder / f"{namespace}.log"
        operator = OperatorProcess(self.stack.paths.kubeconfig, self.state, url, namespace, log, **values)
        self.started.append(operator.process)
        return operator

    def peer(self, namespace: str) -> "subprocess.Popen[bytes]":
        """Start the plain kopf operator."""
        environment = {**os.environ, "KUBECONFIG": str(self.stack.paths.kubeconfig), "BENCH_NAMESPACE": namespace}
        program = Path(__file__).parent / "plain_kopf.py"
        with (self.folder / f"{namespace}.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, str(program)], env=environment, stdout=log, stderr=log)
        self.started.append(process)
        return process

    def end(self) -> None:
        """End every process that was started and still runs, so that a measure that broke leaves none behind."""
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


async def burst(bench: Bench, count: int) -> None:
    """Measure resource to Job, all at once."""
    rates = []
    for ours in (True, False):
        namespace = await bench.namespace()
        await bench.create_scans(namespace, count)
        process: Any = bench.operator(namespace, bench.queue(namespace)) if ours else bench.peer(namespace)
        times = await bench.jobs_times(namespace, count, 300)
        rates.append(count / (times[-1] - times[0]))
        process.kill()
        await bench.clear(namespace)
    ratio = f"{rates[1]:.0f}/s; ratio {rates[0] / rates[1]:.1f}"
    bench.row(f"LogScans admitted, burst of {count}", ">= 60/s", f"{rates[0]:.0f}/s", ratio)


async def steady(bench: Bench, rate: int, seconds: int) -> None:
    """Measure message to Job at a steady rate."""
    namespace = await bench.namespace()
    url, count = bench.queue(namespace), rate * seconds
    operator = bench.operator(namespace, url)
    await _until(lambda: operator.leading, 60)
    sent: dict[str, float] = {}

    async def send_all() -> None:
        begin = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(begin + number / rate - time.monotonic(), 0))
            key = f"{namespace}-{number}.log"
            sent[key] = time.monotonic()
            await asyncio.to_thread(bench.send, url, [key])

    times, _ = await asyncio.gather(_named_job_times(bench, namespace, count), send_all())
    waits = sorted(times[key] - at for key, at in sent.items())
    operator.kill()
    await bench.clear(namespace)
    p50, p99 = statistics.median(waits), waits[int(len(waits) * 0.99) - 1]
    bench.row(f"message to Job, steady {rate}/s, p50 / p99", "<= 0.3 / 1.5 s", f"{p50:.2f} / {p99:.2f} s")


async def _named_job_times(bench: Bench, namespace: str, count: int) -> dict[str, float]:
    seen: dict[str, float] = {}
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"

    async def follow() -> None:
        async for event in bench.watch(path):
            if event["type"] == "ADDED":
                annotation = event["object"]["metadata"]["annotations"]["logscan.dev/result"]
                seen.setdefault(json.loads(annotation)["pk"].rsplit("#", 1)[1], time.monotonic())
                if len(seen) >= count:
                    return

    await asyncio.wait_for(follow(), 300)
    return seen


class Life(NamedTuple):
    """What a run from messages (or resources) to final statuses took, a scan."""

    per_second: float
    cpu_ms: float
    writes: float


async def whole_life(bench: Bench, count: int) -> None:
    """Measure message to final status, with rows read, at a limit of 100; the peer from the resource on."""
    ours, peer = await _life(bench, count, ours=True), await _life(bench, count, ours=False)
    label = f"whole life, {count} scans, limit 100 (peer: no limit)"
    bench.row(
        label,
        ">= 20/s",
        f"{ours.per_second:.1f}/s",
        f"{peer.per_second:.1f}/s; ratio {ours.per_second / peer.per_second:.2f}",
    )
    ratio = f"{peer.cpu_ms:.1f} ms; ratio {peer.cpu_ms / ours.cpu_ms:.1f}"
    bench.row("operator's CPU a scan", "<= 10 ms", f"{ours.cpu_ms:.1f} ms", ratio)
    bench.row("API writes a scan (peer: no creation)", "<= 4", f"{ours.writes:.1f}", f"{peer.writes:.1f}")


async def _life(bench: Bench, count: int, ours: bool) -> Life:
    namespace = await bench.namespace()
    fake_kubelet = asyncio.create_task(FakeKubelet(bench.api, bench.state.resources.endpoint, [namespace]).run())
    url = bench.queue(namespace)
    process: Any = bench.operator(namespace, url, max_concurrent="100") if ours else bench.peer(namespace)
    measured = psutil.Process(process.process.pid if ours else process.pid)
    await _until_idle(measured)
    writes_before, cpu_before, begin = await bench.writes(), _cpu_seconds(measured), time.monotonic()
    finished = asyncio.create_task(bench.until_succeeded(namespace, count, 600))
    if ours:
        await asyncio.to_thread(bench.send, url, [f"{namespace}-{n}.log" for n in range(count)])
    else:
        await bench.create_scans(namespace, count)
    await finished
    took, cpu = time.monotonic() - begin, _cpu_seconds(measured) - cpu_before
    writes = await bench.writes() - writes_before
    if not ours:
        del writes["POST logscans/"]
    told = await bench.own_events(namespace)
    process.kill()
    fake_kubelet.cancel()
    await bench.clear(namespace)
    return Life(count / took, cpu * 1000 / count, (writes.total() + told) / count)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _until_idle(process: psutil.Process) -> None:
    """Return when a process that was just started has come to rest."""
    spent = -1.0
    while _cpu_seconds(process) - spent > 0.05 or spent < 1:
        spent = _cpu_seconds(process)
        await asyncio.sleep(2)


async def many_finished(bench: Bench, count: int, minutes: float) -> None:
    """Measure memory, planning and restart with many finished LogScans."""
    namespace = await bench.namespace()
    ended = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    summary = {"bytes": 1, "decompressedBytes": 1, "lines": 1, "matchedLines": 1, "bySeverity": {"error": 1}}
    rules = [{"rule": f"r{n}", "severity": "error", "lines": 1} for n in range(5)]
    condition = {
        "type": "Complete",
        "status": "True",
        "reason": "Completed",
        "message": "",
        "lastTransitionTime": ended,
    }
    status = {
        "phase": "Succeeded",
        "reason": "Completed",
        "message": "1 of 1 lines matched",
        "completionTime": ended,
        "startTime": ended,
        "summary": {**summary, "topRules": rules, "truncated": False},
        "result": {"table": "t", "pk": "p", "sk": "s"},
        "conditions": [{**condition, "type": kind} for kind in ("Admitted", "JobCreated", "Complete", "Failed")],
    }
    await bench.create_scans(namespace, count, status)
    extra = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", "metadata": {"name": "fresh"}}
    spec = {"source": {"s3": {"bucket": "logs", "key": "fresh.log"}}, "rules": RULES}
    await bench.api.request("POST", f"{GROUP}/{namespace}/logscans", {**extra, "spec": spec})
    begin = time.monotonic()
    operator = bench.operator(namespace, bench.queue(namespace), max_finished=str(count + 10), resync_seconds="60")
    first = (await bench.jobs_times(namespace, 1, 120))[0] - begin
    bench.row(f"restart with {count} LogScans: to the first new Job", "<= 5 s", f"{first:.1f} s")
    await asyncio.sleep(20)
    early = operator.resident_mib()
    await asyncio.sleep(minutes * 60)
    late = operator.resident_mib()
    label = f"resident with {count} finished, then after {minutes:g} min"
    bench.row(label, "<= 200 MiB, flat", f"{early:.0f} MiB, {late:.0f} MiB")
    operator.kill()
    await bench.clear(namespace)


def plan_cost(bench: Bench, count: int) -> None:
    """Measure one plan with many unfinished scans known."""
    view = View(["n"])
    view.namespaces.find("n")
    now = datetime.now(UTC)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    for number in range(count):
        metadata = {"namespace": "n", "name": f"s{number}", "uid": f"u{number}", "resourceVersion": "1"}
        source = {"s3": {"bucket": "logs", "key": f"{number}.log", "etag": "e"}}
        finished = {"phase": "Succeeded", "completionTime": stamp} if number % 2 else {}
        body = {"metadata": {**metadata, "creationTimestamp": stamp}, "spec": {"source": source, "rules": RULES}}
        view.scans.take({**body, "status": finished})
    settings = Settings(namespace="n", queue_urls=["q"], table="ttt", signing_keys=[b"k" * 32], scanner_image="i", max_concurrent=100)
    times, holds = [], Holds(settings)
    for _ in range(30):
        begin = time.perf_counter()
        plan(view, settings, now, {}, holds)
        times.append((time.perf_counter() - begin) * 1000)
    bench.row(
        f"a plan with {count} scans known, half of them waiting", "<= 10 ms", f"{statistics.median(times):.1f} ms"
    )


async def _until(check: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError
        await asyncio.sleep(0.1)


async def run(options: argparse.Namespace) -> None:
    """Run the measures that were asked for."""
    stack = Stack(f"bench-{os.getpid()}", lambda line: None)
    try:
        state = stack.up(with_operator=False, with_node=False)
        install_crds(stack.kubectl())
        with tempfile.TemporaryDirectory() as folder:
            async with AsyncExitStack() as exits:
                api = await exits.enter_async_context(ApiServer(Connection.read(stack.paths.kubeconfig)))
                bench = Bench(stack, state, api, Path(folder))
                exits.callback(bench.end)
                memory = psutil.virtual_memory().total >> 30
                print(f"{os.cpu_count()} cores, {memory} GiB, Python {sys.version.split()[0]}\n")
                bench.row("what", "bar", "ours", "plain kopf, same run")
                bench.row("---", "---", "---", "---")
                measures: dict[str, Callable[[], Awaitable[None]]] = {
                    "burst": lambda: burst(bench, options.scans),
                    "steady": lambda: steady(bench, 20, 20),
                    "life": lambda: whole_life(bench, options.scans),
                    "kept": lambda: many_finished(bench, options.kept, options.minutes),
                }
                plan_cost(bench, options.kept)
                for name, measure in measures.items():
                    if options.only in (None, name):
                        await measure()
    finally:
        stack.down()


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=1000)
    parser.add_argument("--kept", type=int, default=5000)
    parser.add_argument("--minutes", type=float, default=10, help="how long memory is watched")
    parser.add_argument("--only", choices=("burst", "steady", "life", "kept"))
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
