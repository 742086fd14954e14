"""The Lambda handler: send what was created to the FIFO queue, or raise so that Lambda tries again.

A retry sends messages anew that were taken the first time; their deduplication ids make that harmless.
"""

import json
import logging
import os
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

from logscan_forwarder.events import ObjectEvent, deduplication_id, group_id, object_events

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10  # SQS: entries of one SendMessageBatch

log = logging.getLogger("logscan.forwarder")
log.setLevel(logging.INFO)


class ForwardError(Exception):
    """Some messages were not taken by the queue; Lambda shall call again."""


@cache
def _queue() -> "SQSClient":
    return boto3.client("sqs")


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Forward one notification.

    Args:
        event: S3's notification or EventBridge's event.
        _context: Lambda's context; not used.

    Returns:
        `{"forwarded": n}`.

    Raises:
        ForwardError: SQS refused part of a batch (`Failed[]`).
        ValueError: The event is no S3 event.
    """
    events = object_events(event)
    for batch in _batches(events):
        _send(batch)
    log.info(json.dumps({"message": "forwarded", "count": len(events)}))
    return {"forwarded": len(events)}


def _batches(events: list[ObjectEvent]) -> Iterator[list[ObjectEvent]]:
    for start in range(0, len(events), BATCH):
        yield events[start : start + BATCH]


def _send(events: list[ObjectEvent]) -> None:
    entries: list[SendMessageBatchRequestEntryTypeDef] = [
        {
            "Id": str(number),
            "MessageBody": json.dumps(event, ensure_ascii=False, separators=(",", ":")),
            "MessageGroupId": group_id(event),
            "MessageDeduplicationId": deduplication_id(event),
        }
        for number, event in enumerate(events)
    ]
    answer = _queue().send_message_batch(QueueUrl=os.environ["QUEUE_URL"], Entries=entries)
    failed = answer.get("Failed", [])
    if failed:
        reasons = sorted({f"{f['Code']}: {f.get('Message', '')}" for f in failed})
        raise ForwardError(f"{len(failed)} of {len(entries)} messages were refused: {'; '.join(reasons)}")
