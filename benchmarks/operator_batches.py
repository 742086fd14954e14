"""What an object of a batch costs the operator and the API server: uploads that are gathered, and lists."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import psutil
from operator_bench import GROUP, RULES, Bench

from logscan_local.stack.apiserver import ApiServer
from logscan_local.testkit.fakekubelet import FakeKubelet
from logscan_local.testkit.waiting import eventually

BATCH = 500
SECONDS = 600.0


class Cost(NamedTuple):
    """What a run took, an object."""

    per_second: float
    cpu_ms: float
    writes: float
    scans: int


async def batches(bench: Bench, count: int) -> None:
    """Measure uploads under a policy with `batch`, and LogScans that list as many objects."""
    for what, start in (("uploads gathered", _upload), ("objects listed", _list)):
        cost = await _measure(bench, count, start)
        label = f"{what} into LogScans of {BATCH}, {count} ({cost.scans} LogScans)"
        bench.row(label, "-", f"{cost.per_second:.0f}/s")
        bench.row("operator's CPU an object", "<= 0.2 ms", f"{cost.cpu_ms:.2f} ms")
        bench.row("API writes an object, Jobs' own included", "<= 0.02", f"{cost.writes:.3f}")


async def _measure(bench: Bench, count: int, start: Callable[[Bench, str, str, int], Awaitable[None]]) -> Cost:
    namespace = await bench.namespace()
    policy = {"spec": {"batch": {"maxObjects": BATCH, "maxSeconds": 10}}}
    await bench.api.request(
        "PATCH", f"{GROUP}/{namespace}/logscanpolicies/default", policy, content_type="application/merge-patch+json"
    )
    kubelet = asyncio.create_task(FakeKubelet(bench.api, bench.state.resources.endpoint, [namespace]).run())
    url = bench.queue(namespace)
    operator = bench.operator(namespace, url)
    await asyncio.to_thread(eventually, lambda: operator.leading, 60, "a leader")
    measured = psutil.Process(operator.process.pid)
    writes, cpu, begin = (await bench.writes()).total(), _cpu_seconds(measured), time.monotonic()
    await start(bench, namespace, url, count)
    await _until_scanned(bench.api, namespace, count)
    took, used = time.monotonic() - begin, _cpu_seconds(measured) - cpu
    written = (await bench.writes()).total() - writes
    scans = len((await bench.api.request("GET", f"{GROUP}/{namespace}/logscans"))["items"])
    operator.kill()
    kubelet.cancel()
    await bench.clear(namespace)
    return Cost(count / took, used * 1000 / count, written / count, scans)


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
            counts = [item["status"].get("objects") or {} for item in items]
            if sum(found.get("done", 0) + found.get("skipped", 0) for found in counts) >= count:
                return
            await asyncio.sleep(0.5)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
