"""Carries the plan forward: plans whenever the view changes, and starts the actions, a few at a time.

Each scan has at most one action under way.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import aiohttp

from logscan_operator.aws import AwsError
from logscan_operator.cleanup import expired
from logscan_operator.events import Pace
from logscan_operator.executor import Executor
from logscan_operator.items import Key
from logscan_operator.kube import ApiError
from logscan_operator.leases import NotLeadingError
from logscan_operator.metrics import Metrics
from logscan_operator.planning import Action, Cancel, DeleteScan, WriteStatus, next_deadline, plan
from logscan_operator.settings import Settings
from logscan_operator.statuses import utc_now
from logscan_operator.view import View

DEBOUNCE_SECONDS = 0.01
REST_FACTOR = 25
CLEAN_UP_SECONDS = 1.0
PARALLEL = 32
RETRY_SECONDS = 1.0

log = logging.getLogger("logscan.scheduler")


class Scheduler:
    """Plans and acts until cancelled."""

    def __init__(
        self, view: View, executor: Executor, settings: Settings, metrics: Metrics, alive: Callable[[], None]
    ) -> None:
        """Prepare.

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
        self._tasks: set[asyncio.Task[None]] = set()
        self._parallel = asyncio.Semaphore(PARALLEL)

    async def run(self) -> None:
        """Plan after every change of the view and when time alone changes the plan."""
        while True:
            self._alive()
            self._view.changed.clear()
            now, began = utc_now(), time.perf_counter()
            with self._metrics.plan_seconds.time():
                actions = plan(self._view, self._settings, now, self._in_flight)
            for action in actions:
                self._start(action)
            self._clean_up(now)
            await self._wait(now, time.perf_counter() - began)

    def explain(self) -> list[dict[str, str]]:
        """Return what would be done now, and why, without doing it."""
        planned = plan(self._view, self._settings, utc_now(), self._in_flight)
        return [_explained(action, "planned") for action in planned] + [
            _explained(action, "under way") for action in self._in_flight.values()
        ]

    def _clean_up(self, now: datetime) -> None:
        """Delete finished LogScans whose time is up, at a pace, looking once in a while."""
        clock = asyncio.get_running_loop().time()
        if clock - self._cleaned_at < CLEAN_UP_SECONDS:
            return
        self._cleaned_at = clock
        for scan in expired(self._view, self._settings, now, self._in_flight, self._settings.deletes_per_second):
            if self._deletes.allows():
                self._start(DeleteScan(scan))

    async def finish(self) -> None:
        """Wait for the actions under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _wait(self, now: datetime, took: float) -> None:
        """Wait for a reason to plan anew; a plan that took long is followed by a long rest.

        With thousands of scans waiting, planning at every change would be most of what the process does.
        """
        deadline = next_deadline(self._view, self._settings, now)
        seconds = min((deadline - now).total_seconds(), CLEAN_UP_SECONDS) if deadline else CLEAN_UP_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(self._view.changed.wait(), max(seconds, DEBOUNCE_SECONDS))
        await asyncio.sleep(max(DEBOUNCE_SECONDS, took * REST_FACTOR))

    def _start(self, action: Action) -> None:
        self._in_flight[action.scan.key] = action
        task = asyncio.create_task(self._perform(action))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _perform(self, action: Action) -> None:
        facts = {"scan": action.scan.key[1], "action": type(action).__name__}
        try:
            async with self._parallel:
                await self._executor.perform(action)
        except NotLeadingError:
            log.warning("not done: this process does not lead any more", extra=facts)
        except (ApiError, aiohttp.ClientError, TimeoutError, *AwsError) as error:
            # Held back a moment, then planned anew from what is known then.
            log.warning("not done, will be tried again: %s", error, extra=facts)
            if isinstance(error, AwsError):
                self._metrics.aws_errors.labels("dynamodb").inc()
            await asyncio.sleep(RETRY_SECONDS)
        except Exception:
            log.exception("an action broke", extra=facts)
            await asyncio.sleep(RETRY_SECONDS)
        finally:
            del self._in_flight[action.scan.key]
            self._view.changed.set()


def _explained(action: Action, state: str) -> dict[str, str]:
    facts = {"scan": "/".join(action.scan.key), "action": type(action).__name__, "state": state}
    if isinstance(action, WriteStatus | Cancel):
        facts |= {"reason": str(action.status.reason), "message": action.status.message or ""}
    return facts
