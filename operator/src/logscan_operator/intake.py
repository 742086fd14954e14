"""From messages to LogScans. A message means "make this resource"; it is deleted once the resource is stored.

What becomes of the messages is in `handling`, while the next ones are received: an upload waits neither for LogScans
of those before it to be stored nor for their messages to be deleted. The order within a FIFO group is SQS's own, which
gives out no more messages of a group while some are in flight (Amazon SQS developer guide, "FIFO queue delivery
logic"). While LogScans are refused for everyone, nothing is received (`circuit`).
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from logscan_operator.accepting import Acceptor
from logscan_operator.ages import ReceiveAge
from logscan_operator.aws import BATCH, Message, Queue
from logscan_operator.circuit import Circuit
from logscan_operator.errors import AwsError
from logscan_operator.gatherer import Gatherer
from logscan_operator.handling import Handling
from logscan_operator.inhand import InHand
from logscan_operator.metrics import Metrics
from logscan_operator.settings import Settings
from logscan_operator.statuses import stamp, utc_now
from logscan_operator.view import View

PAUSE_SECONDS = 0.5
CLOSE_SECONDS = 0.05
MOST_HELD = 5000  # messages whose objects wait for others (`gatherer`); a queue has 120,000 in flight at most
# Other messages: enough that the API server and SQS never wait for each other. In an outage each of them has been
# received once more for nothing.
MOST_HANDLED = 40

log = logging.getLogger("logscan.intake")


def to_receive(allowed: int, handled: int, room: int) -> int:
    """Return how many messages may be received now; 0 is none before some of those in hand are done.

    Args:
        allowed: How many the circuit allows. If they are few, what becomes of them decides about the next.
        handled: How many are being handled.
        room: How many more LogScans may be unfinished.
    """
    if allowed < BATCH:
        return 0 if handled else allowed
    return allowed if handled < room and handled + allowed <= MOST_HANDLED else 0


class Intake:
    """Reads a queue until `stopping` is set.

    Attributes:
        stopping: Set to end it once the messages in hand are finished.
        problem: Why nothing is received from the queue, if anything is wrong.
        pause: Why nothing is received although nothing is wrong, if so.
        newest: When the newest of the messages that were received was sent, as Unix time; 0 if none was.
    """

    def __init__(
        self,
        queue: Queue,
        acceptor: Acceptor,
        gatherer: Gatherer,
        circuit: Circuit,
        view: View,
        settings: Settings,
        metrics: Metrics,
        alive: Callable[[], None],
    ) -> None:
        """Receive nothing yet.

        Args:
            queue: Where messages come from.
            acceptor: Where LogScans are stored.
            gatherer: Where objects wait for others.
            circuit: Whether they are accepted at the moment.
            view: For policies, and for how many scans are unfinished.
            settings: The operator's settings.
            metrics: Where numbers go.
            alive: Called whenever the loop makes progress.
        """
        self._queue = queue
        self._handling = Handling(queue, acceptor, gatherer, view, settings, metrics)
        self._gatherer = gatherer
        self._circuit = circuit
        self._view = view
        self._settings = settings
        self._metrics = metrics
        self._alive = alive
        self.stopping = asyncio.Event()
        self.problem: str | None = None
        self.pause: str | None = None
        self._paused_since: datetime | None = None
        self.receiving = ReceiveAge()
        self.newest = 0.0
        self._held = InHand()
        self._handled = InHand()

    async def run(self) -> None:
        """Receive and handle messages until `stopping` is set; what is in hand then is finished."""
        try:
            await self._receive()
            while self._handled.count or self._held.count:
                await (self._handled if self._handled.count else self._held).fewer(CLOSE_SECONDS)
                self._gatherer.close_all()  # the last ones may not have begun to wait for others before
        finally:
            self._handled.cancel()
            self._held.cancel()

    async def _receive(self) -> None:
        failures = 0
        while not self.stopping.is_set():
            self._alive()
            most = await self._room()
            if not most:
                self.receiving.end()
                await self._wait()
                continue
            try:
                self.receiving.begin()
                messages = await self._queue.receive(most)
                self.receiving.end()
                failures, self.problem = 0, None
            except AwsError as error:
                failures += 1
                self.problem = str(error)
                self._metrics.aws_errors.labels("sqs").inc()
                log.warning("cannot receive from the queue: %s", error)
                # Jitter, so that replicas of many clusters do not come back at the same moment.
                await self._pause(min(0.5 * 2.0**failures, 60.0) * random.uniform(0.5, 1))  # noqa: S311
                continue
            self._metrics.received.inc(len(messages))
            self.newest = max([self.newest, *(message.sent for message in messages)])
            self._take(messages)

    async def _room(self) -> int:
        """Return how many messages may be received now."""
        namespace = self._settings.namespace
        backlog = self._view.backlog(namespace)
        self._note_pause(self._back_pressure(backlog))
        held = self._held.count >= MOST_HELD
        if held or not self._view.synced or self.pause is not None or self._lacks_policies():
            return 0
        allowed = await self._circuit.allowance()
        return to_receive(allowed, self._handled.count, self._settings.max_unfinished - backlog)

    def _back_pressure(self, backlog: int) -> str | None:
        """Return why enough scans are unfinished to receive no more messages, or None.

        Scans of the namespace that the intake makes them in count, unless they are suspended: what others create in
        theirs, or leave suspended, must not stop the intake.
        """
        namespace, most = self._settings.namespace, self._settings.max_unfinished
        if backlog < most:
            return None
        return f"paused: {backlog} LogScans in {namespace} are unfinished, and maxUnfinished is {most}"

    def _note_pause(self, why: str | None) -> None:
        self._paused_since = (self._paused_since or utc_now()) if why else None
        self.pause = f"{why} (since {stamp(self._paused_since)})" if why and self._paused_since else None
        self._metrics.paused.set(self.pause is not None)
        self._metrics.paused_since.set(self._paused_since.timestamp() if self._paused_since else 0)

    def _lacks_policies(self) -> bool:
        """Return whether there is no policy at all, as in the middle of an installation: no message is lost to that."""
        lacking = not self._view.policies_in(self._settings.namespace)
        if lacking and self._view.synced:
            self.problem = f"there is no LogScanPolicy in {self._settings.namespace}: messages wait in the queue"
        return lacking

    async def _wait(self) -> None:
        """Wait until there may be room again."""
        if self._handled.count:
            await self._handled.fewer(PAUSE_SECONDS)
        else:
            await self._pause(PAUSE_SECONDS)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()

    def _take(self, messages: list[Message]) -> None:
        """Have messages handled; those in groups with an object that may wait for others apart from the rest."""
        at_once, waiting = self._handling.sorted(messages)
        for groups, hands in ((at_once, self._handled), (waiting, self._held)):
            if groups:
                hands.take(self._handling.handle(groups), sum(map(len, groups)))
