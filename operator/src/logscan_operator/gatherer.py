"""Gathers uploads under policies with `batch`: several objects of a bucket become one LogScan.

Whoever adds an object waits until the LogScan is stored, and keeps the message hidden meanwhile. So a process that dies
loses nothing: its messages come again, perhaps in other company, and where an object is in two LogScans then, its row
decides: the second one skips it.
"""

import asyncio
import logging
from dataclasses import dataclass

from logscan_operator.accepting import Acceptor
from logscan_operator.deciding import Gathered, several
from logscan_operator.gathering import Bounds, Gathering

MOST_OPEN = 100  # of policies and buckets together; the one that has waited longest makes room for another

log = logging.getLogger("logscan.gatherer")


@dataclass(frozen=True)
class Open:
    """Objects that wait for others.

    Attributes:
        gathering: The objects.
        closing: Set when they are to wait no longer.
        stored: Ends when their LogScan is stored, or with the error that says why it is not.
    """

    gathering: Gathering
    closing: asyncio.Event
    stored: "asyncio.Task[None]"


class Gatherer:
    """The open lists of a process, by policy and bucket."""

    def __init__(self, acceptor: Acceptor, namespace: str, supersede: bool) -> None:
        """Gather nothing yet.

        Args:
            acceptor: Where LogScans are stored.
            namespace: Their namespace.
            supersede: Whether the newest version of an object makes the others needless.
        """
        self._acceptor = acceptor
        self._namespace = namespace
        self._supersede = supersede
        self._open: dict[tuple[str, str], Open] = {}

    def add(self, found: Gathered, message_id: str) -> "asyncio.Task[None]":
        """Add an object to those of its policy and bucket.

        Returns:
            What ends when their LogScan is stored, for all of them: with a PutOffError if it is not, or a
            NotLeadingError. Whoever awaits it must not cancel it.
        """
        key, wanted = (found.policy, found.event.bucket), found.object
        waiting = self._open.get(key)
        if waiting is None or not waiting.gathering.add(wanted, self._supersede):
            self._close(key)
            waiting = self._begin(key, found, message_id)
            waiting.gathering.add(wanted)
        if waiting.gathering.full:
            self._close(key)
        return waiting.stored

    def close_all(self) -> None:
        """Let no object wait any longer."""
        for key in list(self._open):
            self._close(key)

    def _close(self, key: tuple[str, str]) -> None:
        if key in self._open:
            self._open.pop(key).closing.set()

    def _begin(self, key: tuple[str, str], found: Gathered, message_id: str) -> Open:
        if len(self._open) >= MOST_OPEN:
            self._close(next(iter(self._open)))
        gathering = Gathering(Bounds(found.batch.max_objects, found.batch.max_bytes.bytes))
        closing = asyncio.Event()
        stored = asyncio.create_task(self._finish(key, gathering, closing, found, message_id))
        stored.add_done_callback(_retrieve)
        self._open[key] = Open(gathering, closing, stored)
        return self._open[key]

    async def _finish(
        self, key: tuple[str, str], gathering: Gathering, closing: asyncio.Event, found: Gathered, message_id: str
    ) -> None:
        """Store the LogScan of a list once it is closed, or has been open for as long as its policy says."""
        try:
            async with asyncio.timeout(found.batch.max_seconds):
                await closing.wait()
        except TimeoutError:
            self._close(key)
        manifest = several(self._namespace, found.event.bucket, found.policy, gathering.objects)
        await self._acceptor.store(manifest, message_id)


def _retrieve(stored: "asyncio.Task[None]") -> None:
    """Take note of an error that nobody waits for any more, since all who did were cancelled."""
    if not stored.cancelled() and stored.exception() is not None:
        log.debug("a LogScan of several objects was not stored: %s", stored.exception())
