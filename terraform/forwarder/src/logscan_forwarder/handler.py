"""The Lambda handler: send what was created to the FIFO queue, keep what never can be, raise for the rest.

Lambda calls again after an error, twice, and then hands the event to its on-failure destination, which is the same
queue of failures. A retry sends messages anew that were taken the first time; deduplication makes that harmless.
"""

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.session import get_session

from logscan_forwarder import metrics
from logscan_forwarder.events import read
from logscan_forwarder.queues import keep, send

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class ForwardError(Exception):
    """Some messages were not taken by the queue; Lambda shall call again."""


@cache
def client() -> "SQSClient":
    """Return the client of SQS: botocore's own, since boto3 only adds to a cold start (benchmarks/README.md)."""
    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 3})
    return cast("SQSClient", get_session().create_client("sqs", config=config))


# While Lambda prepares the process it has a whole processor; the first call would have a fraction of one.
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    client()


def handler(event: Any, _context: object) -> dict[str, int]:
    """Forward one notification.

    Args:
        event: S3's notification or EventBridge's event.
        _context: Lambda's context; not used.

    Returns:
        How many objects were `forwarded`, `skipped` (nothing to scan) and `rejected` (kept in the queue of failures).

    Raises:
        ForwardError: SQS did not take everything, or nothing is set to keep what cannot be forwarded.
        ClientError: SQS refused the call.
    """
    reading = read(event)
    sending = send(client(), os.environ["QUEUE_URL"], reading.events)
    rejected = [(r.record, r.reason) for r in reading.rejected] + sending.refused
    counts = {"forwarded": sending.sent, "skipped": reading.skipped, "rejected": len(rejected)}
    _tell(Forwarded=sending.sent, Skipped=reading.skipped, Rejected=len(rejected), Retried=sending.retried)
    if sending.unsent:  # before anything is kept: Lambda calls again, and then keeps the event as a whole
        reasons = "; ".join(sorted(set(sending.unsent)))
        raise ForwardError(f"{len(sending.unsent)} of {len(reading.events)} messages were not taken: {reasons}")
    _keep(rejected)
    return counts


def _keep(rejected: list[tuple[Any, str]]) -> None:
    url = os.environ.get("FAILURE_QUEUE_URL")
    if rejected and not url:
        raise ForwardError(
            f"{len(rejected)} records cannot be forwarded: {rejected[0][1]}; no FAILURE_QUEUE_URL is set"
        )
    for record, reason in rejected:
        keep(client(), str(url), record, reason)


def _tell(**counts: int) -> None:
    # Not by `logging`: Lambda wraps its lines, and the metrics would not be found.
    sys.stdout.write(metrics.line(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "logscan-forwarder"), **counts) + "\n")
