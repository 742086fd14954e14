"""How much waits in the queues, and for how long, as metrics. Asked for by the leader, some times a minute.

SQS itself tells the age of the oldest message to CloudWatch only, so it is estimated here: what is still waiting was
sent after what was received last, and after the queue was last seen empty.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from logscan_operator.aws import Queue
from logscan_operator.errors import AwsError
from logscan_operator.metrics import Metrics

EVERY_SECONDS = 20.0

log = logging.getLogger("logscan.depths")


class OldestAge:
    """Estimates the age of the oldest message that waits in a queue. Times are Unix times."""

    def __init__(self, began: float) -> None:
        """Know nothing of the queue before `began`."""
        self._began = began
        self._empty: float | None = None

    def seconds(self, waiting: int, newest: float, now: float) -> float:
        """Return the age.

        Args:
            waiting: How many messages wait.
            newest: When the newest of the messages that were received was sent; 0 if none was.
            now: The time.
        """
        if not waiting:
            self._empty = now
        since = max(newest, self._empty or 0.0) or self._began
        return max(now - since, 0.0) if waiting else 0.0


class QueueDepths:
    """Keeps the metrics of one queue and of its dead-letter queue up to date."""

    def __init__(self, queue: Queue, newest: Sequence[Callable[[], float]], metrics: Metrics) -> None:
        """Ask nothing yet.

        Args:
            queue: The queue.
            newest: Each returns when the newest message that one of its receivers got was sent, as Unix time.
            metrics: Where numbers go.
        """
        self._queue = queue
        self._newest = newest
        self._metrics = metrics
        self._age = OldestAge(time.time())

    async def update(self) -> None:
        """Ask SQS once. What cannot be had is not exported: an old number would look like a new one."""
        name = self._queue.name
        try:
            depth = await self._queue.depth()
            dead = await self._queue.depth(of=depth.dead_letters) if depth.dead_letters else None
        except AwsError as error:
            self._metrics.aws_errors.labels("sqs").inc()
            self._metrics.forget_queue(name)
            log.warning("cannot ask how much waits in a queue: %s", error, extra={"queue": name})
            return
        newest = max((tell() for tell in self._newest), default=0.0)
        self._metrics.queue_messages.labels(name, "visible").set(depth.visible)
        self._metrics.queue_messages.labels(name, "in_flight").set(depth.in_flight)
        self._metrics.queue_age.labels(name).set(self._age.seconds(depth.visible, newest, time.time()))
        if dead is not None:
            self._metrics.dead_letters.labels(name).set(dead.visible + dead.in_flight)


async def watch(depths: Sequence[QueueDepths], alive: Callable[[], None]) -> None:
    """Keep the metrics of some queues up to date until cancelled.

    Args:
        depths: The queues.
        alive: Called whenever this makes progress.
    """
    while True:
        for depth in depths:
            alive()
            await depth.update()
        alive()
        await asyncio.sleep(EVERY_SECONDS)
