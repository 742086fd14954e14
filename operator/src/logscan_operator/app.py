"""The operator put together: what runs beside kopf's watches, and in which order it starts and stops.

Every process watches the cluster and answers over HTTP; only the one that holds the Lease works.
"""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from aiohttp import web

from logscan_operator import health
from logscan_operator.aws import Queue, ResultReader
from logscan_operator.circuit import Circuit
from logscan_operator.defaultpolicy import DefaultPolicy
from logscan_operator.executor import Executor
from logscan_operator.following import Follower, Step
from logscan_operator.health import Progress
from logscan_operator.hearing import longest
from logscan_operator.intake import Intake
from logscan_operator.kube import ApiServer, Connection
from logscan_operator.leases import FencedApi, Leadership
from logscan_operator.metrics import Metrics
from logscan_operator.policychecks import PolicyChecks
from logscan_operator.resync import resync
from logscan_operator.scheduler import Scheduler
from logscan_operator.settings import Settings
from logscan_operator.view import View

LISTS = 4  # namespaces that are listed at the same time
CANCEL_SECONDS = 10.0  # for loops to end once they are cancelled; the process ends without those that do not
ANSWER_SECONDS = 15.0  # what a receive call may take beyond its long poll

log = logging.getLogger("logscan.app")


class LeadershipLostError(Exception):
    """Another process may lead now; this one ends and starts over as a standby."""


