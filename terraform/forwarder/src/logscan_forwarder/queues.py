"""Sending to SQS in batches. What SQS refuses for now is sent again; what it refuses for good is kept apart."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from logscan_forwarder.events import ObjectEvent, deduplication_id, group_id

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import BatchResultErrorEntryTypeDef, SendMessageBatchRequestEntryTypeDef

BATCH = 10  # SQS: entries of one SendMessageBatch
ATTEMPTS = 3
FIRST_WAIT_SECONDS = 0.2


@dataclass
class Sending:
    """The outcome for the events of one call."""

    sent: int = 0
    retried: int = 0
    refused: list[tuple[ObjectEvent, str]] = field(default_factory=list)  # for good, with the reason
    unsent: list[str] = field(default_factory=list)  # reasons of those that another call may still send


def send(queue: "SQSClient", url: str, events: list[ObjectEvent]) -> Sending:
    """Send events, and send those again that SQS did not accept, after a growing pause.

    Sending an event twice is harmless: both have the same deduplication id, and SQS keeps one.

    Args:
        queue: A client of SQS.
        url: The FIFO queue.
        events: What to send, in order.
    """
    sending = Sending()
    for start in range(0, len(events), BATCH):
        batch = events[start : start + BATCH]
        for pause in _pauses():
            failed = _send_once(queue, url, batch)
            sending.sent += len(batch) - len(failed)
            sending.refused += [(batch[n], reason) for n, reason, for_good in failed if for_good]
            batch = [batch[n] for n, _, for_good in failed if not for_good]
            if not batch:
                break
            if pause is None:
                sending.unsent += [reason for _, reason, for_good in failed if not for_good]
            else:
                sending.retried += len(batch)
                time.sleep(pause)
    return sending


def keep(queue: "SQSClient", url: str, record: object, reason: str) -> None:
    """Put what cannot be forwarded into the queue of failures, in the form of Lambda's own on-failure destination.

    The forwarder reads that form again.
    """
    body = json.dumps({"requestPayload": record, "responsePayload": {"errorMessage": reason}}, default=str)
    queue.send_message(QueueUrl=url, MessageBody=body)


def _pauses() -> Iterator[float | None]:
    yield from (FIRST_WAIT_SECONDS * 2**n for n in range(ATTEMPTS - 1))
    yield None


def _send_once(queue: "SQSClient", url: str, events: list[ObjectEvent]) -> list[tuple[int, str, bool]]:
    """Return which events SQS did not accept: position, reason, and whether that is final."""
    answer = queue.send_message_batch(QueueUrl=url, Entries=[_entry(n, event) for n, event in enumerate(events)])
    return [(int(f["Id"]), _reason(f), f["SenderFault"]) for f in answer.get("Failed", [])]


def _entry(number: int, event: ObjectEvent) -> "SendMessageBatchRequestEntryTypeDef":
    return {
        "Id": str(number),
        "MessageBody": json.dumps(event, ensure_ascii=False, separators=(",", ":")),
        "MessageGroupId": group_id(event),
        "MessageDeduplicationId": deduplication_id(event),
    }


def _reason(failure: "BatchResultErrorEntryTypeDef") -> str:
    return f"{failure['Code']}: {failure.get('Message', '')}"
