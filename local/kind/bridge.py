"""Stands in for Lambda where the emulator cannot run it: hands S3's notifications to the forwarder's own handler.

S3 -> standard queue -> this -> `logscan_forwarder.handler` -> FIFO queue. Needs botocore and the forwarder's package on
the path, nothing else. As with Lambda, an event is given up after three calls: then it stays in the queue of failures.

Environment: UPLOADS_QUEUE_URL, QUEUE_URL, FAILURE_QUEUE_URL, AWS_ENDPOINT_URL and credentials.
"""

import json
import os
import signal
import sys
from types import FrameType
from typing import Any

from botocore.config import Config
from botocore.session import get_session

from logscan_forwarder.handler import handler
from logscan_forwarder.queues import keep

CALLS = 3
WAIT_SECONDS = 5
RETRY_SECONDS = 2


class Bridge:
    """Receives until it is told to stop."""

    def __init__(self) -> None:
        self.stopping = False
        config = Config(read_timeout=WAIT_SECONDS + 10, retries={"mode": "standard", "max_attempts": 5})
        self._sqs: Any = get_session().create_client("sqs", config=config)
        self._url = os.environ["UPLOADS_QUEUE_URL"]

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """End after what is in hand."""
        self.stopping = True

    def run(self) -> None:
        """Hand over one notification after the other."""
        while not self.stopping:
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
            for message in answer.get("Messages", []):
                self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        event = json.loads(message["Body"])
        try:
            handler(event, None)
        except Exception as error:
            sys.stderr.write(f"not forwarded: {error}\n")
            if int(message["Attributes"]["ApproximateReceiveCount"]) < CALLS:
                self._sqs.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=RETRY_SECONDS
                )
                return
            keep(self._sqs, os.environ["FAILURE_QUEUE_URL"], event, str(error))
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])


if __name__ == "__main__":
    bridge = Bridge()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, bridge.stop)
    bridge.run()
