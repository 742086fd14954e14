"""The operator put together: what runs beside kopf's watches, and in which order it starts and stops.

Every process watches the cluster and answers over HTTP; only the one that holds the Lease works.
"""

import asyncio
import logging
import os
import socket
import time
import uuid
from contextlib import AsyncExitStack

import aiohttp
from aiohttp import web

from logscan_operator import health
from logscan_operator.aws import Queue, ResultReader
from logscan_operator.defaultpolicy import DefaultPolicy
from logscan_operator.executor import Executor
from logscan_operator.health import Progress
from logscan_operator.intake import Intake
from logscan_operator.kube import ApiError, ApiServer, Connection
from logscan_operator.leases import FencedApi, Leadership
from logscan_operator.metrics import Metrics
from logscan_operator.policychecks import PolicyChecks
from logscan_operator.resync import resync
from logscan_operator.scheduler import Scheduler
from logscan_operator.settings import Settings
from logscan_operator.view import View

RETRY_SECONDS = 2.0

log = logging.getLogger("logscan.app")


class LeadershipLostError(Exception):
    """Another process may lead now; this one ends and starts over as a standby."""


class Operator:
    """The loops and what they share."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        """Prepare; nothing runs before `run`."""
        self.settings = settings
        self.connection = connection
        self.view = View()
        self.metrics = Metrics(settings.max_concurrent)
        patience = {"scheduler": 60.0, "policies": 120.0, "resync": settings.resync_seconds + 120.0}
        intakes = range(len(settings.queue_urls) * settings.receivers)
        patience |= {f"intake-{n}": settings.receive_wait_seconds + 90.0 for n in intakes}
        self.progress = Progress(patience)
        self._scheduler: Scheduler | None = None
        self._intakes: list[Intake] = []
        self._leading = False

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set: then take no more messages, finish what is in hand, and return.

        Raises:
            LeadershipLostError: The Lease could not be kept.
        """
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(ApiServer(self.connection))
            await self._serve_http(stack)
            identity = f"{os.environ.get('HOSTNAME') or socket.gethostname()}-{uuid.uuid4().hex[:8]}"
            leadership = Leadership(api, self.settings.namespace, identity, self.settings.lease_seconds)
            resyncing = asyncio.create_task(self._resync_forever(api))
            stopped = asyncio.create_task(stop.wait())
            acquiring = asyncio.create_task(leadership.acquire())
            try:
                await asyncio.wait([acquiring, stopped, resyncing], return_when=asyncio.FIRST_COMPLETED)
                if acquiring.done() and not stopped.done():
                    await acquiring
                    await self._lead(api, leadership, stopped)
            finally:
                acquiring.cancel()
                stopped.cancel()
                resyncing.cancel()
                ended = await asyncio.gather(acquiring, resyncing, return_exceptions=True)
                await leadership.release()
            for error in ended:
                if isinstance(error, Exception):
                    raise error

    async def _lead(self, api: ApiServer, leadership: Leadership, stopped: "asyncio.Task[bool]") -> None:
        """Do the leader's work until told to stop or until the Lease is lost."""
        fenced = FencedApi(api, leadership.holds)
        self._leading = True
        self.metrics.leader.set(1)
        executor = Executor(self.view, fenced, ResultReader(), self.settings, self.metrics)
        scheduler = Scheduler(self.view, executor, self.settings, self.metrics, lambda: self.progress.tick("scheduler"))
        self._scheduler = scheduler
        checks = PolicyChecks(self.view, fenced, lambda: self.progress.tick("policies"))
        self._intakes = [self._intake(fenced, number) for number in range(self._receivers())]
        default = DefaultPolicy(self.view, fenced, self.settings)
        loops = [
            asyncio.create_task(loop) for loop in (scheduler.run(), checks.run(), default.run(), leadership.keep())
        ]
        receiving = [asyncio.create_task(intake.run()) for intake in self._intakes]
        try:
            await asyncio.wait([*loops, *receiving, stopped], return_when=asyncio.FIRST_COMPLETED)
            for intake in self._intakes:
                intake.stopping.set()
            if stopped.done() and leadership.holds():
                log.info("stopping: messages in hand are finished first")
                await asyncio.gather(*receiving)
        finally:
            for task in (*loops, *receiving):
                task.cancel()
            ended = await asyncio.gather(*loops, *receiving, return_exceptions=True)
            if leadership.holds():
                await scheduler.finish()
            self.metrics.leader.set(0)
            self._leading = False
        for error in ended:
            if isinstance(error, Exception):
                raise error
        if not stopped.done():
            raise LeadershipLostError("the Lease was lost")

    def _receivers(self) -> int:
        return len(self.settings.queue_urls) * self.settings.receivers

    def _intake(self, api: FencedApi, number: int) -> Intake:
        url = self.settings.queue_urls[number // self.settings.receivers]
        queue = Queue(url, self.settings.receive_wait_seconds, self.settings.visibility_seconds)
        return Intake(
            queue, api, self.view, self.settings, self.metrics, lambda: self.progress.tick(f"intake-{number}")
        )

    async def _serve_http(self, stack: AsyncExitStack) -> None:
        explain = self._explain if self.settings.debug else None
        app = health.application(self.progress, self.view, self.metrics, self._facts, explain)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, port=self.settings.http_port).start()

    def _facts(self) -> dict[str, object]:
        trouble = [intake.trouble for intake in self._intakes if intake.trouble]
        return {"leading": self._leading, "queue": trouble[0] if trouble else "ok"}

    def _explain(self) -> object:
        return self._scheduler.explain() if self._scheduler is not None and self._leading else []

    async def _resync_forever(self, api: ApiServer) -> None:
        heard = time.monotonic()
        while True:
            try:
                await resync(api, self.view, self.settings.namespaces)
                heard, pause = time.monotonic(), self.settings.resync_seconds
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                log.warning("cannot list the cluster: %s", error)
                pause = RETRY_SECONDS
            self.progress.tick("resync")
            self.metrics.watch_age.set(time.monotonic() - heard)
            await asyncio.sleep(pause)
