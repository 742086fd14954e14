"""Faults under load, on a real control plane and a real queue: each object is scanned once, whatever is killed when.

`make chaos` runs more of it, and prints what docs/reliability.md shows.
"""

import os
import statistics
from typing import NamedTuple

import pytest
from chaos import LEASE_SECONDS, STEPS, Chaos
from places import POLICY, NewPlace

from logscan_local.testkit.waiting import eventually

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator, pytest.mark.stress]


class Size(NamedTuple):
    """How much of everything."""

    versions: int
    messages: int
    random_kills: int
    restarts: int
    between: int  # scans that succeed between two disturbances


SIZES = {"short": Size(120, 170, 1, 1, 3), "full": Size(700, 1000, 8, 2, 20)}
SIZES_OF_BATCHES = {"short": Size(400, 570, 1, 0, 10), "full": Size(2100, 3000, 8, 0, 50)}
WANTED = os.environ.get("LOGSCAN_TEST_CHAOS", "short")
SIZE, BATCHED = SIZES[WANTED], SIZES_OF_BATCHES[WANTED]
SEED = int(os.environ.get("LOGSCAN_TEST_SEED", "1"))
LIMIT = 8


def test_each_object_is_scanned_once_whatever_fails(new_place: NewPlace, capsys: pytest.CaptureFixture[str]) -> None:
    place = new_place()
    with Chaos(place, SEED, LIMIT) as chaos:
        chaos.send(SIZE.versions, SIZE.messages)
        chaos.kill_again_and_again(SIZE.between, SIZE.random_kills)
        for _ in range(SIZE.restarts):
            chaos.restart_api_server()
            chaos.progress(SIZE.between)
        chaos.cut_off_the_leader()
        chaos.progress(SIZE.versions)
        eventually(place.queue_is_empty, 60, "the queue to be empty")
        rows, letters = chaos.rows(), chaos.dead_letters.bodies()
    keys = [f"{place.namespace}/{number}.log" for number in range(SIZE.versions)]
    with capsys.disabled():
        _print(chaos, len(rows), max(rows.values()))
    assert set(place.scans()) == {place.name_of(key) for key in keys}
    assert sorted(place.jobs.created) == sorted(f"{place.name_of(key)}-1" for key in keys)
    assert rows == dict.fromkeys(keys, 1)
    assert letters == []
    assert place.jobs.most_active <= LIMIT
    assert not chaos.stuck
    assert chaos.faults.failed > 0


def test_each_object_of_a_batch_has_one_row_whatever_fails(new_place: NewPlace) -> None:
    place = new_place()
    place.apply({**POLICY, "spec": {**POLICY["spec"], "batch": {"maxObjects": 20, "maxSeconds": 2}}})
    with Chaos(place, SEED, LIMIT, batched=True) as chaos:
        with chaos.sending(BATCHED.versions, BATCHED.messages):
            chaos.kill_again_and_again(BATCHED.between, BATCHED.random_kills)
        chaos.progress(BATCHED.versions)
        eventually(place.queue_is_empty, 60, "the queue to be empty")
        eventually(lambda: set(place.phases()) == {"Succeeded"}, 60, "all LogScans to end")
        rows, letters = chaos.rows(), chaos.dead_letters.bodies()
    keys = [f"{place.namespace}/{number}.log" for number in range(BATCHED.versions)]
    assert rows == dict.fromkeys(keys, 1)
    counts = [status["objects"] for status in place.scans().values()]
    assert sum(found["done"] for found in counts) == BATCHED.versions
    assert all(found["done"] + found["skipped"] == found["total"] for found in counts)
    assert len(counts) < BATCHED.versions
    assert letters == []
    assert place.jobs.most_active <= LIMIT
    assert not chaos.stuck


def _print(chaos: Chaos, rows: int, most: int) -> None:
    place, faults = chaos.place, chaos.faults
    created = len(place.jobs.created)
    lines = {
        "messages, object versions": f"{SIZE.messages}, {SIZE.versions}",
        "LogScans, Jobs, rows": f"{len(place.scans())}, {created}, {rows} (at most {most} of an object)",
        "Jobs at any moment, limit": f"{place.jobs.most_active}, {LIMIT}",
        "kills, API server restarts, partitions": f"{len(STEPS) + SIZE.random_kills}, {SIZE.restarts}, 1",
        "calls to AWS, failed, slowed": f"{faults.calls}, {faults.failed}, {faults.slowed}",
        f"take-over, lease of {LEASE_SECONDS} s: median, worst": (
            f"{statistics.median(chaos.takeovers):.1f} s, {max(chaos.takeovers):.1f} s"
        ),
        "longest wait for an answer of the operator": f"{chaos.slowest:.2f} s",
        "longest time without progress of a loop": ", ".join(f"{n} {s:.1f} s" for n, s in chaos.stalls.most_common(3)),
    }
    for what, value in lines.items():
        print(f"| {what} | {value} |")  # noqa: T201
