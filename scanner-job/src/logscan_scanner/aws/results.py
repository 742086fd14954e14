"""The result table: one row for a scan, and one for the newest scan of an object."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from logscan_api.results import LATEST, TTL_ATTRIBUTE
from logscan_api.statuses import ResultRef
from logscan_scanner.aws.clients import client, translate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Row = dict[str, Any]
ABSENT_OR_OLD = "attribute_not_exists(pk) OR #status <> :done OR #ttl < :now"


class Results:
    """Reads and writes rows, in boto3's resource form.

    An item past its TTL counts as absent: DynamoDB may keep it for days.
    """

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return client("dynamodb")  # type: ignore[no-any-return]

    def finished(self, ref: ResultRef, now: int) -> Row | None:
        """Return the row of a scan that was finished before, or None.

        Args:
            ref: Where the row would be.
            now: The time, in seconds since the epoch.

        Raises:
            ScanError: DynamoDB refused or cannot be reached.
        """
        key = {"pk": {"S": ref.pk}, "sk": {"S": ref.sk}}
        try:
            item = self._dynamodb.get_item(TableName=ref.table, Key=key, ConsistentRead=True).get("Item")
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"read the table {ref.table}") from error
        row = _plain(item) if item else {}
        return row if row.get("status") == "done" and row.get(TTL_ATTRIBUTE, now) >= now else None

    def write(self, table: str, item: Row, now: int) -> Row:
        """Write a row unless a finished one is there; return the row that is there now.

        Args:
            table: Name of the table.
            item: The row.
            now: The time, in seconds since the epoch.

        Raises:
            ScanError: DynamoDB refused or cannot be reached.
        """
        values = {":done": {"S": "done"}, ":now": {"N": str(now)}}
        names = {"#status": "status", "#ttl": TTL_ATTRIBUTE}
        old = self._put(table, item, ABSENT_OR_OLD, names, values)
        return item if old is None else old

    def write_latest(self, table: str, item: Row, order: str) -> bool:
        """Make a row the newest of its object, unless one of a newer version is; return whether it is.

        Args:
            table: Name of the table.
            item: The scan's own row.
            order: What orders the versions of one object, such as S3's sequencer, padded.

        Raises:
            ScanError: DynamoDB refused or cannot be reached.
        """
        left_out = {"bucket_day", "day_shard", "error_day", "severity_finished", "finished_id"}  # not in any index
        latest = {name: value for name, value in item.items() if name not in left_out}
        latest |= {"sk": LATEST, "scan_sk": item["sk"], "version_order": order}
        condition = "attribute_not_exists(pk) OR #order <= :order"
        return self._put(table, latest, condition, {"#order": "version_order"}, {":order": {"S": order}}) is None

    def claim(self, ref: ResultRef, flag: str, now: str) -> bool:
        """Set a flag on a row, and return whether it was this call that set it.

        Raises:
            ScanError: DynamoDB refused or cannot be reached.
        """
        return self._set(ref, flag, now, "attribute_exists(pk) AND attribute_not_exists(#name)")

    def note(self, ref: ResultRef, name: str, text: str) -> None:
        """Add an attribute to a row, if it is there.

        Raises:
            ScanError: DynamoDB refused or cannot be reached.
        """
        self._set(ref, name, text, "attribute_exists(pk)")

    def _set(self, ref: ResultRef, name: str, text: str, condition: str) -> bool:
        """Set an attribute of a row if a condition holds; return whether it did."""
        try:
            self._dynamodb.update_item(
                TableName=ref.table,
                Key={"pk": {"S": ref.pk}, "sk": {"S": ref.sk}},
                UpdateExpression="SET #name = :text",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":text": {"S": text}},
            )
            return True
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"update the table {ref.table}") from error

    def _put(self, table: str, item: Row, condition: str, names: dict[str, str], values: Row) -> Row | None:
        """Write an item if a condition holds; return None, or the item for which it did not."""
        from boto3.dynamodb.types import TypeSerializer  # takes its time to import: not before it is needed

        serialize = TypeSerializer().serialize
        try:
            self._dynamodb.put_item(
                TableName=table,
                Item={name: serialize(value) for name, value in item.items()},
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            return None
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            return _plain(cast("dict[str, Any]", error.response)["Item"])
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"write the result to the table {table}") from error


def _plain(item: Row) -> Row:
    from boto3.dynamodb.types import TypeDeserializer

    deserialize = TypeDeserializer().deserialize
    return {name: deserialize(value) for name, value in item.items()}
