"""Groups of notifications: at most one message in so many seconds from a policy on a channel, which counts the others.

An item of the result table stands for a policy and a channel. It says when the next message may leave, which scan waits
to send that one, and how many other scans are counted in it. Every step is one conditional update, so that of many
scans that end at the same time one sends, one waits, and the others are counted. See docs/notifications.md.
"""

from collections.abc import Mapping
from typing import Any

from logscan_api import attributes
from logscan_api.attributes import Item
from logscan_api.rules import Severity
from logscan_api.statuses import ResultRef
from logscan_api.table import TTL_ATTRIBUTE, Call, key_of

FAILED, UNMATCHED = "failed", "unmatched"
WORDS = (*reversed(Severity), FAILED, UNMATCHED)  # by which scans are counted
LEASE_SECONDS = 60  # after the end of the window, until a scan that waits counts as gone
KEPT_SECONDS = 86400  # after which DynamoDB may delete the item
_COUNTS = {f"#{word}": f"n_{word}" for word in WORDS}


def group_of(table: str, namespace: str, policy: str, channel: str) -> ResultRef:
    """Return where the item of a policy and a channel is; like a row, it belongs to its namespace."""
    return ResultRef(table=table, pk=f"{namespace}#G#{policy}", sk=channel)


def open_window(ref: ResultRef, now: int, seconds: int) -> Call:
    """Return UpdateItem's arguments to send now, if no message was sent in the window and no scan waits."""
    free = "attribute_not_exists(next_at) OR (next_at <= :now AND (attribute_not_exists(waiter) OR lease < :now))"
    return _sending(ref, free, {":now": now}, now + seconds)


def end_wait(ref: ResultRef, uid: str, now: int, seconds: int) -> Call:
    """Return UpdateItem's arguments to send after the wait, if it is still this scan that waits."""
    return _sending(ref, "waiter = :uid", {":uid": uid}, now + seconds)


def wait(ref: ResultRef, uid: str, now: int, seconds: int) -> Call:
    """Return UpdateItem's arguments to wait for the end of the window, if no other scan does."""
    return _update(
        ref,
        "SET waiter = :uid, lease = :lease",
        "next_at > :now AND (attribute_not_exists(waiter) OR lease < :now OR waiter = :uid)",
        {":uid": uid, ":now": now, ":lease": now + seconds + LEASE_SECONDS},
    )


def join(ref: ResultRef, uid: str, word: str) -> Call:
    """Return UpdateItem's arguments to be counted by the scan that waits, if there is another one.

    Args:
        ref: The item.
        uid: The LogScan that is counted.
        word: One of `WORDS`.
    """
    call = _update(ref, "ADD #count :one", "attribute_exists(waiter) AND waiter <> :uid", {":uid": uid, ":one": 1})
    return {**call, "ExpressionAttributeNames": {"#count": f"n_{word}"}}


def counted(item: Mapping[str, Any]) -> dict[str, int]:
    """Return how many scans an item has counted, by word, the worst first."""
    values: Any = attributes.from_item(dict(item))
    return {word: int(values[name]) for word in WORDS if values.get(name := f"n_{word}")}


def next_at(item: Item) -> int:
    """Return the second from which the next message may leave."""
    return int(item["next_at"]["N"])


def _sending(ref: ResultRef, condition: str, values: dict[str, Any], until: int) -> Call:
    dropped = ", ".join(["waiter", "lease", *_COUNTS])
    call = _update(
        ref,
        f"SET next_at = :until, #ttl = :kept REMOVE {dropped}",
        condition,
        {**values, ":until": until, ":kept": until + KEPT_SECONDS},
    )
    return {**call, "ExpressionAttributeNames": {"#ttl": TTL_ATTRIBUTE, **_COUNTS}}


def _update(ref: ResultRef, update: str, condition: str, values: dict[str, Any]) -> Call:
    return {
        "TableName": ref.table,
        "Key": key_of(ref),
        "UpdateExpression": update,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": attributes.to_item(values),
        "ReturnValues": "ALL_OLD",
    }