class Operator:
    """The loops and what they share."""

    def __init__(self, settings: Settings, connection: Connection, listener: Callable[[], socket.socket]) -> None:
        """Prepare; nothing runs before `run`.

        Args:
            settings: The settings.
            connection: The API server.
            listener: Returns the listening socket that HTTP is served on.
        """
        self.settings = settings
        self.connection = connection
        self._listener = listener
        self.view = View(settings.namespaces)
        self.metrics = Metrics(settings.max_concurrent)
        self.progress = Progress()
        self._scheduler: Scheduler | None = None
        self._intakes: list[Intake] = []
        self._circuit: Circuit | None = None

    async def run(self, stop: asyncio.Event, watch: Step) -> None:
        """Work until `stop` is set: then take no more messages, finish what is in hand, and return.

        Args:
            stop: Set to end the work.
            watch: Feeds the view with the changes of a namespace, until it raises.

        Raises:
            LeadershipLostError: The Lease could not be kept.
        """
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(ApiServer(self.connection))
            await self._serve_http(stack)
            identity = f"{os.environ.get('HOSTNAME') or socket.gethostname()}-{uuid.uuid4().hex[:8]}"
            leadership = Leadership(api, self.settings.namespace, identity, self.settings.lease_seconds)
            following = self._follow(api, watch)
            stopped = asyncio.create_task(stop.wait())
            acquiring = asyncio.create_task(leadership.acquire())
            try:
                await asyncio.wait([acquiring, stopped, *following], return_when=asyncio.FIRST_COMPLETED)
                if acquiring.done() and not stopped.done():
                    await acquiring
                    await self._lead(api, leadership, [stopped, *following])
                _raise_first(following)
            finally:
                # Watches may take their time to end; nobody waits for them.
                for task in (acquiring, stopped, *following):
                    task.cancel()
                await leadership.release()

    def _follow(self, api: ApiServer, watch: Step) -> "list[asyncio.Task[None]]":
        """Start to follow each namespace."""
        lists = asyncio.Semaphore(LISTS)

        async def read(namespace: str) -> None:
            async with lists:
                await resync(api, self.view, namespace)

        def follower(name: str) -> Follower:
            every = self.settings.resync_seconds
            alive = self.progress.begin(f"follow-{name}", every + 120)
            return Follower(name, self.view, read, watch, every, alive)

        return [asyncio.create_task(follower(name).run()) for name in self.settings.namespaces]

    async def _lead(self, api: ApiServer, leadership: Leadership, ends: "list[asyncio.Task[Any]]") -> None:
        """Do the leader's work until the Lease is lost or one of `ends`, the first of which is the wish to stop, is."""
        fenced, stopped = FencedApi(api, leadership.holds), ends[0]
        self.metrics.lead(True)
        executor = Executor(self.view, fenced, ResultReader(), self.settings, self.metrics)
        scheduler = Scheduler(self.view, executor, self.settings, self.metrics, self.progress.begin("scheduler", 60))
        self._scheduler = scheduler
        checks = PolicyChecks(self.view, fenced, self.progress.begin("policies", 120))
        self._circuit = Circuit(fenced, self.settings.namespace, self.metrics)
        self._intakes = [self._intake(fenced, self._circuit, number) for number in range(self._receivers())]
        self._measure_queues()
        default = DefaultPolicy(self.view, fenced, self.settings)
        work = (scheduler.run(), checks.run(), default.run(), leadership.keep())
        loops = [asyncio.create_task(loop) for loop in work]
        receiving = [asyncio.create_task(intake.run()) for intake in self._intakes]
        try:
            await asyncio.wait([*loops, *receiving, *ends], return_when=asyncio.FIRST_COMPLETED)
            for intake in self._intakes:
                intake.stopping.set()
            if stopped.done() and leadership.holds():
                log.info("stopping: messages in hand are finished first")
                await asyncio.gather(*receiving)
        finally:
            for task in (*loops, *receiving):
                task.cancel()
            await asyncio.wait([*loops, *receiving], timeout=CANCEL_SECONDS)
            if leadership.holds():
                await scheduler.finish()
            self.metrics.lead(False)
        _raise_first([*loops, *receiving, *ends])
        if not stopped.done():
            raise LeadershipLostError("the Lease was lost")

    def _receivers(self) -> int:
        return len(self.settings.queue_urls) * self.settings.receivers

    def _intake(self, api: FencedApi, circuit: Circuit, number: int) -> Intake:
        url = self.settings.queue_urls[number // self.settings.receivers]
        queue = Queue(url, self.settings.receive_wait_seconds, self.settings.visibility_seconds)
        alive = self.progress.begin(f"intake-{number}", self.settings.receive_wait_seconds + 90)
        return Intake(queue, api, circuit, self.view, self.settings, self.metrics, alive)

    def _measure_queues(self) -> None:
        """Let each scrape find out for how long each queue has not answered the slowest of its receivers."""
        for number, url in enumerate(self.settings.queue_urls):
            first = number * self.settings.receivers
            ours = [intake.receiving for intake in self._intakes[first : first + self.settings.receivers]]
            self.metrics.receive_age.labels(url.rsplit("/", 1)[-1]).set_function(partial(longest, ours))

    async def _serve_http(self, stack: AsyncExitStack) -> None:
        explain = self._explain if self.settings.debug else None
        app = health.application(self.progress, self.view, self.metrics, self._facts, explain)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, self._listener()).start()

    def _facts(self) -> dict[str, object]:
        refused = self._circuit.trouble if self._circuit else None
        return {"leading": self.metrics.leading, "queue": self._queue_trouble() or "ok", "intake": refused or "ok"}

    def _queue_trouble(self) -> str | None:
        """Return what is wrong with the first queue that has trouble."""
        patience = self.settings.receive_wait_seconds + ANSWER_SECONDS
        for intake in self._intakes:
            if intake.trouble:
                return intake.trouble
            if intake.receiving.seconds() > patience:
                return f"no answer to a receive call for {intake.receiving.seconds():.0f} s"
        return None

    def _explain(self) -> object:
        return self._scheduler.explain() if self._scheduler is not None and self.metrics.leading else []


def _raise_first(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Raise the error of the first task that ended with one."""
    for task in tasks:
        error = task.exception() if task.done() and not task.cancelled() else None
        if error is not None:
            raise error
