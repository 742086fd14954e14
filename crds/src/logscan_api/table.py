"""The result table in DynamoDB: its shape, and the calls that write to it, as arguments for any client.

Terraform's table and those of the local stacks are compared with `KEYS`, `INDEXES` and `INDEX_ATTRIBUTES`. A row past
its time to live counts as absent: DynamoDB may keep it for days.
"""

from typing import Any

from logscan_api import attributes
from logscan_api.attributes import Item
from logscan_api.signatures import SIGNATURE, signed
from logscan_api.statuses import ResultRef

KEYS = ("pk", "sk")
INDEXES: dict[str, tuple[str, str]] = {
    "by_bucket": ("bucket_day", "finished_id"),
    "by_day": ("day_shard", "finished_id"),
    "with_errors": ("error_day", "severity_finished"),
}
INDEX_ATTRIBUTES = (
    "status",
    "bucket",
    "key",
    "finished_at",
    "lines",
    "matched_lines",
    "worst_severity",
    "partial",
)
TTL_ATTRIBUTE = "expires_at"
SENT, GROUPED = "_sent_at", "_grouped_at"
LATEST = "LATEST"  # sort key of the row of the newest scan of an object

Call = dict[str, Any]


def key_of(ref: ResultRef) -> Item:
    """Return the primary key of a row."""
    return attributes.to_item({"pk": ref.pk, "sk": ref.sk})


def ref_of(table: str, item: Item) -> ResultRef:
    """Return where a row is."""
    return ResultRef(table=table, pk=item["pk"]["S"], sk=item["sk"]["S"])


def put_result(ref: ResultRef, item: Item, token: str, now: int, rejected: Item | None = None) -> Call:
    """Return PutItem's arguments to write a row, unless that of a finished scan is there.

    Args:
        ref: Where the row is.
        item: The row of a `ScanResult` or a `FailedRow`.
        token: Signs it.
        now: The time, in seconds since the epoch.
        rejected: A row that is there but has a wrong signature, to be replaced if it is still there.
    """
    condition = "attribute_not_exists(pk) OR #status <> :done OR #ttl < :now"
    names = {"#status": "status", "#ttl": TTL_ATTRIBUTE}
    values = attributes.to_item({":done": "done", ":now": now})
    if rejected is not None:
        names["#signature"] = SIGNATURE
        if SIGNATURE in rejected:
            condition += " OR #signature = :rejected"
            values[":rejected"] = rejected[SIGNATURE]
        else:
            condition += " OR attribute_not_exists(#signature)"
    return {
        "TableName": ref.table,
        "Item": signed(item, token),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def put_latest(ref: ResultRef, item: Item, order: str) -> Call:
    """Return PutItem's arguments to make a result the newest of its object, unless one of a newer version is there.

    Args:
        ref: Where the row of the result is.
        item: That row.
        order: What orders the versions of one object, such as S3's sequencer, padded.
    """
    indexed = {name for keys in INDEXES.values() for name in keys}  # without them, the row is in no index
    row = {name: attribute for name, attribute in item.items() if name not in indexed}
    row |= attributes.to_item({"sk": LATEST, "scan_sk": ref.sk, "version_order": order})
    return {
        "TableName": ref.table,
        "Item": row,
        "ConditionExpression": "attribute_not_exists(pk) OR #order <= :order",
        "ExpressionAttributeNames": {"#order": "version_order"},
        "ExpressionAttributeValues": attributes.to_item({":order": order}),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def read_notified(ref: ResultRef) -> Call:
    """Return GetItem's arguments to read which notifications were sent; see `sent_channels`."""
    return {
        "TableName": ref.table,
        "Key": key_of(ref),
        "ConsistentRead": True,
        "ProjectionExpression": "notified",
    }


def sent_channels(item: Item, scan_uid: str) -> set[str]:
    """Return the channels on which a scan has notified already, or is counted in the message of another one.

    A row may be the result of several scans, one after the other, each with recipients of its own.

    Args:
        item: The row, as far as `read_notified` asks for it.
        scan_uid: The LogScan's uid.
    """
    names = item.get("notified", {}).get("M", {})
    own = (name.removeprefix(f"{scan_uid}/") for name in names if name.startswith(f"{scan_uid}/"))
    return {name.removesuffix(end) for name in own for end in (SENT, GROUPED) if name.endswith(end)}


def note_notification(ref: ResultRef, scan_uid: str, channel: str, now: str, grouped: bool = False) -> Call:
    """Return UpdateItem's arguments to record that a scan has sent a notification, or is counted in that of another."""
    return _notified(ref, f"{scan_uid}/{channel}{GROUPED if grouped else SENT}", now)


def note_notification_error(ref: ResultRef, scan_uid: str, channel: str, error: str) -> Call:
    """Return UpdateItem's arguments to record why a scan's notification was not sent."""
    return _notified(ref, f"{scan_uid}/{channel}_error", error)


def _notified(ref: ResultRef, name: str, text: str) -> Call:
    return {
        "TableName": ref.table,
        "Key": key_of(ref),
        "UpdateExpression": "SET notified.#name = :text",
        "ConditionExpression": "attribute_exists(notified)",
        "ExpressionAttributeNames": {"#name": name},
        "ExpressionAttributeValues": attributes.to_item({":text": text}),
    }


def table_definition(name: str) -> Call:
    """Return CreateTable's arguments for the result table."""
    names = sorted({*KEYS, *(attribute for keys in INDEXES.values() for attribute in keys)})
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": "S"} for attribute in names],
        "KeySchema": _key_schema(*KEYS),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index,
                "KeySchema": _key_schema(*keys),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(INDEX_ATTRIBUTES)},
            }
            for index, keys in INDEXES.items()
        ],
    }


def _key_schema(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_key, "KeyType": "HASH"},
        {"AttributeName": range_key, "KeyType": "RANGE"},
    ]
