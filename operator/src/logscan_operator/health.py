"""The operator's HTTP endpoints: `/healthz` (every loop makes progress), `/readyz` (it could work), `/metrics`."""

import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from logscan_operator.metrics import Metrics
from logscan_operator.view import View

Alive = Callable[[], None]


class Progress:
    """When each loop last made progress."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}
        self._patience: dict[str, float] = {}

    def expect(self, loop: str, patience: float) -> Alive:
        """Expect progress of a loop from now on, whether it ever begins or not.

        Args:
            loop: Its name.
            patience: Seconds without progress after which it counts as stuck.

        Returns:
            What the loop must call whenever it makes progress.
        """

        def alive() -> None:
            self._seen[loop] = time.monotonic()

        self._patience[loop] = patience
        alive()
        return alive

    def ages(self) -> dict[str, float]:
        """Return the seconds since each loop's last progress."""
        now = time.monotonic()
        return {loop: round(now - seen, 1) for loop, seen in self._seen.items()}

    def stuck(self) -> dict[str, float]:
        """Return the loops without progress for too long, with the seconds since their last."""
        return {loop: age for loop, age in self.ages().items() if age > self._patience[loop]}


@asynccontextmanager
async def serving(application: web.Application, listener: socket.socket) -> AsyncIterator[None]:
    """Serve a web application until the context is left.

    Args:
        application: The application.
        listener: The listening socket, which is closed at the end.
    """
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()


def application(
    progress: Progress,
    view: View,
    metrics: Metrics,
    facts: Callable[[], dict[str, object]],
    explain: Callable[[], object] | None = None,
) -> web.Application:
    """Return the web application.

    Args:
        progress: Which loops make progress.
        view: Whether the cluster was read.
        metrics: What `/metrics` returns.
        facts: Returns what `/readyz` returns beside the namespaces.
        explain: Returns what `/debug/plan` shows; None for no such path.
    """

    async def healthz(_: web.Request) -> web.Response:
        stuck = progress.stuck()
        return web.json_response(
            {"stuck": stuck, "secondsSinceProgress": progress.ages()}, status=503 if stuck else 200
        )

    async def readyz(_: web.Request) -> web.Response:
        ready, states = view.synced and view.settled, view.namespaces.states()
        known = {"scans": len(view.scans), "jobs": len(view.jobs)}
        said = {"synced": ready, "namespaces": states, **known, **facts()}
        return web.json_response(said, status=200 if ready else 503)

    async def prometheus(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(view), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", prometheus)
    if explain is not None:

        async def debug_plan(_: web.Request) -> web.Response:
            return web.json_response(explain())

        app.router.add_get("/debug/plan", debug_plan)
    return app
