"""From messages to LogScans. A message means "make this resource"; it is deleted once the resource is stored.

Messages of one group are handled in order. The first that fails holds back the rest of its group, which come again
after a back-off; other groups go on. A message that nobody can read is left for the dead-letter queue. While LogScans
are refused for everyone, nothing is received (`circuit`). Messages whose objects wait for others (`gatherer`) are held
while the next ones are received.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime

from logscan_api import MalformedMessageError
from logscan_api.events import ObjectEvent, read_message
from logscan_operator.accepting import Acceptor, PutOffError
from logscan_operator.ages import ReceiveAge
from logscan_operator.aws import Message, Queue
from logscan_operator.circuit import Circuit, Verdict
from logscan_operator.deciding import Gathered, Ignored, Undecided, alone, decide
from logscan_operator.defaultpolicy import kept_policy
from logscan_operator.errors import AwsError, NotLeadingError
from logscan_operator.gatherer import Gatherer
from logscan_operator.items import Object
from logscan_operator.metrics import Metrics
from logscan_operator.rejections import Rejection
from logscan_operator.settings import Settings
from logscan_operator.statuses import stamp, utc_now
from logscan_operator.view import View

PAUSE_SECONDS = 0.5
BACKOFF_FIRST_SECONDS = 2.0
BACKOFF_MOST_SECONDS = 300.0
# Trying again makes no message readable: it is soon received often enough to be moved to the dead-letter queue.
MALFORMED_SECONDS = 1.0
CLOSE_SECONDS = 0.05
MOST_HELD = 5000  # messages; a queue has 120,000 in flight at most

log = logging.getLogger("logscan.intake")


class PartlyMalformedError(MalformedMessageError):
    """A part of a message cannot be read; LogScans were made of the rest."""


class UndecidedError(Exception):
    """The policy that may apply to an object is missing for now."""


def grouped(messages: Iterable[Message]) -> list[list[Message]]:
    """Return messages by group, in the order in which they were received."""
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.group, []).append(message)
    return list(groups.values())


def backoff_seconds(receives: int) -> float:
    """Return how long to hide a message that failed: doubled with each receive, up to five minutes."""
    return float(min(BACKOFF_FIRST_SECONDS * 2 ** min(receives - 1, 20), BACKOFF_MOST_SECONDS))


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
        self._acceptor = acceptor
        self._gatherer = gatherer
        self._circuit = circuit
        self._view = view
        self._settings = settings
        self._metrics = metrics
        self._alive = alive
        self._kept_policy = kept_policy(settings)
        self.stopping = asyncio.Event()
        self.problem: str | None = None
        self.pause: str | None = None
        self._paused_since: datetime | None = None
        self.receiving = ReceiveAge()
        self.newest = 0.0
        self._held: dict[asyncio.Task[None], int] = {}

    async def run(self) -> None:
        """Receive and handle messages until `stopping` is set; what is in hand then is finished."""
        try:
            await self._receive()
            while self._held:  # the last ones may not have begun to wait for others yet
                self._gatherer.close_all()
                await asyncio.wait(self._held, timeout=CLOSE_SECONDS)
        finally:
            for task in self._held:
                task.cancel()

    async def _receive(self) -> None:
        failures = 0
        while not self.stopping.is_set():
            self._alive()
            self._note_pause(self._back_pressure())
            room = sum(self._held.values()) < MOST_HELD
            ready = room and self._view.synced and self.pause is None and not self._lacks_policies()
            most = await self._circuit.allowance() if ready else 0
            if not most:
                self.receiving.end()
                await self._pause(PAUSE_SECONDS)
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
            await self._handle_or_hold(messages)

    def _back_pressure(self) -> str | None:
        """Return why enough scans are unfinished to receive no more messages, or None.

        Scans of the namespace that the intake makes them in count, unless they are suspended: what others create in
        theirs, or leave suspended, must not stop the intake.
        """
        namespace, most = self._settings.namespace, self._settings.max_unfinished
        backlog = self._view.backlog(namespace)
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

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()

    async def _handle_or_hold(self, messages: list[Message]) -> None:
        """Handle messages; those in groups with an object that may wait for others are handled meanwhile."""
        now: list[Message] = []
        held: list[Message] = []
        for group in grouped(messages):
            (held if any(map(self._may_wait, group)) else now).extend(group)
        if held:
            task = asyncio.create_task(self._handle(held))
            self._held[task] = len(held)
            task.add_done_callback(self._let_go)
        if now:
            await self._handle(now)

    def _let_go(self, task: "asyncio.Task[None]") -> None:
        del self._held[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("messages were not handled, and come again", exc_info=error)

    def _may_wait(self, message: Message) -> bool:
        try:
            events = read_message(message.body).events
        except MalformedMessageError:
            return False
        return any(isinstance(self._decide(event), Gathered) for event in events)

    async def _handle(self, messages: list[Message]) -> None:
        beat = asyncio.create_task(self._keep_hidden(messages))
        try:
            results = await asyncio.gather(*(self._handle_group(group) for group in grouped(messages)))
        finally:
            beat.cancel()
        done = [message for group in results for message in group]
        self._metrics.deleted.inc(len(done))
        await self._quietly("delete", self._queue.delete(done))

    async def _keep_hidden(self, messages: list[Message]) -> None:
        """Renew the visibility timeout of all messages in hand, until cancelled; no error ends this."""
        while True:
            await asyncio.sleep(self._settings.visibility_seconds / 3)
            try:
                await self._quietly("extend", self._queue.hide(messages, self._settings.visibility_seconds))
            except Exception:
                log.exception("could not extend the visibility timeout of messages")

    async def _handle_group(self, group: list[Message]) -> list[Message]:
        """Return the messages of a group that are done; the rest was put back."""
        for number, message in enumerate(group):
            try:
                await self._handle_message(message)
            except NotLeadingError:
                seconds = 0.0
            except MalformedMessageError as error:
                partly = isinstance(error, PartlyMalformedError)
                part = Rejection.PARTLY_MALFORMED if partly else Rejection.MALFORMED
                self._reject(message, part, f"{part}: {error}")
                seconds = MALFORMED_SECONDS
            except UndecidedError as error:
                self._reject(message, Rejection.UNDECIDED, str(error))
                seconds = backoff_seconds(message.receives)
            except PutOffError as error:
                seconds = self._put_off(message, error)
            except Exception as error:
                # Whatever it is, it is this message's: the loop and the other messages go on.
                log.exception("a message could not be handled", extra={"messageId": message.id})
                self._reject(message, Rejection.UNFORESEEN, f"{type(error).__name__}: {error}")
                seconds = backoff_seconds(message.receives)
            else:
                continue
            await self._quietly("release", self._queue.hide(group[number:], seconds))
            return group[:number]
        return group

    def _put_off(self, message: Message, error: PutOffError) -> float:
        """Return after how many seconds a message is to come again whose LogScan was refused."""
        if error.verdict is Verdict.EVERYONE:
            # It is first in line again; nothing is received before LogScans are accepted.
            self._reject(message, Rejection.OUTAGE, str(error))
            return 0.0
        self._reject(message, Rejection.NOT_CREATED, str(error))
        return backoff_seconds(message.receives)

    def _reject(self, message: Message, reason: Rejection, why: str) -> None:
        self._metrics.rejected.labels(str(reason)).inc()
        # It is received dozens of times, and says the same each time; the circuit reports an outage.
        level = logging.ERROR if message.receives == 1 and reason is not Rejection.OUTAGE else logging.DEBUG
        facts = {"messageId": message.id, "receives": message.receives, "reason": str(reason)}
        log.log(level, "a message stays in the queue: %s", why, extra=facts)

    async def _handle_message(self, message: Message) -> None:
        """Make LogScans of what a message announces.

        Raises:
            MalformedMessageError: It cannot be read, or not wholly.
            UndecidedError: A policy that may apply is missing.
            PutOffError: A LogScan was not created.
        """
        reading = read_message(message.body)
        for reason in reading.ignored:
            self._ignore(reason, message)
        # All at once: the objects of one message may wait for each other.
        results = await asyncio.gather(
            *(self._handle_event(event, message) for event in reading.events), return_exceptions=True
        )
        for error in results:
            if error is not None:
                raise error
        if reading.malformed:
            readable = reading.events or reading.ignored
            raise (PartlyMalformedError if readable else MalformedMessageError)("; ".join(reading.malformed))

    async def _handle_event(self, event: ObjectEvent, message: Message) -> None:
        decision = self._decide(event)
        if isinstance(decision, Undecided):
            raise UndecidedError(decision.reason)
        if isinstance(decision, Ignored):
            self._ignore(decision.reason, message, key=event.key)
        elif isinstance(decision, Gathered):
            await self._gather(decision, message)
        else:
            await self._acceptor.store(decision, message.id)

    def _decide(self, event: ObjectEvent) -> Object | Gathered | Ignored | Undecided:
        namespace = self._settings.namespace
        policies = self._view.policies_in(namespace)
        return decide(event, policies, self._kept_policy, namespace, self._view.scanned)

    async def _gather(self, found: Gathered, message: Message) -> None:
        """Have an object scanned with others, or alone if their LogScan is refused: perhaps for one of the others."""
        try:
            await self._gatherer.add(found, message.id)
        except PutOffError as error:
            if error.verdict is Verdict.EVERYONE:
                raise
            await self._acceptor.store(alone(self._settings.namespace, found.policy, found.event), message.id)

    def _ignore(self, reason: str, message: Message, **facts: str) -> None:
        self._metrics.ignored.inc()
        log.info("not scanned: %s", reason, extra={"messageId": message.id, **facts})

    async def _quietly(self, what: str, call: Awaitable[list[str]]) -> None:
        """Await a queue call whose failure means no more than that messages come again."""
        try:
            for problem in await call:
                log.warning("could not %s a message: %s", what, problem)
        except AwsError as error:
            log.warning("could not %s messages: %s", what, error)
