"""The operator put together: what runs beside kopf's watches, and in which order it starts and stops."""

import asyncio
import logging
from contextlib import AsyncExitStack

import aiohttp
from aiohttp import web

from logscan_operator import health
from logscan_operator.aws import Queue, ResultReader
from logscan_operator.health import Progress
from logscan_operator.intake import Intake
from logscan_operator.kube import ApiError, ApiServer, Connection
from logscan_operator.resync import resync
from logscan_operator.scheduler import Scheduler
from logscan_operator.settings import Settings
from logscan_operator.view import View

RETRY_SECONDS = 2.0

log = logging.getLogger("logscan.app")


class Operator:
    """The loops and what they share."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        """Prepare; nothing runs before `run`."""
        self.settings = settings
        self.connection = connection
        self.view = View()
        patience = {
            "intake": settings.receive_wait_seconds + 90.0,
            "scheduler": 60.0,
            "resync": settings.resync_seconds + 120.0,
        }
        self.progress = Progress(patience)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set: then take no more messages, finish what is in hand, and return."""
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(ApiServer(self.connection))
            await self._serve_health(stack)
            queue = Queue(self.settings.queue_url, self.settings.receive_wait_seconds, self.settings.visibility_seconds)
            intake = Intake(queue, api, self.view, self.settings, lambda: self.progress.tick("intake"))
            scheduler = Scheduler(
                self.view, api, ResultReader(), self.settings, lambda: self.progress.tick("scheduler")
            )
            loops = [asyncio.create_task(loop) for loop in (self._resync_forever(api), scheduler.run())]
            receiving = asyncio.create_task(intake.run())
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait([*loops, receiving, stopped], return_when=asyncio.FIRST_COMPLETED)
            intake.stopping.set()
            if stopped.done():
                log.info("stopping: messages in hand are finished first")
                await receiving
            for task in (*loops, receiving, stopped):
                task.cancel()
            ended = await asyncio.gather(*loops, receiving, return_exceptions=True)
            await scheduler.finish()
            for error in ended:
                if isinstance(error, Exception):
                    raise error

    async def _serve_health(self, stack: AsyncExitStack) -> None:
        runner = web.AppRunner(health.application(self.progress, self.view), access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, port=self.settings.http_port).start()

    async def _resync_forever(self, api: ApiServer) -> None:
        while True:
            try:
                await resync(api, self.view, self.settings.namespace)
                self.progress.tick("resync")
                pause = self.settings.resync_seconds
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                log.warning("cannot list the cluster: %s", error)
                pause = RETRY_SECONDS
            await asyncio.sleep(pause)
