"""The queue and the result table, each behind what the operator needs of it."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from logscan_api.attributes import Item
from logscan_api.errors import UntrustedResultError
from logscan_api.results import ScanResult
from logscan_api.signatures import is_signed, tokens
from logscan_api.statuses import ResultRef
from logscan_api.table import key_of, ref_of
from logscan_operator.calls import client, in_a_thread, own_errors
from logscan_operator.direct import Direct
from logscan_operator.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

BATCH = 10  # SQS: messages of one call
# Calls that delete or hide messages. The messages of a list of objects are all done at once, and each call beyond the
# ten connections that botocore keeps would open one of its own.
AT_ONCE = 4
KEYS = 100  # DynamoDB: keys of one BatchGetItem
GATHER_SECONDS = 0.2
# What DynamoDB says of a call because of one key in it: of a form that no row has, or of a table that is not there.
REFUSALS = ("ValidationException", "ResourceNotFoundException", "AccessDeniedException")


@dataclass(frozen=True)
class Message:
    """A message in hand.

    Attributes:
        id: SQS's id of the message.
        receipt: Handle for deleting it or changing its visibility; good until the visibility timeout.
        body: Its text.
        group: Its FIFO group, or its own id on a standard queue.
        receives: How often it was received, this time included.
        sent: When it was sent, as Unix time; 0 if SQS does not say.
    """

    id: str
    receipt: str
    body: str
    group: str
    receives: int
    sent: float = 0.0


@dataclass(frozen=True)
class Depth:
    """How many messages are in a queue, about.

    Attributes:
        visible: Those that wait to be received.
        in_flight: Those that were received and not deleted yet.
        dead_letters: The name of its dead-letter queue, if it has one.
    """

    visible: int
    in_flight: int
    dead_letters: str | None = None


class Queue:
    """An SQS queue, FIFO or standard."""

    def __init__(self, url: str, wait_seconds: int, visibility_seconds: int) -> None:
        config = Config(
            connect_timeout=5, read_timeout=wait_seconds + 15, retries={"mode": "standard", "max_attempts": 3}
        )
        self._sqs: SQSClient = client("sqs", config)
        self._receive = Direct(self._sqs, "ReceiveMessage")
        self._delete = Direct(self._sqs, "DeleteMessageBatch")
        self._url = url
        self._wait = wait_seconds
        self._visibility = visibility_seconds
        self._few = asyncio.Semaphore(AT_ONCE)

    async def receive(self, most: int = BATCH) -> list[Message]:
        """Return up to `most` messages (ten), waiting for the first as long as the long poll lasts."""
        answer = await self._call(
            self._receive,
            MaxNumberOfMessages=most,
            WaitTimeSeconds=self._wait,
            VisibilityTimeout=self._visibility,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "MessageGroupId", "SentTimestamp"],
        )
        return [_message(raw) for raw in answer.get("Messages", [])]

    @property
    def name(self) -> str:
        """The name of the queue."""
        return self._url.rsplit("/", 1)[-1]

    async def depth(self, of: str | None = None) -> Depth:
        """Return how much is in the queue.

        Args:
            of: The name of another queue of the same account and region, as a dead-letter queue must be.
        """
        url = f"{self._url.rsplit('/', 1)[0]}/{of}" if of else self._url
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "RedrivePolicy"]
        answer = await self._call(self._sqs.get_queue_attributes, url, AttributeNames=names)
        return _depth(answer.get("Attributes", {}))

    async def delete(self, messages: Iterable[Message]) -> list[str]:
        """Delete messages; return why some were not, which will come again then."""
        entries = [{"Id": str(n), "ReceiptHandle": m.receipt} for n, m in enumerate(messages)]
        if not entries:
            return []
        async with self._few:
            answer = await self._call(self._delete, Entries=entries)
        return [f"{f['Code']}: {f.get('Message', '')}" for f in answer.get("Failed", [])]

    async def hide(self, messages: Iterable[Message], seconds: float) -> list[str]:
        """Hide messages for so long from now; return why some were not, which are visible already then."""
        timeout = {"VisibilityTimeout": int(seconds)}
        entries = [{"Id": str(n), "ReceiptHandle": m.receipt, **timeout} for n, m in enumerate(messages)]
        if not entries:
            return []
        async with self._few:
            answer = await self._call(self._sqs.change_message_visibility_batch, Entries=entries)
        return [f"{f['Code']}: {f.get('Message', '')}" for f in answer.get("Failed", [])]

    async def _call(self, function: Any, url: str | None = None, **arguments: Any) -> Any:
        with own_errors():
            return await in_a_thread(partial(function, QueueUrl=url or self._url, **arguments))


def _message(raw: Any) -> Message:
    attributes = raw.get("Attributes", {})
    return Message(
        id=raw["MessageId"],
        receipt=raw["ReceiptHandle"],
        body=raw["Body"],
        group=attributes.get("MessageGroupId") or raw["MessageId"],
        receives=int(attributes.get("ApproximateReceiveCount", 1)),
        sent=int(attributes.get("SentTimestamp", 0)) / 1000,
    )


def _depth(attributes: Any) -> Depth:
    redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
    return Depth(
        visible=int(attributes["ApproximateNumberOfMessages"]),
        in_flight=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        dead_letters=redrive.get("deadLetterTargetArn", "").rsplit(":", 1)[-1] or None,
    )


class ResultReader:
    """Reads rows of the result table, those asked for at nearly the same time in one call."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Read nothing yet.

        Args:
            keys: What rows are signed with, that of new ones first.
        """
        self._keys = keys
        config = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})
        self._dynamodb: DynamoDBClient = client("dynamodb", config)
        self._waiting: dict[ResultRef, asyncio.Future[ScanResult | None]] = {}
        self._flush: asyncio.Task[None] | None = None

    async def read(self, ref: ResultRef) -> ScanResult | None:
        """Return the result in a row, or None if there is none.

        Raises:
            AwsError: DynamoDB did not answer.
            MalformedResultError: This version cannot read the row.
            UntrustedResultError: No scanner wrote it for its request, or it was changed since.
        """
        if ref not in self._waiting:
            self._waiting[ref] = asyncio.get_running_loop().create_future()
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._read_waiting())
        return await asyncio.shield(self._waiting[ref])

    async def _read_waiting(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        while self._waiting:
            batch = dict(list(self._waiting.items())[:KEYS])
            for ref in batch:
                del self._waiting[ref]
            await self._answer(batch)

    async def _answer(self, batch: "dict[ResultRef, asyncio.Future[ScanResult | None]]") -> None:
        """Give those who wait for rows their answer, whatever it is: nobody must wait for ever.

        A call that DynamoDB refuses may be refused for one of its keys: each half is asked for without the other then.
        """
        try:
            with own_errors():
                rows = await in_a_thread(partial(self._get, list(batch)))
        except Exception as error:
            if isinstance(error, AwsError) and error.code in REFUSALS and len(batch) > 1:
                waiting = list(batch.items())
                await self._answer(dict(waiting[: len(waiting) // 2]))
                await self._answer(dict(waiting[len(waiting) // 2 :]))
                return
            for future in batch.values():
                future.set_exception(error)
            return
        for ref, future in batch.items():
            try:
                future.set_result(self._result(ref, rows[ref]) if ref in rows else None)
            except Exception as error:  # one row's error must not keep the others from their answer
                future.set_exception(error)

    def _result(self, ref: ResultRef, row: Item) -> ScanResult | None:
        if not is_signed(row, tokens(self._keys, ref)):
            raise UntrustedResultError(
                f"the row {ref.pk}, {ref.sk} of the table {ref.table} is not signed for this scan: find out who may "
                "write the table, and whether the operator's signing key was changed"
            )
        return ScanResult.from_item(ref.table, row)

    def _get(self, refs: list[ResultRef]) -> dict[ResultRef, Item]:
        rows: dict[ResultRef, Item] = {}
        request: Any = {}
        for ref in refs:
            keys = request.setdefault(ref.table, {"Keys": [], "ConsistentRead": True})["Keys"]
            keys.append(key_of(ref))
        while request:
            answer = self._dynamodb.batch_get_item(RequestItems=request)
            for table, items in answer["Responses"].items():
                rows |= {ref_of(table, item): item for item in items}
            request = answer.get("UnprocessedKeys")
        return rows
