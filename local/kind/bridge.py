"""Replaces Lambda where the emulator cannot run it: passes S3 notifications to the forwarder's own handler.

S3 -> standard queue -> this -> `logscan_forwarder.handler` -> FIFO queue. Needs botocore and the forwarder's package on
the path, nothing else. As with Lambda, an event is given up after three calls: then it stays in the queue of failures.

While the queue cannot be read (the emulator restarts, or has lost it), the bridge is not ready and tries again.

Environment: UPLOADS_QUEUE_URL, QUEUE_URL, FAILURE_QUEUE_URL, AWS_ENDPOINT_URL and credentials; READY_FILE, a file that
is there while the queue can be read.
"""

import json
import os
import signal
import sys
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from logscan_forwarder.handler import handler
from logscan_forwarder.queues import keep

CALLS = 3
WAIT_SECONDS = 5
RETRY_SECONDS = 2


class Bridge:
    """Receives until it is stopped."""

    def __init__(self) -> None:
        self._stopping = Event()
        config = Config(read_timeout=WAIT_SECONDS + 10, retries={"mode": "standard", "max_attempts": 5})
        self._sqs: Any = get_session().create_client("sqs", config=config)
        self._url = os.environ["UPLOADS_QUEUE_URL"]
        self._ready = Path(os.environ["READY_FILE"]) if "READY_FILE" in os.environ else None

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Stop after the current message."""
        self._stopping.set()

    def run(self) -> None:
        """Pass on one notification after the other."""
        self._report(ready=False)  # the file outlives a container that was restarted
        while not self._stopping.is_set():
            try:
                for message in self._receive():
                    self._take(message)
            except (BotoCoreError, ClientError) as error:
                sys.stderr.write(f"the queue {self._url} cannot be used: {error}\n")
                self._report(ready=False)
                self._stopping.wait(RETRY_SECONDS)

    def _receive(self) -> list[dict[str, Any]]:
        # The first look does not wait, so that the bridge is ready at once.
        seconds = WAIT_SECONDS if self._ready is None or self._ready.exists() else 0
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=seconds,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        self._report(ready=True)
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def _report(self, ready: bool) -> None:
        if self._ready is None:
            return
        if ready:
            self._ready.touch()
        else:
            self._ready.unlink(missing_ok=True)

    def _take(self, message: dict[str, Any]) -> None:
        event = message["Body"]
        try:
            event = json.loads(event)
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
