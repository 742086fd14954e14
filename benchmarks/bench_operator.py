"""`make bench-operator`: the operator's speed on a real control plane, beside a plain kopf operator in the same run.

A fake kubelet ends pods at once. Figures per scan can be compared between machines; the ratio is ours to the peer's.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from operator_backfills import backfills
from operator_batches import batches
from operator_bench import GROUP, RULES, Bench, at_rest, cpu_seconds
from operator_hostile import beside_a_hostile_user
from operator_memory import largest_scans
from operator_soak import soak
from operator_uploads import uploads_beside_a_backfill
from pydantic import SecretBytes

from logscan_local.stack.apiserver import ApiServer, Connection
from logscan_local.stack.install import install_crds
from logscan_local.stack.stacks import Stack
from logscan_local.testkit.fakekubelet import FakeKubelet
from logscan_operator.holds import Holds
from logscan_operator.planning import plan
from logscan_operator.settings import Settings
from logscan_operator.view import View

USUAL = ("burst", "steady", "life", "batches", "backfills", "uploads", "kept", "largest")
LONG = ("hostile", "soak")  # of `make chaos` and `make soak`


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
    keys = [f"{namespace}-{number}.log" for number in range(count)]
    times, sent = await asyncio.gather(bench.jobs_of(namespace, set(keys)), bench.send_steadily(url, keys, rate))
    waits = sorted(times[key] - at for key, at in sent.items())
    operator.kill()
    await bench.clear(namespace)
    p50, p99 = statistics.median(waits), waits[int(len(waits) * 0.99) - 1]
    bench.row(f"message to Job, steady {rate}/s, p50 / p99", "<= 0.3 / 1.5 s", f"{p50:.2f} / {p99:.2f} s")


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
    bench.row("operator's CPU a scan", "<= 8 ms", f"{ours.cpu_ms:.1f} ms", ratio)
    bench.row("API writes a scan (peer: no creation)", "<= 4", f"{ours.writes:.1f}", f"{peer.writes:.1f}")


async def _life(bench: Bench, count: int, ours: bool) -> Life:
    namespace = await bench.namespace()
    fake_kubelet = asyncio.create_task(FakeKubelet(bench.api, bench.state.resources.endpoint, [namespace]).run())
    url = bench.queue(namespace)
    process: Any = bench.operator(namespace, url, max_concurrent="100") if ours else bench.peer(namespace)
    measured = psutil.Process(process.process.pid if ours else process.pid)
    await at_rest(measured)
    writes_before, cpu_before, begin = await bench.writes(), cpu_seconds(measured), time.monotonic()
    finished = asyncio.create_task(bench.until_succeeded(namespace, count, 600))
    if ours:
        await asyncio.to_thread(bench.send, url, [f"{namespace}-{n}.log" for n in range(count)])
    else:
        await bench.create_scans(namespace, count)
    await finished
    took, cpu = time.monotonic() - begin, cpu_seconds(measured) - cpu_before
    writes = await bench.writes() - writes_before
    if not ours:
        del writes["POST logscans/"]
    events = await bench.own_events(namespace)
    process.kill()
    fake_kubelet.cancel()
    await bench.clear(namespace)
    return Life(count / took, cpu * 1000 / count, (writes.total() + events) / count)


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
        "summary": {**summary, "topRules": rules},
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
    settings = Settings(
        namespace="n",
        queue_urls=["q"],
        table="ttt",
        signing_keys=[SecretBytes(b"k" * 32)],
        scanner_image="i",
        max_concurrent=100,
    )
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
                    "batches": lambda: batches(bench, 5 * options.scans),
                    "backfills": lambda: backfills(bench, 10 * options.scans),
                    "uploads": lambda: uploads_beside_a_backfill(bench, 30 * options.scans, options.rounds),
                    "kept": lambda: many_finished(bench, options.kept, options.minutes),
                    "largest": lambda: largest_scans(bench, options.kept, 2),
                    "hostile": lambda: beside_a_hostile_user(bench, options.rounds, 20),
                    "soak": lambda: soak(bench, options.minutes),
                }
                if not options.only:
                    plan_cost(bench, options.kept)
                for name in options.only or USUAL:
                    await measures[name]()
    finally:
        stack.down()


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=1000)
    parser.add_argument("--kept", type=int, default=5000)
    parser.add_argument("--minutes", type=float, default=10, help="how long memory is watched")
    parser.add_argument("--rounds", type=int, default=5, help="of what is measured in turns with and without something")
    parser.add_argument("--only", nargs="+", choices=(*USUAL, *LONG))
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
