"""What is started first: work before notes, and nothing over and over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

import pytest
from objects import SETTINGS, job_body, scan_body, view_of

from logscan_api.exitcodes import Reason
from logscan_api.statuses import Phase
from logscan_operator import holds
from logscan_operator.actions import Action, Stop, WriteStatus
from logscan_operator.errors import ApiError, NotLeadingError
from logscan_operator.executor import Executor
from logscan_operator.metrics import Metrics
from logscan_operator.scheduler import NOTES, PARALLEL, UNEXPECTED_FAILURES, Scheduler
from logscan_operator.settings import Settings
from logscan_operator.view import View

WAITING = 200
WITHIN = 20


class Recorder:
    """Takes actions in the executor's place: keeps them in order, and ends each only once it is let through."""

    def __init__(self, lets_through: Callable[[Action], bool]) -> None:
        self.taken: list[Action] = []
        self.under_way: list[Action] = []
        self.changed = asyncio.Condition()
        self.error: Exception | None = None
        self.breaks: Callable[[Action], bool] = lambda action: True
        self.over = False
        self._lets_through = lets_through

    def report_left_out(self) -> None:
        """Report nothing."""

    async def perform(self, action: Action) -> None:
        """Take an action."""
        async with self.changed:
            self.taken.append(action)
            self.under_way.append(action)
            self.changed.notify_all()
            if self.error is not None and not isinstance(action, Stop) and self.breaks(action):
                raise self.error
            await self.changed.wait_for(lambda: self.over or self._lets_through(action))
            self.under_way.remove(action)

    async def until(self, check: Callable[[], bool]) -> None:
        """Wait for something to be true of what was taken."""
        async with asyncio.timeout(WITHIN), self.changed:
            await self.changed.wait_for(check)


def is_note(action: Action) -> bool:
    return isinstance(action, WriteStatus) and action.note


@asynccontextmanager
async def scheduling(view: View, recorder: Recorder, settings: Settings = SETTINGS) -> AsyncIterator[Scheduler]:
    executor = cast("Executor", recorder)
    scheduler = Scheduler(view, executor, settings, Metrics(settings.max_concurrent), lambda: None)
    task = asyncio.create_task(scheduler.run())
    try:
        yield scheduler
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        async with recorder.changed:
            recorder.over = True
            recorder.changed.notify_all()
        await scheduler.finish()


@pytest.mark.parametrize("turns", range(6))
async def test_it_ends_when_cancelled_whatever_changes_at_that_moment(turns: int) -> None:
    """As when a leader that was paused resumes: everything changed meanwhile, and it no longer leads."""
    view, planned = view_of(), asyncio.Event()
    scheduler = Scheduler(view, cast("Executor", None), SETTINGS, Metrics(1), planned.set)
    task = asyncio.create_task(scheduler.run())
    await planned.wait()
    await asyncio.sleep(0)  # now it waits for a change
    view.changed.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    assert await asyncio.wait([task], timeout=2) == ({task}, set())


async def test_work_is_started_though_notes_wait_for_their_turn() -> None:
    """All scans become impatient at once; what is to be done about one of them is done before their notes."""
    view = view_of(*(scan_body(f"s{n:03}", 3600) for n in range(WAITING)))
    recorder = Recorder(lambda action: not is_note(action))
    async with scheduling(view, recorder):
        await recorder.until(lambda: sum(map(is_note, recorder.under_way)) == NOTES)
        assert not any(map(is_note, recorder.taken[: SETTINGS.max_concurrent])), "notes went before the Jobs"
        cancelled = scan_body("s199", 3600, cancel=True)
        cancelled["metadata"] |= {"resourceVersion": "99", "generation": 2}
        view.scans.take(cancelled)
        await recorder.until(lambda: any(isinstance(action, Stop) for action in recorder.taken))
        assert sum(map(is_note, recorder.under_way)) <= NOTES < PARALLEL


async def test_a_scan_whose_note_waits_can_be_started() -> None:
    """Notes that have not begun keep no scan from its turn: the next plan sees it as free."""
    view = view_of(*(scan_body(f"s{n:03}", 3600) for n in range(WAITING)))
    recorder = Recorder(lambda action: False)
    async with scheduling(view, recorder) as scheduler:
        await recorder.until(lambda: sum(map(is_note, recorder.under_way)) == NOTES)
        planned = [fact for fact in scheduler.explain() if fact["state"] == "planned"]
        assert len(planned) == WAITING - NOTES - SETTINGS.max_concurrent


async def test_a_lost_lease_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    view = view_of(*(scan_body(f"s{n:03}", 1) for n in range(WAITING)))
    recorder = Recorder(lambda action: True)
    recorder.error = NotLeadingError()
    async with scheduling(view, recorder, SETTINGS.model_copy(update={"max_concurrent": 50})):
        await recorder.until(lambda: len(recorder.taken) >= 120)
    assert len([record for record in caplog.records if record.name == "logscan.scheduler"]) == 1
    assert len({action.scan.key for action in recorder.taken}) >= 100, "the same scans were tried again and again"


@pytest.mark.parametrize("attempt", [None, 1], ids=["no Job yet", "a Job that runs"])
@pytest.mark.parametrize(
    "error",
    [ValueError("no such quantity"), ApiError(422, "Invalid", "no such quantity")],
    ids=["a bug", "what the API server finds invalid"],
)
async def test_an_action_that_fails_unexpectedly_is_not_repeated_for_ever(
    error: Exception, attempt: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "FIRST_SECONDS", 0.001)
    view = view_of(scan_body("bad", 1), *([job_body("bad", attempt)] if attempt else []))
    recorder = Recorder(lambda action: True)
    recorder.error = error
    async with scheduling(view, recorder):
        await recorder.until(lambda: any(isinstance(action, Stop) for action in recorder.taken))
    (end,) = (action for action in recorder.taken if isinstance(action, Stop))
    assert len(recorder.taken) == UNEXPECTED_FAILURES + 1
    assert (end.status.phase, end.status.reason) == (Phase.FAILED, Reason.INTERNAL_ERROR)
    assert end.status.message is not None
    assert "no such quantity" in end.status.message
    assert (end.job is not None) is (attempt is not None), "a Job that runs would go on"


async def test_a_scan_that_cannot_be_handled_delays_no_other() -> None:
    view = view_of(*(scan_body(f"s{n}", 1) for n in range(5)))
    recorder = Recorder(lambda action: True)
    recorder.error = ValueError("no such quantity")
    recorder.breaks = lambda action: action.scan.key[1] == "s0"
    async with scheduling(view, recorder):
        await recorder.until(lambda: {action.scan.key[1] for action in recorder.taken} == {f"s{n}" for n in range(5)})
