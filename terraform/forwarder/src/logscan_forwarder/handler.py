"""The Lambda handler: send created objects to the FIFO queue, keep what can never be sent, raise for the rest.

After an error, Lambda calls the handler twice more and then sends the event to its on-failure destination, which is the
queue of failures. A retry sends messages again that the queue accepted the first time; deduplication makes that
harmless.

The queue of failures may also be the source, through an event source mapping that is enabled for a redrive. A message
that still cannot be forwarded stays there, so that no copy of it circulates.
"""

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.session import get_session

from logscan_forwarder import metrics
from logscan_forwarder.events import Reading, read
from logscan_forwarder.queues import Sending, keep, send

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class ForwardError(Exception):
    """The queue did not accept some messages; Lambda calls again."""


@cache
def client() -> "SQSClient":
    """Return the client of SQS: botocore's own, since boto3 only adds to a cold start (benchmarks/README.md)."""
    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 3})
    return cast("SQSClient", get_session().create_client("sqs", config=config))


# While Lambda prepares the process it has a whole processor; the first call would have a fraction of one.
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    client()


def handler(event: Any, _context: object) -> dict[str, Any]:
    """Forward one notification, or messages of the queue of failures.

    Args:
        event: What S3, EventBridge, SNS or SQS calls with.
        _context: Lambda's context; not used.

    Returns:
        How many objects were `forwarded`, `skipped` (nothing to scan) and `rejected` (kept in the queue of failures).
        For messages of that queue instead `batchItemFailures`, those that stay in it (Lambda developer guide,
        "Implementing partial batch responses").

    Raises:
        ForwardError: SQS did not accept everything, or no queue of failures is configured.
        ClientError: SQS refused the call.
    """
    if _is_redrive(event):
        return {"batchItemFailures": _redrive(event["Records"])}
    reading = read(event)
    sending, rejected = _forward(reading)
    for document, reason in rejected:
        keep(client(), _failure_queue(reason), document, reason)
    return {"forwarded": sending.sent, "skipped": reading.skipped, "rejected": len(rejected)}


def _redrive(records: list[Any]) -> list[dict[str, str]]:
    """Forward messages of the queue of failures; return those that stay there."""
    staying = []
    for record in records:
        _, rejected = _forward(read({"Records": [record]}))
        if rejected:
            sys.stderr.write(f"message {record['messageId']} stays in the queue of failures: {rejected[0][1]}\n")
            staying.append({"itemIdentifier": record["messageId"]})
    return staying


def _forward(reading: Reading) -> tuple[Sending, list[tuple[Any, str]]]:
    """Send what was read; return the outcome, and what can never be sent with the reason.

    Raises:
        ForwardError: Another call may send the rest.
    """
    sending = send(client(), os.environ["QUEUE_URL"], reading.events)
    rejected = [(r.document, r.reason) for r in reading.rejected] + sending.refused
    _report(Forwarded=sending.sent, Skipped=reading.skipped, Rejected=len(rejected), Retried=sending.retried)
    if sending.unsent:  # before anything is kept: Lambda calls again, and then keeps the event as a whole
        reasons = "; ".join(sorted(set(sending.unsent)))
        raise ForwardError(f"{len(sending.unsent)} of {len(reading.events)} messages were not accepted: {reasons}")
    return sending, rejected


def _is_redrive(event: Any) -> bool:
    """Return whether an event consists of messages from the queue of failures."""
    records = event.get("Records") if isinstance(event, dict) else None
    name = os.environ.get("FAILURE_QUEUE_URL", "").rpartition("/")[2]
    if not (name and isinstance(records, list) and records):
        return False
    return all(isinstance(r, dict) and str(r.get("eventSourceARN")).rpartition(":")[2] == name for r in records)


def _failure_queue(reason: str) -> str:
    url = os.environ.get("FAILURE_QUEUE_URL")
    if not url:
        raise ForwardError(f"no FAILURE_QUEUE_URL is set, so that an event would be lost: {reason}")
    return url


def _report(**counts: int) -> None:
    # Not by `logging`: Lambda wraps its lines, and the metrics would not be found.
    sys.stdout.write(metrics.line(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "logscan-forwarder"), **counts) + "\n")
