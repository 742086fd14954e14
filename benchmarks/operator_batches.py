"""What an object of a batch costs the operator and the API server: uploads that are gathered, and lists.

The messages of uploads are in the queue before anything is measured: nothing is received while there is no policy. So
the queue's emulator and whoever sends set no pace.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from operator_bench import GROUP, RULES, Bench, at_rest, cpu_seconds

from logscan_local.stack.apiserver import ApiServer
from logscan_local.testkit.fakekubelet import FakeKubelet

BATCH = 500
SECONDS = 600.0

Start = Callable[[Bench, str, str, int], Awaitable[None]]


class Cost(NamedTuple):
    """What a run took, an object."""

    per_second: float
    cpu_ms: float
    server_ms: float
    writes: float
    stored_kib: float
    scans: int


async def batches(bench: Bench, count: int) -> None:
    """Measure single uploads, uploads under a policy with `batch`, and LogScans that list as many objects."""
    await _compare(bench, count // 10, "uploads, a LogScan for each", _upload, None)
    gathered = {"maxObjects": BATCH, "maxSeconds": 10}
    await _compare(bench, count, f"uploads gathered into LogScans of {BATCH}", _upload, gathered)
    await _compare(bench, count, f"objects listed by LogScans of {BATCH}", _list, None)


async def _compare(bench: Bench, count: int, what: str, start: Start, batch: dict[str, Any] | None) -> None:
    cost = await _measure(bench, count, start, batch)
    bench.row(f"{what}, {count} objects, {cost.scans} LogScans", "-", f"{cost.per_second:.0f}/s")
    several = cost.scans < count
    bench.row("operator's CPU an object", "<= 0.2 ms" if several else "<= 8 ms", f"{cost.cpu_ms:.2f} ms")
    bench.row(
        "API server's CPU an object, with the Job controller's and the kubelet's writes",
        "-",
        f"{cost.server_ms:.2f} ms",
    )
    bench.row("API writes an object, without Events", "<= 0.02" if several else "<= 4", f"{cost.writes:.3f}")
    bench.row("stored an object: LogScan, Job and pod as JSON", "-", f"{cost.stored_kib:.2f} KiB")


async def _measure(bench: Bench, count: int, start: Start, batch: dict[str, Any] | None) -> Cost:
    namespace = await bench.namespace()
    policies = f"{GROUP}/{namespace}/logscanpolicies"
    await bench.api.request("DELETE", f"{policies}/default")
    kubelet = asyncio.create_task(FakeKubelet(bench.api, bench.state.resources.endpoint, [namespace]).run())
    url = bench.queue(namespace)
    if start is _upload:
        await _upload(bench, namespace, url, count)
    operator, measured = await bench.leader(namespace, url)
    await at_rest(measured)
    processes = measured, bench.server()
    writes, cpu, begin = (await bench.writes()).total(), list(map(cpu_seconds, processes)), time.monotonic()
    policy = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy", "metadata": {"name": "default"}}
    spec = {"rules": RULES} if batch is None else {"rules": RULES, "batch": batch}
    await bench.api.request("POST", policies, {**policy, "spec": spec})
    if start is not _upload:
        await start(bench, namespace, url, count)
    await _until_scanned(bench.api, namespace, count)
    took = time.monotonic() - begin
    used, served = (cpu_seconds(process) - before for process, before in zip(processes, cpu, strict=True))
    written = (await bench.writes()).total() - writes
    paths = (f"{GROUP}/{namespace}/logscans", f"/apis/batch/v1/namespaces/{namespace}/jobs")
    stored = [
        (await bench.api.request("GET", path))["items"] for path in (*paths, f"/api/v1/namespaces/{namespace}/pods")
    ]
    operator.kill()
    kubelet.cancel()
    await bench.clear(namespace)
    kib = sum(len(json.dumps(items)) for items in stored) / 1024
    return Cost(count / took, used * 1000 / count, served * 1000 / count, written / count, kib / count, len(stored[0]))


async def _upload(bench: Bench, namespace: str, url: str, count: int) -> None:
    await asyncio.to_thread(bench.send, url, [f"{namespace}/2026/11/27/{number:06}.log" for number in range(count)])


async def _list(bench: Bench, namespace: str, _: str, count: int) -> None:
    for start in range(0, count, BATCH):
        objects = [
            {"key": f"{namespace}/2026/11/27/{number:06}.log", "versionId": f"{number:032}", "size": 1}
            for number in range(start, min(start + BATCH, count))
        ]
        head = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", "metadata": {"name": f"list-{start}"}}
        spec = {"source": {"s3": {"bucket": "logs", "objects": objects}}, "rules": RULES}
        await bench.api.request("POST", f"{GROUP}/{namespace}/logscans", {**head, "spec": spec})


async def _until_scanned(api: ApiServer, namespace: str, count: int) -> None:
    """Return when so many objects are done or skipped."""
    async with asyncio.timeout(SECONDS):
        while True:
            items = (await api.request("GET", f"{GROUP}/{namespace}/logscans"))["items"]
            if sum(_finished(item["status"]) for item in items) >= count:
                return
            await asyncio.sleep(0.5)


def _finished(status: dict[str, Any]) -> int:
    """Return how many objects of a LogScan were scanned."""
    counts = status.get("objects")
    if counts is None:
        return int(status.get("phase") == "Succeeded")
    return int(counts["done"] + counts["skipped"])
