"""Runs a kopf operator for each watched namespace, in a thread and an event loop of its own.

kopf ends as a whole when one of its watches is refused, and then cancels each task of its event loop that began after
it did. A thread with a loop is how kopf's documentation embeds it ("Embedding").
"""

import asyncio
import logging
import threading
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import uvloop

from logscan_operator.errors import ApiError
from logscan_operator.following import REFUSALS, WatchEndedError
from logscan_operator.handlers import RETRY_SECONDS, Watched, run_watches
from logscan_operator.items import Object
from logscan_operator.kube import Connection
from logscan_operator.view import Table, View

STOP_SECONDS = 5.0
CANCEL_SECONDS = 1.0
CLOSE_SECONDS = 0.25
AT_ONCE = 20  # events, of 0.2 ms each

log = logging.getLogger("logscan.watching")
# kopf warns in each thread that it does not handle signals there, which is intended.
logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)


class Feed:
    """Hands the events of a thread to the view, in the view's own event loop, several at a time.

    To wake an event loop from another thread takes a system call. So only the first of the events that wait does it.
    """

    def __init__(self, tables: Mapping[str, Table[Any]], home: asyncio.AbstractEventLoop) -> None:
        """Hand over nothing yet.

        Args:
            tables: The tables of the view, by resource.
            home: The view's event loop.
        """
        self._tables = tables
        self._home = home
        self._waiting: deque[tuple[str, str | None, Object]] = deque()

    def __call__(self, resource: str, kind: str | None, body: Object) -> None:
        """Take an event; called in the thread."""
        self._waiting.append((resource, kind, body))
        if len(self._waiting) == 1:  # else the event loop was woken, and has not come to the end yet
            self._home.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        """Hand over some events; the rest after whatever else waits in the event loop, also if one raises an error."""
        try:
            for _ in range(min(AT_ONCE, len(self._waiting))):
                resource, kind, body = self._waiting.popleft()
                table = self._tables[resource]
                if kind == "DELETED":
                    table.drop(body)
                else:
                    table.take(body)
        finally:
            if self._waiting:
                self._home.call_soon(self._hand_over)


class Watcher:
    """Feeds a view with the changes of namespaces."""

    def __init__(self, view: View, connection: Connection) -> None:
        """Watch nothing yet.

        Args:
            view: What is fed, in the event loop that `watch` is called in.
            connection: The API server, and the credentials for it.
        """
        self._tables: dict[str, Table[Any]] = {
            "logscans": view.scans,
            "logscanpolicies": view.policies,
            "logscanrulesets": view.rule_sets,
            "jobs": view.jobs,
        }
        self._connection = connection
        self._ages = view.watch_ages

    async def watch(self, namespace: str) -> None:
        """Watch a namespace until that fails.

        Raises:
            ApiError: The API server refuses.
            WatchEndedError: The watches ended for another reason.
        """
        home = asyncio.get_running_loop()
        ended: asyncio.Future[None] = home.create_future()

        feed = Feed(self._tables, home)

        # kopf repeats a refused request and does not say so. Refusals are counted here, so that the last one is the
        # error of this watch; what kopf raises in the end may be that of another watch whose session was closed.
        refusals = Counter[str]()

        def answered(resource: str, error: ApiError | None) -> None:
            if error is None:
                refusals[resource] = 0
                self._ages.renew(namespace, resource)
            elif error.status in REFUSALS:
                refusals[resource] += 1
                if refusals[resource] > len(RETRY_SECONDS):
                    thread.report(error)

        thread = _Thread(Watched(namespace, self._connection, answered, feed), ended)
        thread.start()
        try:
            await asyncio.shield(ended)
        finally:
            thread.stop()
            await asyncio.wait([ended], timeout=STOP_SECONDS)
        raise WatchEndedError("kopf has stopped")


class _Thread(threading.Thread):
    """One kopf operator. A daemon: if it hangs, the process ends without it."""

    def __init__(self, watched: Watched, ended: "asyncio.Future[None]") -> None:
        super().__init__(name=f"watch-{watched.namespace}", daemon=True)
        self._watched = watched
        self._ended = ended
        self._loop = uvloop.new_event_loop()
        self._loop.set_exception_handler(_log_other_error)
        self._stop = asyncio.Event()

    def run(self) -> None:
        """Run kopf until it fails or is stopped, and report how it ended."""
        error: Exception | None = None
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._operate())
        except Exception as failure:
            error = WatchEndedError(f"{type(failure).__name__}: {failure}")
        except asyncio.CancelledError:
            error = WatchEndedError("kopf did not stop by itself")
        self.report(error)

    def report(self, error: Exception | None) -> None:
        """Report how the watch ended, to whoever awaits it; the first report counts."""
        with suppress(RuntimeError):  # that event loop is closed: the process is ending
            self._ended.get_loop().call_soon_threadsafe(_settle, self._ended, error)

    def stop(self) -> None:
        """Ask kopf to end, and cancel it if it does not."""
        with suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._stop.set)
            self._loop.call_soon_threadsafe(self._loop.call_later, STOP_SECONDS, self._cancel)

    def _cancel(self) -> None:
        """Cancel everything in kopf's loop, again and again.

        A watch of kopf that is cancelled while it waits for new credentials takes that for a pause, and waits on. It
        does so when one watch was refused and another finds the session closed, or when the API server is away.
        """
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_later(CANCEL_SECONDS, self._cancel)

    async def _operate(self) -> None:
        try:
            await run_watches(self._watched, self._stop)
        finally:
            # Connections over TLS close some turns of the loop after their session (aiohttp, "Graceful Shutdown").
            await asyncio.sleep(CLOSE_SECONDS)


def _log_other_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log errors of the watches beside the one that ended kopf, which is reported."""
    log.debug("another error in kopf: %s", context.get("exception") or context["message"])


def _settle(ended: "asyncio.Future[None]", error: Exception | None) -> None:
    if ended.done():
        return
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)
