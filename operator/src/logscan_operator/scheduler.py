"""Carries the plan forward: plans whenever the view changes, and starts the actions, a few at a time.

Each scan has at most one action under way. Work goes first: notes, which only say why a scan waits, get what is left,
and are planned again rather than kept.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from logscan_api.exitcodes import Reason
from logscan_api.statuses import Phase
from logscan_operator import statuses
from logscan_operator.actions import Action, DeleteScan, Stop, SuspendJob, WriteStatus
from logscan_operator.cleanup import expired
from logscan_operator.conditions import Verdict
from logscan_operator.errors import ApiError, AwsError, KubeError, NotLeadingError, described
from logscan_operator.events import Pace
from logscan_operator.executor import Executor
from logscan_operator.holds import Holds
from logscan_operator.items import Key, Scan
from logscan_operator.metrics import Metrics
from logscan_operator.planning import next_deadline, plan
from logscan_operator.refusals import is_outage, is_unsure
from logscan_operator.settings import Settings
from logscan_operator.statuses import utc_now
from logscan_operator.view import View

DEBOUNCE_SECONDS = 0.01
REST_FACTOR = 25
CLEAN_UP_SECONDS = 1.0
PARALLEL = 32
UNEXPECTED_FAILURES = 5  # with the growing delay between them about 15 seconds, then 30 seconds for each further one
NOTES = PARALLEL // 4  # so that work that comes up always finds room beside them

log = logging.getLogger("logscan.scheduler")


class Scheduler:
    """Plans and acts until cancelled."""

    def __init__(
        self, view: View, executor: Executor, settings: Settings, metrics: Metrics, alive: Callable[[], None]
    ) -> None:
        """Plan nothing yet.

        Args:
            view: What is known.
            executor: Who carries actions out.
            settings: The operator's settings.
            metrics: Where numbers go.
            alive: Called whenever the loop makes progress.
        """
        self._view = view
        self._executor = executor
        self._settings = settings
        self._metrics = metrics
        self._alive = alive
        self._deletes = Pace(settings.deletes_per_second, settings.deletes_per_second)
        self._cleaned_at = 0.0
        self._in_flight: dict[Key, Action] = {}
        self._holds = Holds(settings)
        self._work: deque[Action] = deque()
        self._notes: deque[WriteStatus] = deque()
        self._tasks: dict[asyncio.Task[None], Action] = {}
        self._blip = False

    async def run(self) -> None:
        """Plan after every change of the view and when time alone changes the plan."""
        while True:
            self._alive()
            self._view.changed.clear()
            now, began = utc_now(), time.thread_time()
            with self._metrics.plan_seconds.time():
                actions = self._plan(now)
            self._notes.clear()
            for action in actions:
                self._take(action)
            self._clean_up(now)
            self._dispatch()
            await self._wait(now, time.thread_time() - began)

    def explain(self) -> list[dict[str, str]]:
        """Return what would be done now, and why, without doing it."""
        return [_explained(action, "planned") for action in self._plan(utc_now())] + [
            _explained(action, "under way") for action in self._in_flight.values()
        ]

    def _plan(self, now: datetime) -> list[Action]:
        busy = {**self._holds.unsure(now), **self._in_flight}
        return plan(self._view, self._settings, now, busy, self._holds)

    def _clean_up(self, now: datetime) -> None:
        """Delete finished LogScans whose time is up, at a pace, and report what is left out, once in a while."""
        clock = asyncio.get_running_loop().time()
        if clock - self._cleaned_at < CLEAN_UP_SECONDS:
            return
        self._cleaned_at = clock
        self._holds.prune(now)
        self._executor.report_left_out()
        busy = self._in_flight.keys() | self._holds.scans(now)
        for scan in expired(self._view, self._settings, now, busy, self._settings.deletes_per_second):
            if self._deletes.allows():
                self._take(DeleteScan(scan))

    async def finish(self) -> None:
        """Wait for the actions under way; start no others."""
        self._work.clear()
        self._notes.clear()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait(self, now: datetime, took: float) -> None:
        """Wait for a reason to plan again; a plan that took long is followed by a long rest.

        With thousands of scans waiting, planning at every change would be most of what the process does. How long it
        took is CPU time: on a busy machine a plan that was interrupted does not make scans wait.
        """
        deadline = next_deadline(self._view, self._settings, now, self._holds)
        seconds = min((deadline - now).total_seconds(), CLEAN_UP_SECONDS) if deadline else CLEAN_UP_SECONDS
        # Not wait_for: Python 3.11's loses a cancellation that comes together with the event (CPython issue 86296).
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, DEBOUNCE_SECONDS)):
                await self._view.changed.wait()
        await asyncio.sleep(max(DEBOUNCE_SECONDS, took * REST_FACTOR))

    def _take(self, action: Action) -> None:
        if isinstance(action, WriteStatus) and action.note:
            self._notes.append(action)
        else:
            self._in_flight[action.scan.key] = action
            self._work.append(action)

    def _dispatch(self) -> None:
        """Start as much as may run at the same time: work first, then notes of scans that have not changed since."""
        while self._work and len(self._tasks) < PARALLEL:
            self._start(self._work.popleft())
        noting = sum(isinstance(action, WriteStatus) and action.note for action in self._tasks.values())
        while self._notes and noting < NOTES and len(self._tasks) < PARALLEL:
            note = self._notes.popleft()
            if self._view.scans.get(note.scan.key) is note.scan:
                self._in_flight[note.scan.key] = note
                self._start(note)
                noting += 1

    def _start(self, action: Action) -> None:
        task = asyncio.create_task(self._perform(action))
        self._tasks[task] = action
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        del self._in_flight[self._tasks.pop(task).scan.key]
        self._view.changed.set()
        self._dispatch()

    async def _perform(self, action: Action) -> None:
        """Carry an action out. If it fails, its scan is held back, then planned again from what is known then."""
        facts = {"scan": action.scan.key[1], "namespace": action.scan.key[0], "action": type(action).__name__}
        try:
            await self._executor.perform(action)
            self._holds.succeeded(action, utc_now())
            self._blip = False
        except NotLeadingError:
            self._holds.rest(action.scan.key, utc_now())
            if not self._blip:
                log.warning("this process does not lead at the moment: it writes nothing until it does", extra=facts)
            self._blip = True
        except (KubeError, AwsError) as error:
            if _is_our_mistake(action, error):
                await self._failed_unexpectedly(action, error)
                return
            log.warning("not done, will be tried again: %s", described(error), extra=facts)
            if isinstance(error, AwsError):
                self._metrics.aws_errors.labels("dynamodb").inc()
            self._holds.failed(action, described(error), is_outage(error), is_unsure(error), utc_now())
        except Exception as error:
            await self._failed_unexpectedly(action, error)

    async def _failed_unexpectedly(self, action: Action, error: Exception) -> None:
        """Hold a scan back, and end it once that has happened too often: no error is repeated for ever."""
        facts = {"scan": action.scan.key[1], "namespace": action.scan.key[0], "action": type(action).__name__}
        log.error("unexpected error in an action", extra=facts, exc_info=error)
        self._metrics.unexpected_errors.labels(facts["action"]).inc()
        if self._holds.failed_unexpectedly(action, described(error), utc_now()) >= UNEXPECTED_FAILURES:
            await self._give_up(action.scan, error)

    async def _give_up(self, scan: Scan, error: Exception) -> None:
        """End a scan for which an action failed too often with an error that another try does not fix.

        If this fails too, the scan stays held back as long as after any failure, and the next failure gets here again.
        """
        newest = self._view.scans.get(scan.key)
        if newest is None or newest.uid != scan.uid or newest.finished:
            return
        message = f"unexpected error, {UNEXPECTED_FAILURES} times in a row: {described(error)}"
        verdict = Verdict(Phase.FAILED, Reason.INTERNAL_ERROR, message)
        job = self._view.newest_job(scan)
        try:
            await self._executor.perform(Stop(newest, job, statuses.finished(newest, verdict, utc_now())))
        except Exception:
            log.exception("the failure could not be recorded", extra={"scan": scan.key[1], "namespace": scan.key[0]})


def _is_our_mistake(action: Action, error: Exception) -> bool:
    """Return whether the API server finds what was written invalid, as it will each time.

    A Job that it refuses is no such mistake: the creator knows how to say that of a scan.
    """
    return isinstance(error, ApiError) and error.reason == "Invalid" and not isinstance(action, SuspendJob)


def _explained(action: Action, state: str) -> dict[str, str]:
    facts = {"scan": "/".join(action.scan.key), "action": type(action).__name__, "state": state}
    if isinstance(action, WriteStatus | Stop):
        facts |= {"reason": str(action.status.reason), "message": action.status.message or ""}
    return facts
