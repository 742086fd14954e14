"""Follows the watched namespaces, each on its own: a problem in one does not affect the others.

A namespace is listed, then watched. If it cannot be read (it was deleted, or its RoleBinding was), it is out of sight
until a later list succeeds: nothing is decided there meanwhile, and what was known of it is kept.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from logscan_operator.errors import ApiError, KubeError, described
from logscan_operator.statuses import utc_now
from logscan_operator.view import View

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0  # a watch that lasted this long has worked
PATIENCE = 3  # failed lists after which a namespace that was never read stops holding up the others
REFUSALS = (401, 403, 404)

Step = Callable[[str], Awaitable[None]]

log = logging.getLogger("logscan.following")


class WatchEndedError(Exception):
    """A watch ended, but not because it was refused: the namespace is listed and watched again."""


KNOWN = (KubeError, WatchEndedError)


def pause_seconds(failures: int) -> float:
    """Return how long to wait after a number of failures in a row: doubled with each, up to half a minute."""
    return float(min(FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 20), LONGEST_PAUSE_SECONDS))


def is_lost(error: Exception, failures: int, in_sight: bool) -> bool:
    """Return whether a failed list or watch puts a namespace out of sight.

    An API server that fails or cannot be reached concerns all namespaces: what was read stays valid until it is back.

    Args:
        error: What went wrong.
        failures: The number of failures in a row, including this one.
        in_sight: Whether the namespace was read before.
    """
    if isinstance(error, WatchEndedError):
        return False
    if isinstance(error, KNOWN) and not (isinstance(error, ApiError) and error.status in REFUSALS):
        return not in_sight and failures >= PATIENCE
    return True


class Follower:
    """Keeps the view of one namespace up to date, until cancelled."""

    def __init__(
        self, namespace: str, view: View, read: Step, watch: Step, every_seconds: float, alive: Callable[[], None]
    ) -> None:
        """Follow nothing yet; `run` begins.

        Args:
            namespace: The namespace.
            view: What to keep up to date.
            read: Lists a namespace into the view.
            watch: Feeds the view with the namespace's changes; it never returns, but raises why it ended.
            every_seconds: How often everything is listed again.
            alive: Called whenever the loop makes progress.
        """
        self._namespace = namespace
        self._view = view
        self._read = read
        self._watch = watch
        self._every_seconds = every_seconds
        self._alive = alive
        self._failures = 0
        self._watching: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """List and watch, again and again; no error ends this."""
        try:
            while True:
                self._alive()
                try:
                    await self._follow()
                except Exception as error:
                    self._note(error)
                    await asyncio.sleep(pause_seconds(self._failures))
        finally:
            if self._watching is not None:
                self._watching.cancel()
                await asyncio.gather(self._watching, return_exceptions=True)

    async def _follow(self) -> None:
        """List the namespace, then watch it until it is time for another list.

        Raises:
            Exception: It could not be listed, or the watch ended.
        """
        await self._read(self._namespace)
        if self._watching is not None and not self._watching.done():
            self._failures = 0
        else:
            self._watching = asyncio.create_task(self._watch_it())
            # It may end while a list fails; nobody reads its error then, and asyncio would report it.
            self._watching.add_done_callback(lambda task: task.cancelled() or task.exception())
        if self._view.namespaces.find(self._namespace):
            log.info("following the namespace", extra={"watched": self._namespace})
        self._view.changed.set()
        await asyncio.wait([self._watching], timeout=self._every_seconds)
        if self._watching.done():
            self._watching.result()

    async def _watch_it(self) -> None:
        begun = time.monotonic()
        try:
            await self._watch(self._namespace)
        finally:
            if time.monotonic() - begun >= STEADY_SECONDS:
                self._failures = 0

    def _note(self, error: Exception) -> None:
        self._failures += 1
        namespaces, facts = self._view.namespaces, {"watched": self._namespace}
        why = described(error)
        if not is_lost(error, self._failures, namespaces.in_sight(self._namespace)):
            log.warning("cannot read the namespace, will retry: %s", why, extra=facts)
        elif namespaces.lose(self._namespace, why):
            unforeseen = None if isinstance(error, KNOWN) else error
            log.error("lost sight of the namespace; nothing is done there: %s", why, extra=facts, exc_info=unforeseen)
        if not namespaces.in_sight(self._namespace):
            self._view.forget_ended(self._namespace, utc_now())
        self._view.changed.set()
