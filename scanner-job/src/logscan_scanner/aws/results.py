"""The result table: one row for a scan, and one for the newest scan of an object."""

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property
from time import sleep
from typing import TYPE_CHECKING, Any, TypeVar, cast

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from logscan_api import table
from logscan_api.attributes import Item
from logscan_api.exitcodes import ExitCode
from logscan_api.failedrows import FailedRow
from logscan_api.results import ScanResult
from logscan_api.signatures import is_signed
from logscan_api.statuses import ResultRef
from logscan_api.text import cut, printable
from logscan_scanner.aws.clients import client, session, translate
from logscan_scanner.aws.direct import Direct
from logscan_scanner.errors import ScanError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MOST_ROWS = 50  # read in one call, of the hundred that DynamoDB allows: one has up to 50 KB
NOTE_BYTES = 300  # of what went wrong with a notification
PAUSES = [0.1 * 2**n for n in range(7)]  # seconds before what a throttled call left out is asked for again
REPLACEMENTS = 3  # of rows with a wrong signature, before a scan gives up

Row = TypeVar("Row", ScanResult, FailedRow)

log = logging.getLogger("logscan.scanner")


class Results:
    """Reads and writes the rows of results.

    Every method raises `ScanError` if DynamoDB denies the call or cannot be reached.
    """

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return client("dynamodb")  # type: ignore[no-any-return]

    def finished(self, ref: ResultRef, tokens: Sequence[str], now: int) -> ScanResult | None:
        """Return the result of a scan that was finished before, or None.

        Args:
            ref: Where its row would be.
            tokens: Tokens of the row; one that none of them signed does not count.
            now: The time, in seconds since the epoch.
        """
        try:
            answer = self._dynamodb.get_item(TableName=ref.table, Key=table.key_of(ref), ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"read the table {ref.table}") from error
        return _finished(ref, answer["Item"], tokens, now) if "Item" in answer else None

    def all_finished(self, rows: Sequence[tuple[ResultRef, Sequence[str]]], now: int) -> list[ScanResult | None]:
        """Return what `finished` does, of at most `MOST_ROWS` rows of one table in one call.

        Args:
            rows: Where they would be, and the tokens of each.
            now: The time, in seconds since the epoch.
        """
        items = {(item["pk"]["S"], item["sk"]["S"]): item for item in self._items([ref for ref, _ in rows])}
        there = [(ref, items.get((ref.pk, ref.sk)), tokens) for ref, tokens in rows]
        return [None if item is None else _finished(ref, item, tokens, now) for ref, item, tokens in there]

    def _items(self, refs: Sequence[ResultRef]) -> Iterator[Item]:
        wanted: Any = {refs[0].table: {"Keys": [table.key_of(ref) for ref in refs], "ConsistentRead": True}}
        for wait in PAUSES:
            try:
                answer = self._dynamodb.batch_get_item(RequestItems=wanted)
            except (ClientError, BotoCoreError) as error:
                raise translate(error, f"read the table {refs[0].table}") from error
            for items in answer["Responses"].values():
                yield from items
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return
            sleep(wait)
        raise ScanError(f"cannot read the table {refs[0].table}: it is throttled", ExitCode.TRY_AGAIN)

    def write(self, result: Row, tokens: Sequence[str], now: int, order: str | None = None) -> Row | ScanResult:
        """Write a row, unless that of the same scan is there; return the one that is there now.

        A row with a wrong signature is replaced.

        Args:
            result: The result, or why there is none.
            tokens: Tokens of the row, of which the first signs it.
            now: The time, in seconds since the epoch.
            order: What orders the versions of one object, such as S3's sequencer, padded: the result becomes the newest
                of its object, unless one of a newer version is there. Absent means that it does not.
        """
        ref, item = result.ref, result.to_item()
        rejected: Item | None = None
        for _ in range(REPLACEMENTS):
            there = self._put(result, table.put_result(ref, item, tokens[0], now, rejected))
            if there is None:
                self._put_latest(result, item, order)
                return result
            if _believed(there, tokens):
                earlier = ScanResult.from_item(ref.table, there) or result
                if earlier.job_uid == result.job_uid:  # this Job's, whose pod ended before it wrote the newest
                    self._put_latest(earlier, there, order)
                return earlier
            rejected = there
        message = "others keep writing the row of this scan: find out who may write the table"
        raise ScanError(message, ExitCode.TRY_AGAIN)

    def sent(self, ref: ResultRef, scan_uid: str) -> set[str]:
        """Return the channels on which a scan has notified already."""
        try:
            answer = self._dynamodb.get_item(**table.read_notified(ref))
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"read the table {ref.table}") from error
        return table.sent_channels(cast("Item", answer.get("Item", {})), scan_uid)

    def note_sent(self, ref: ResultRef, scan_uid: str, channel: str, now: str, grouped: bool = False) -> None:
        """Record that a scan has sent a notification, or is counted in that of another."""
        self.update(table.note_notification(ref, scan_uid, channel, now, grouped))

    def note_error(self, ref: ResultRef, scan_uid: str, channel: str, error: str) -> None:
        """Record why a scan's notification was not sent."""
        self.update(table.note_notification_error(ref, scan_uid, channel, cut(printable(error), NOTE_BYTES)))

    def update(self, call: table.Call) -> Item | None:
        """Change an item if the call's condition holds; return what the call asks for, or None if it does not hold."""
        try:
            return cast("Item", self._dynamodb.update_item(**call).get("Attributes", {}))
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return None
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"update the table {call['TableName']}") from error

    def _put_latest(self, result: ScanResult | FailedRow, item: Item, order: str | None) -> None:
        if order is not None:
            self._put(result, table.put_latest(result.ref, item, order))

    def _put(self, result: ScanResult | FailedRow, call: table.Call) -> dict[str, Any] | None:
        """Write a row if the call's condition holds; return None, or the row for which it did not."""
        if self._put_directly(call):
            return None
        try:
            self._dynamodb.put_item(**call)
            return None
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            return cast("dict[str, Any]", cast("dict[str, Any]", error.response)["Item"])
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"write the result to the table {result.ref.table}") from error

    def _put_directly(self, call: table.Call) -> bool:
        """Return whether a row was written; if not, the client must say why."""
        headers = {"X-Amz-Target": "DynamoDB_20120810.PutItem", "Content-Type": "application/x-amz-json-1.0"}
        return self._direct.send("POST", "", headers, orjson.dumps(call)) is not None

    @cached_property
    def _direct(self) -> Direct:
        return Direct(self._dynamodb, "PutItem", session())


def _finished(ref: ResultRef, item: Item, tokens: Sequence[str], now: int) -> ScanResult | None:
    if not _believed(item, tokens):
        return None
    result = ScanResult.from_item(ref.table, item)
    return result if result is not None and result.expires_at >= now else None


def _believed(item: Item, tokens: Sequence[str]) -> bool:
    """Return whether a row was signed for this request or an equal one, and log if not."""
    believed = is_signed(item, tokens)
    if not believed:
        log.warning("the row that is there has a wrong signature: it is replaced")
    return believed
