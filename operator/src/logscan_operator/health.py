"""`/healthz` and `/readyz`: alive means that every loop makes progress, ready that the cluster was read."""

import time
from dataclasses import dataclass, field

from aiohttp import web

from logscan_operator.view import View


@dataclass
class Progress:
    """When each loop was last seen to move.

    Attributes:
        patience: Seconds after which a loop that has not moved counts as stuck, by its name.
    """

    patience: dict[str, float]
    _seen: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        now = time.monotonic()
        self._seen = dict.fromkeys(self.patience, now)

    def tick(self, loop: str) -> None:
        """Note that a loop has moved."""
        self._seen[loop] = time.monotonic()

    def stuck(self) -> dict[str, float]:
        """Return the loops that have not moved for too long, with the seconds since they did."""
        now = time.monotonic()
        ages = {loop: now - seen for loop, seen in self._seen.items()}
        return {loop: round(age, 1) for loop, age in ages.items() if age > self.patience[loop]}


def application(progress: Progress, view: View) -> web.Application:
    """Return the web application."""

    async def healthz(_: web.Request) -> web.Response:
        stuck = progress.stuck()
        return web.json_response({"stuck": stuck}, status=503 if stuck else 200)

    async def readyz(_: web.Request) -> web.Response:
        facts = {"synced": view.synced, "scans": len(view.scans), "jobs": len(view.jobs)}
        return web.json_response(facts, status=200 if view.synced else 503)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    return app
