"""Watches namespaces by kopf, each by a kopf operator of its own.

kopf ends as a whole when one of its watches is refused, and then cancels every task of its event loop that began after
it. So each namespace's has a thread and an event loop of its own, which is how kopf's documentation embeds it.
"""

import asyncio
import logging
import threading
from collections import Counter
from contextlib import suppress
from typing import Any

import kopf

from logscan_operator.errors import ApiError
from logscan_operator.following import REFUSALS, WatchEndedError
from logscan_operator.handlers import RETRY_SECONDS, build_registry, operator_settings
from logscan_operator.items import Object
from logscan_operator.kube import Connection
from logscan_operator.view import Table, View

STOP_SECONDS = 5.0
CANCEL_SECONDS = 1.0
GOODBYE_SECONDS = 0.25
# Peers are told apart by it, and there are none. Without one kopf asks for the user's name, which no arbitrary
# numeric user of a container has.
IDENTITY: Any = "logscan-operator"

log = logging.getLogger("logscan.watching")
# It warns for each thread that signals are not its business, which is as it should be.
logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)


class Watcher:
    """Feeds a view with what changes in namespaces."""

    def __init__(self, view: View, connection: Connection) -> None:
        """Prepare.

        Args:
            view: What is fed, in the event loop that `watch` is called in, and told when the API server was heard.
            connection: Where the API server is, and as whom to speak to it.
        """
        self._tables: dict[str, Table[Any]] = {
            "logscans": view.scans,
            "logscanpolicies": view.policies,
            "jobs": view.jobs,
        }
        self._connection = connection
        self._hearing = view.hearing

    async def watch(self, namespace: str) -> None:
        """Watch a namespace until that fails.

        Raises:
            ApiError: The API server refuses.
            WatchEndedError: It ended for another reason.
        """
        home = asyncio.get_running_loop()
        ended: asyncio.Future[None] = home.create_future()

        def feed(resource: str, kind: str | None, body: Object) -> None:
            home.call_soon_threadsafe(_take, self._tables[resource], kind, body)

        refusals = Counter[str]()

        def answered(resource: str, error: ApiError | None) -> None:
            if error is None:
                refusals[resource] = 0
                self._hearing.heard(namespace, resource)
            elif error.status in REFUSALS:
                refusals[resource] += 1
                if refusals[resource] > len(RETRY_SECONDS):
                    thread.tell(error)

        thread = _Thread(namespace, build_registry(self._connection, namespace, answered, feed), ended)
        thread.start()
        try:
            await asyncio.shield(ended)
        finally:
            thread.stop()
            await asyncio.wait([ended], timeout=STOP_SECONDS)
        raise WatchEndedError("kopf has stopped")


class _Thread(threading.Thread):
    """One kopf operator in a thread and an event loop of its own."""

    def __init__(self, namespace: str, registry: kopf.OperatorRegistry, ended: "asyncio.Future[None]") -> None:
        super().__init__(name=f"watch-{namespace}", daemon=True)
        self._namespace = namespace
        self._registry = registry
        self._ended = ended
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_note_rest)
        self._stop = asyncio.Event()

    def run(self) -> None:
        """Run kopf until it fails or is stopped, then tell how it ended."""
        error: Exception | None = None
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._operate())
        except Exception as failure:
            error = WatchEndedError(f"{type(failure).__name__}: {failure}")
        except asyncio.CancelledError:
            error = WatchEndedError("kopf did not stop by itself")
        self.tell(error)

    def tell(self, error: Exception | None) -> None:
        """Let whoever waits for the watch know how it ended; the first word counts."""
        with suppress(RuntimeError):  # nobody waits any more: the process ends
            self._ended.get_loop().call_soon_threadsafe(_settle, self._ended, error)

    def stop(self) -> None:
        """Ask kopf to end; make it, if it does not."""
        with suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._stop.set)
            self._loop.call_soon_threadsafe(self._loop.call_later, STOP_SECONDS, self._cancel)

    def _cancel(self) -> None:
        """Cancel everything in kopf's loop, again and again.

        A watch of kopf that is cancelled while it waits for new credentials takes that for a pause, and waits on; so it
        does when one watch was refused and another finds the session closed, or when the API server is away.
        """
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_later(CANCEL_SECONDS, self._cancel)

    async def _operate(self) -> None:
        try:
            await kopf.operator(
                registry=self._registry,
                settings=operator_settings(),
                namespaces=[self._namespace],
                identity=IDENTITY,
                standalone=True,
                stop_flag=self._stop,
            )
        finally:
            # Connections over TLS close some turns of the loop after their session (aiohttp, "Graceful Shutdown").
            await asyncio.sleep(GOODBYE_SECONDS)


def _note_rest(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Note the errors of the other watches when kopf ends; the one that ended it is reported."""
    log.debug("kopf left behind: %s", context.get("exception") or context["message"])


def _settle(ended: "asyncio.Future[None]", error: Exception | None) -> None:
    if ended.done():
        return
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)


def _take(table: Table[Any], kind: str | None, body: Object) -> None:
    """Hand an event to the view, in the view's own event loop."""
    try:
        if kind == "DELETED":
            table.drop(body)
        else:
            table.take(body)
    except Exception:
        log.exception("an object of the cluster cannot be read", extra={"object": body["metadata"].get("name")})
