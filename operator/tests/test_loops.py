"""Background loops: none can end, hang or fail to begin unnoticed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from logscan_operator.health import Progress
from logscan_operator.loops import LoopEndedError, Loops


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the monotonic time, to be moved."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


async def forever() -> None:
    await asyncio.Event().wait()


async def returns() -> None:
    return


async def fails() -> None:
    raise ValueError("a bug")


def loops_of(*names: str, progress: Progress | None = None) -> Loops:
    return Loops(progress or Progress(), dict.fromkeys(names, 10.0), 5.0)


async def test_a_declared_loop_that_never_begins_is_stuck(clock: list[float]) -> None:
    progress = Progress()
    async with loops_of("begins", "does not", progress=progress) as loops:

        async def begins() -> None:
            loops.alive("begins")()
            await forever()

        task = loops.start("begins", begins())
        clock[0] += 9
        await asyncio.sleep(0)
        assert (progress.stuck(), task.done()) == ({}, False)
        clock[0] += 2
        assert progress.stuck() == {"does not": 11.0}


async def test_an_undeclared_loop_has_nothing_to_report_to() -> None:
    with pytest.raises(KeyError):
        loops_of("a").alive("b")


@pytest.mark.parametrize(("loop", "error"), [(returns, LoopEndedError), (fails, ValueError)])
async def test_the_end_of_a_loop_is_an_error(loop: Callable[[], Coroutine[Any, Any, None]], error: type) -> None:
    async with loops_of("good", "bad") as loops:
        loops.start("good", forever())
        loops.start("bad", loop())
        with pytest.raises(error):
            await loops.until(asyncio.get_running_loop().create_future())


async def test_an_event_ends_the_wait_and_the_loops_go_on() -> None:
    stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with loops_of("a") as loops:
        task = loops.start("a", forever())
        stopped.set_result(None)
        await loops.until(stopped)
        assert not task.done()
    assert task.cancelled(), "the end of the role cancels what still runs"


async def test_a_loop_among_the_events_may_return_but_not_fail() -> None:
    async with loops_of("a") as loops:
        await loops.until(loops.start("a", returns()))
        with pytest.raises(ValueError, match="a bug"):
            await loops.until(loops.start("a", fails()))


async def test_loops_that_finish_do_so_one_after_the_other() -> None:
    release = [asyncio.Event(), asyncio.Event()]

    async def finishes(number: int) -> None:
        await release[number].wait()

    async with loops_of("0", "1", "other") as loops:
        loops.start("other", forever())
        receiving = [loops.start(str(number), finishes(number)) for number in range(2)]
        release[0].set()
        waiting = asyncio.create_task(loops.until(finished=receiving))
        await receiving[0]
        assert not waiting.done()
        release[1].set()
        await waiting
        assert all(task.done() for task in receiving)


async def test_while_some_finish_the_end_of_another_is_still_an_error() -> None:
    async with loops_of("finishing", "other") as loops:
        finishing = loops.start("finishing", forever())
        loops.start("other", fails())
        with pytest.raises(ValueError, match="a bug"):
            await loops.until(finished=[finishing])


async def test_a_loop_that_resists_is_left_behind() -> None:
    async def resists() -> None:
        while True:
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
            return

    release = asyncio.Event()
    async with asyncio.timeout(10):
        async with Loops(Progress(), {"a": 10}, 0.01) as loops:
            task = loops.start("a", resists())
            await asyncio.sleep(0)
    assert not task.done()
    release.set()
    await task
