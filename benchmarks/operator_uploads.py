"""Fresh uploads beside a backfill: how much longer a message waits for its Job while a prefix is scanned.

A fake kubelet ends the Jobs, S3 is a stub that only lists, and the table a stub that only keeps, so that what is
measured is the operator and the API server. What other machines would do, pods and table, has a process of its own with
the lowest priority: `python operator_uploads.py KUBECONFIG ENDPOINT NAMESPACE` is the fake kubelet. It writes no rows
of single objects, which the operator does not read.
"""

import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import row_server
from operator_backfills import PAGE, backfill_status, bucket, start_backfill
from operator_bench import GROUP, Bench

from logscan_local.stack.apiserver import ApiServer, Connection
from logscan_local.testkit.fakekubelet import FakeKubelet

RATE, SECONDS = 10, 12  # messages a second, and for how long
# Half of the slots are left to uploads while a prefix is scanned. At this rate twenty are enough that none waits for
# one: an upload has its slot for half a second to a second, until the Job controller has seen the end of its pod.
SLOTS = 40


@contextmanager
def pods(bench: Bench, endpoint: str, namespace: str) -> Iterator[None]:
    """Have pods end at once."""
    command = ["nice", "-n19", sys.executable, __file__, str(bench.stack.paths.kubeconfig), endpoint, namespace]
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.kill()


@contextmanager
def table() -> Iterator[str]:
    """Serve a table of its own; operators that start within it read from this one."""
    with row_server.serving("nice", "-n19") as endpoint:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint
        try:
            yield endpoint
        finally:
            del os.environ["AWS_ENDPOINT_URL_DYNAMODB"]


async def uploads_beside_a_backfill(bench: Bench, objects: int, rounds: int) -> None:
    """Measure message to Job without and with a backfill under way, in turns."""
    namespace = await bench.namespace()
    url, calm, beside = bench.queue(namespace), [], []
    with bucket(objects), table() as endpoint, pods(bench, endpoint, namespace):
        operator, _ = await bench.leader(namespace, url, max_concurrent=str(SLOTS))
        await _p99_of(bench, namespace, url, "first/")  # until all was done once
        for number in range(rounds):
            calm.append(await _p99_of(bench, namespace, url, f"calm-{number}/"))
            name = f"backfill-{number}"
            await start_backfill(bench, namespace, name, pageObjects=PAGE)
            beside.append(await _p99_of(bench, namespace, url, f"beside-{number}/"))
            status = await backfill_status(bench, namespace, name)
            if status.get("phase") != "Running":
                raise RuntimeError(f"the backfill was not under way all the time: {status}")
            await _end(bench, namespace, name)
        operator.kill()
        await bench.clear(namespace)
    ratios = [two / one for one, two in zip(calm, beside, strict=True)]
    label = f"p99 of message to Job, {RATE}/s, beside a backfill of {objects} objects, without; ratio, worst"
    figures = f"{statistics.median(beside):.2f} s, {statistics.median(calm):.2f} s"
    bench.row(label, "<= 2", f"{figures}; {statistics.median(ratios):.2f}, {max(ratios):.2f}")


async def _p99_of(bench: Bench, namespace: str, url: str, prefix: str) -> float:
    """Return the 99th percentile of the seconds from a message to its Job."""
    keys = [f"{prefix}{number}.log" for number in range(RATE * SECONDS)]
    times = asyncio.create_task(bench.jobs_of(namespace, set(keys)))
    sent = await bench.send_steadily(url, keys, RATE)
    created = await times
    waits = sorted(created[key] - at for key, at in sent.items())
    return waits[int(len(waits) * 0.99) - 1]


async def _end(bench: Bench, namespace: str, name: str) -> None:
    """Delete a LogScan and wait until its Jobs are gone."""
    await bench.api.request("DELETE", f"{GROUP}/{namespace}/logscans/{name}")
    async with asyncio.timeout(120):
        left = True
        while left:
            await asyncio.sleep(0.5)
            left = await _has_jobs(bench, namespace, name)


async def _has_jobs(bench: Bench, namespace: str, name: str) -> bool:
    """Return whether there is a Job of a LogScan or of its children."""
    listed = await bench.api.request("GET", f"/apis/batch/v1/namespaces/{namespace}/jobs")
    scans = [job["metadata"]["labels"].get("logscan.dev/scan", "") for job in listed["items"]]
    return any(scan.startswith(name) for scan in scans)


async def _end_pods(kubeconfig: str, endpoint: str, namespace: str) -> None:
    async with ApiServer(Connection.read(Path(kubeconfig))) as api:
        await FakeKubelet(api, endpoint, [namespace], rows_of_objects=False).run()


if __name__ == "__main__":
    asyncio.run(_end_pods(*sys.argv[1:]))
