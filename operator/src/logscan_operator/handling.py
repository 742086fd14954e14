"""What becomes of messages that were received: LogScans, and then the messages are deleted.

Messages of one group are handled in order. The first that fails holds back the rest of its group, which come again
after a back-off; other groups go on. A message that nobody can read is left for the dead-letter queue.
"""

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from logscan_api import MalformedMessageError
from logscan_api.events import Reading, read_message
from logscan_operator.accepting import Acceptor, PutOffError
from logscan_operator.aws import Message, Queue
from logscan_operator.circuit import Verdict
from logscan_operator.deciding import Gathered, Ignored, Undecided, alone, decide
from logscan_operator.defaultpolicy import kept_policy
from logscan_operator.errors import AwsError, NotLeadingError
from logscan_operator.gatherer import Gatherer
from logscan_operator.items import Object
from logscan_operator.metrics import Metrics
from logscan_operator.rejections import Rejection
from logscan_operator.settings import Settings
from logscan_operator.view import View

BACKOFF_FIRST_SECONDS = 2.0
BACKOFF_MOST_SECONDS = 300.0
# Trying again makes no message readable: it is soon received often enough to be moved to the dead-letter queue.
MALFORMED_SECONDS = 1.0

log = logging.getLogger("logscan.intake")


class PartlyMalformedError(MalformedMessageError):
    """A part of a message cannot be read; LogScans were made of the rest."""


class UndecidedError(Exception):
    """The policy that may apply to an object is missing for now."""


Decision = Object | Gathered | Ignored | Undecided


@dataclass(frozen=True)
class Received:
    """A message, and what is in it.

    Attributes:
        message: The message.
        reading: What it announces.
        decisions: What is to be made of each object, as it looks when the message is received; None if that could not
            be decided.
    """

    message: Message
    reading: Reading
    decisions: Sequence[Decision] | None


Group = Sequence[Received]  # in the order in which they were received


def grouped(messages: Iterable[Message]) -> list[list[Message]]:
    """Return messages by group, in the order in which they were received."""
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.group, []).append(message)
    return list(groups.values())


def backoff_seconds(receives: int) -> float:
    """Return how long to hide a message that failed: doubled with each receive, up to five minutes."""
    return float(min(BACKOFF_FIRST_SECONDS * 2 ** min(receives - 1, 20), BACKOFF_MOST_SECONDS))


class Handling:
    """Handles messages of a queue, any number at a time."""

    def __init__(
        self, queue: Queue, acceptor: Acceptor, gatherer: Gatherer, view: View, settings: Settings, metrics: Metrics
    ) -> None:
        """Handle nothing yet.

        Args:
            queue: Where the messages came from.
            acceptor: Where LogScans are stored.
            gatherer: Where objects wait for others.
            view: For policies.
            settings: The operator's settings.
            metrics: Where numbers go.
        """
        self._queue = queue
        self._acceptor = acceptor
        self._gatherer = gatherer
        self._view = view
        self._settings = settings
        self._metrics = metrics
        self._kept_policy = kept_policy(settings)

    def sorted(self, messages: Iterable[Message]) -> tuple[list[Group], list[Group]]:
        """Return messages by group: the groups whose LogScans are stored at once, and those with an object that waits.

        Messages that wait for others must not keep those that do not from being deleted.
        """
        at_once: list[Group] = []
        waiting: list[Group] = []
        for group in grouped(messages):
            received = [self._read(message) for message in group]
            waits = any(isinstance(decision, Gathered) for one in received for decision in one.decisions or ())
            (waiting if waits else at_once).append(received)
        return at_once, waiting

    def _read(self, message: Message) -> Received:
        reading = read_message(message.body)
        with suppress(Exception):  # it is raised again, and reported, where this message alone is handled
            return Received(message, reading, self._decided(reading))
        return Received(message, reading, None)

    async def handle(self, groups: Sequence[Group]) -> None:
        """Make LogScans of messages, and delete those that are done; the others come again."""
        beat = asyncio.create_task(self._keep_hidden([one.message for group in groups for one in group]))
        try:
            results = await asyncio.gather(*(self._handle_group(group) for group in groups))
        finally:
            beat.cancel()
        done = [one.message for group in results for one in group]
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

    async def _handle_group(self, group: Group) -> Group:
        """Return the messages of a group that are done; the rest was put back."""
        for number, received in enumerate(group):
            message = received.message
            # What became of the messages before it may decide otherwise.
            decided = None if number else received.decisions
            try:
                decisions = self._decided(received.reading) if decided is None else decided
                await self._handle_message(message, received.reading, decisions)
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
            await self._quietly("release", self._queue.hide([one.message for one in group[number:]], seconds))
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

    async def _handle_message(self, message: Message, reading: Reading, decisions: Sequence[Decision]) -> None:
        """Make LogScans of what a message announces.

        Raises:
            MalformedMessageError: It cannot be read, or not wholly.
            UndecidedError: A policy that may apply is missing.
            PutOffError: A LogScan was not created.
        """
        for reason in reading.ignored:
            self._ignore(reason, message)
        if len(decisions) == 1:
            await self._carry_out(decisions[0], message)
        else:
            await self._carry_out_all(decisions, message)
        if reading.malformed:
            readable = reading.events or reading.ignored
            raise (PartlyMalformedError if readable else MalformedMessageError)("; ".join(reading.malformed))

    async def _carry_out_all(self, decisions: Sequence[Decision], message: Message) -> None:
        """Carry out the decisions on one message all at once, since its objects may wait for each other."""
        results = await asyncio.gather(
            *(self._carry_out(decision, message) for decision in decisions), return_exceptions=True
        )
        for error in results:
            if error is not None:
                raise error

    async def _carry_out(self, decision: Decision, message: Message) -> None:
        if isinstance(decision, Undecided):
            raise UndecidedError(decision.reason)
        if isinstance(decision, Ignored):
            self._ignore(decision.reason, message, key=decision.key)
        elif isinstance(decision, Gathered):
            await self._gather(decision, message)
        else:
            await self._acceptor.store(decision, message.id)

    def _decided(self, reading: Reading) -> list[Decision]:
        """Return what is to be made of each object of a message."""
        namespace = self._settings.namespace
        policies = self._view.policies_in(namespace)
        return [decide(event, policies, self._kept_policy, namespace, self._view.scanned) for event in reading.events]

    async def _gather(self, found: Gathered, message: Message) -> None:
        """Have an object scanned with others, or alone if their LogScan is refused: perhaps for one of the others."""
        try:
            await asyncio.shield(self._gatherer.add(found, message.id))
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
