"""The result table: one row for a scan, and one for the newest scan of an object."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from logscan_api import table
from logscan_api.results import ScanResult
from logscan_api.statuses import ResultRef
from logscan_scanner.aws.clients import client, translate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Results:
    """Reads and writes the rows of results.

    Every method raises `ScanError` if DynamoDB denies the call or cannot be reached.
    """

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return client("dynamodb")  # type: ignore[no-any-return]

    def finished(self, ref: ResultRef, now: int) -> ScanResult | None:
        """Return the result of a scan that was finished before, or None.

        Args:
            ref: Where its row would be.
            now: The time, in seconds since the epoch.
        """
        try:
            answer = self._dynamodb.get_item(TableName=ref.table, Key=table.key_of(ref), ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"read the table {ref.table}") from error
        result = ScanResult.from_item(ref.table, answer["Item"]) if "Item" in answer else None
        return result if result is not None and result.expires_at >= now else None

    def write(self, result: ScanResult, now: int) -> ScanResult:
        """Write a result, unless one of the same scan is there; return the one that is there now.

        Args:
            result: The result.
            now: The time, in seconds since the epoch.
        """
        there = self._put(result, table.put_result(result, now))
        return result if there is None else ScanResult.from_item(result.ref.table, there) or result

    def write_latest(self, result: ScanResult, order: str) -> bool:
        """Make a result the newest of its object, unless one of a newer version is; return whether it is.

        Args:
            result: The result.
            order: What orders the versions of one object, such as S3's sequencer, padded.
        """
        return self._put(result, table.put_latest(result, order)) is None

    def claim(self, ref: ResultRef, scan_uid: str, channel: str, now: str) -> bool:
        """Record that a scan sends a notification; return whether it was this call that recorded it."""
        return self._update(table.claim_notification(ref, scan_uid, channel, now))

    def note(self, ref: ResultRef, scan_uid: str, channel: str, error: str) -> None:
        """Record why a scan's notification was not sent."""
        self._update(table.note_notification_error(ref, scan_uid, channel, error))

    def _update(self, call: table.Call) -> bool:
        """Update a row if the call's condition holds; return whether it did."""
        try:
            self._dynamodb.update_item(**call)
            return True
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"update the table {call['TableName']}") from error

    def _put(self, result: ScanResult, call: table.Call) -> dict[str, Any] | None:
        """Write a row if the call's condition holds; return None, or the row for which it did not."""
        try:
            self._dynamodb.put_item(**call)
            return None
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            return cast("dict[str, Any]", cast("dict[str, Any]", error.response)["Item"])
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"write the result to the table {result.ref.table}") from error
