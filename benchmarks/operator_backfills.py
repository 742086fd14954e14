"""What a prefix costs the operator and the API server: a backfill, and the listing of a large bucket.

S3 is a stub that only lists (`listing_stub.py`), and a fake kubelet ends the Jobs: what is measured is the operator.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from operator_bench import GROUP, RULES, Bench, cpu_seconds

from logscan_local.testkit.fakekubelet import FakeKubelet
from logscan_local.testkit.operators import OperatorProcess

PAGE = 500
UNLIMITED = 1e9  # objects a second, to measure the operator's own speed
MANY_KEYS = 1_000_000
SECONDS = 900.0
SAMPLE_SECONDS = 0.02


@contextmanager
def bucket(count: int) -> Iterator[None]:
    """Serve a bucket with so many keys; operators that start within it list this one."""
    program = Path(__file__).parent / "listing_stub.py"
    with subprocess.Popen([sys.executable, str(program), str(count)], stdout=subprocess.PIPE, text=True) as stub:
        assert stub.stdout is not None
        os.environ["AWS_ENDPOINT_URL_S3"] = f"http://127.0.0.1:{stub.stdout.readline().strip()}"
        try:
            yield
        finally:
            del os.environ["AWS_ENDPOINT_URL_S3"]
            stub.kill()


async def backfills(bench: Bench, count: int) -> None:
    """Measure a backfill, then the listing of a large bucket, one in a thousand of whose objects is asked for."""
    await _backfill(bench, count)
    await _listing(bench)


async def _backfill(bench: Bench, count: int) -> None:
    namespace = await bench.namespace()
    with bucket(count):
        kubelet = asyncio.create_task(FakeKubelet(bench.api, bench.state.resources.endpoint, [namespace]).run())
        operator, measured = await bench.leader(
            namespace, bench.queue(namespace), backfill_objects_per_second=str(UNLIMITED)
        )
        writes, cpu, begin = (await bench.writes()).total(), cpu_seconds(measured), time.monotonic()
        await start_backfill(bench, namespace, "all", pageObjects=PAGE)
        status = await _until_ended(bench, namespace)
        took, used = time.monotonic() - begin, cpu_seconds(measured) - cpu
        written = (await bench.writes()).total() - writes
        assert status["objects"]["done"] == count, status
        operator.kill()
        kubelet.cancel()
    await bench.clear(namespace)
    bench.row(f"backfill in LogScans of {PAGE}, {count} objects", "-", f"{count / took:.0f}/s")
    bench.row("operator's CPU an object", "-", f"{used * 1000 / count:.2f} ms")
    bench.row("API writes an object, Jobs' own included", "<= 0.02", f"{written / count:.3f}")


async def _listing(bench: Bench) -> None:
    namespace = await bench.namespace()
    with bucket(MANY_KEYS):
        kubelet = asyncio.create_task(FakeKubelet(bench.api, bench.state.resources.endpoint, [namespace]).run())
        operator, measured = await bench.leader(namespace, bench.queue(namespace))
        idle, _ = await _answers_for(operator, measured, 10)  # what it takes to start is no growth
        resident, cpu, begin = measured.memory_info().rss, cpu_seconds(measured), time.monotonic()
        answers = asyncio.create_task(_answers(operator, measured))
        await start_backfill(bench, namespace, "all", include=["**000.log.gz"])
        status = await _until_ended(bench, namespace)
        took, used = time.monotonic() - begin, cpu_seconds(measured) - cpu
        answers.cancel()
        delays, peak = await answers
        assert (status["listing"]["keys"], status["objects"]["done"]) == (MANY_KEYS, MANY_KEYS // 1000), status
        operator.kill()
        kubelet.cancel()
    await bench.clear(namespace)
    bench.row(
        f"{MANY_KEYS:,} keys listed, and counted ahead at the same time", "-", f"{took:.0f} s, {used:.0f} s of CPU"
    )
    bench.row("operator's resident growth meanwhile", "<= 30 MiB", f"{(peak - resident) / 2**20:.0f} MiB")
    bench.row("answers of the same event loop meanwhile, p99, slowest", "<= 100 ms", _shown(delays))
    bench.row("the same before it", "-", _shown(idle))


async def start_backfill(bench: Bench, namespace: str, name: str, **fields: Any) -> None:
    """Create a LogScan of the bucket's prefix."""
    source = {"bucket": "logs", "prefix": "AWSLogs/", **fields}
    head = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", "metadata": {"name": name}}
    spec = {"source": {"s3": source}, "rules": RULES}
    await bench.api.request("POST", f"{GROUP}/{namespace}/logscans", {**head, "spec": spec})


async def _until_ended(bench: Bench, namespace: str) -> dict[str, Any]:
    """Return the status of the LogScan of the prefix at its end."""
    async with asyncio.timeout(SECONDS):
        while True:
            status = await backfill_status(bench, namespace, "all")
            if status.get("phase") in ("Succeeded", "Failed"):
                return status
            await asyncio.sleep(0.5)


async def backfill_status(bench: Bench, namespace: str, name: str) -> dict[str, Any]:
    """Return the status of a LogScan, empty while there is none."""
    found = await bench.api.request("GET", f"{GROUP}/{namespace}/logscans/{name}")
    status: dict[str, Any] = found.get("status", {})
    return status


async def _answers(operator: OperatorProcess, measured: psutil.Process) -> tuple[list[float], int]:
    """Return how long the operator took for each answer until this is cancelled, and the most that was resident."""
    delays, peak = [], 0
    try:
        while True:
            begin = time.monotonic()
            await asyncio.to_thread(operator.ask, "/healthz")
            delays.append(time.monotonic() - begin)
            peak = max(peak, measured.memory_info().rss)
            await asyncio.sleep(SAMPLE_SECONDS)
    except asyncio.CancelledError:
        return delays, peak


async def _answers_for(operator: OperatorProcess, measured: psutil.Process, seconds: float) -> tuple[list[float], int]:
    """Return the same for some seconds."""
    task = asyncio.create_task(_answers(operator, measured))
    await asyncio.sleep(seconds)
    task.cancel()
    return await task


def _shown(delays: list[float]) -> str:
    """Return the 99th percentile and the most of some delays."""
    ordered = sorted(delays)
    return f"{ordered[int(len(ordered) * 0.99)] * 1000:.0f} ms, {ordered[-1] * 1000:.0f} ms"
