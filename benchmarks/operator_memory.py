"""Many of the largest LogScans that the API accepts: what the operator keeps of them, and at most has in hand."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

from operator_bench import GROUP, PARALLEL, Bench

SPEC_BYTES = 64 * 1024  # the bound of the CRD
PATTERN = 1000  # characters; so few of a rule are names and punctuation


async def largest_scans(bench: Bench, count: int, minutes: float) -> None:
    """Measure resident memory with many LogScans near the largest size, all suspended, so that none is finished."""
    namespace = await bench.namespace()
    inline = [
        {"name": f"rule-{n:02}", "pattern": f"{n:02} ".ljust(PATTERN, "x")} for n in range(SPEC_BYTES // PATTERN - 4)
    ]
    spec = {"source": {"s3": {"bucket": "logs", "key": "large"}}, "suspend": True, "rules": {"inline": inline}}
    head = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan"}
    limit = asyncio.Semaphore(PARALLEL)

    async def one(number: int) -> None:
        async with limit:
            body = {**head, "metadata": {"name": f"s{number}"}, "spec": spec}
            await bench.api.request("POST", f"{GROUP}/{namespace}/logscans", body)

    await asyncio.gather(*(one(n) for n in range(count)))
    begin = time.monotonic()
    operator = bench.operator(namespace, bench.queue(namespace), resync_seconds="30")
    while f'"scans": {count}' not in operator.ask("/readyz") or not operator.leading:
        if time.monotonic() > begin + 300:
            raise TimeoutError(f"the operator did not read {count} LogScans: {operator.ask('/readyz')}")
        await asyncio.sleep(0.5)
    took = time.monotonic() - begin
    early = operator.resident_mib()
    slowest = await _slowest_answer(operator.ask, minutes * 60)
    peak = _peak_mib(operator.process.pid)
    size = len(json.dumps(spec)) // 1024
    bench.row(
        f"resident with {count} unfinished LogScans of {size} KiB, then after {minutes:g} min, peak; all read after",
        "<= 300 MiB",
        f"{early:.0f} MiB, {operator.resident_mib():.0f} MiB, {peak:.0f} MiB; {took:.1f} s",
    )
    bench.row("the longest wait for an answer of its HTTP server meanwhile", "-", f"{slowest * 1000:.0f} ms")
    operator.kill()
    await bench.clear(namespace)


def _peak_mib(pid: int) -> float:
    """Return the most memory that a process has had resident (proc(5), VmHWM)."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


async def _slowest_answer(ask: Callable[[str], str], seconds: float) -> float:
    """Return the longest time that a GET took within some seconds, in which the operator lists everything again."""
    end, slowest = time.monotonic() + seconds, 0.0
    while (begin := time.monotonic()) < end:
        await asyncio.to_thread(ask, "/healthz")
        slowest = max(slowest, time.monotonic() - begin)
        await asyncio.sleep(0.02)
    return slowest
