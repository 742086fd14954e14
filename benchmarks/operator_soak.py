"""A steady load for a long time: whether memory, CPU and calls for each scan stay the same."""

import asyncio

from operator_bench import Bench

from logscan_local.testkit.fakekubelet import FakeKubelet

RATE = 5  # messages a second
PARTS = 6
KEPT = 300  # finished LogScans, so that their number is the same from the first part on


async def soak(bench: Bench, minutes: float) -> None:
    """Measure what each part of the time costs."""
    namespace = await bench.namespace()
    url, endpoint = bench.queue(namespace), bench.state.resources.endpoint
    background = asyncio.create_task(FakeKubelet(bench.api, endpoint, [namespace]).run())
    operator = bench.operator(namespace, url, max_concurrent="50", max_finished=str(KEPT))
    await bench.send_steadily(url, [f"{namespace}/first/{number}.log" for number in range(KEPT)], RATE)
    memory, cpu, writes = [], [], []
    for part in range(PARTS):
        cpu_before, writes_before = operator.cpu_seconds(), (await bench.writes()).total()
        count = int(minutes * 60 / PARTS * RATE)
        await bench.send_steadily(url, [f"{namespace}/{part}/{number}.log" for number in range(count)], RATE)
        cpu.append((operator.cpu_seconds() - cpu_before) * 1000 / count)
        writes.append(((await bench.writes()).total() - writes_before) / count)
        memory.append(operator.resident_mib())
    label = f"soak, {RATE}/s for {minutes:g} min, {KEPT} LogScans kept: each sixth of the time"
    for what, values, form in (
        ("resident, MiB", memory, ".0f"),
        ("CPU a scan, ms", cpu, ".1f"),
        ("API writes a scan", writes, ".2f"),
    ):
        bench.row(f"{label}: {what}", "flat", ", ".join(format(value, form) for value in values))
    operator.kill()
    background.cancel()
    await bench.clear(namespace)
