"""Messages in a dead-letter queue: shown without taking them, and sent again without losing any.

SQS cannot show a message without receiving it, and hides it meanwhile. Of a FIFO queue, it gives no later message of a
group while an earlier one is hidden.
"""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3

from kubectl_logscan.awscalls import asked
from kubectl_logscan.errors import AwsError, NotFoundError

HIDDEN_SECONDS = 120  # longer than a command takes for one batch of ten
AT_ONCE = 10
FIFO = ".fifo"

Message = dict[str, Any]


class DeadLetters:
    """A dead-letter queue, by the credentials and region that the AWS CLI would use."""

    def __init__(self, url: str) -> None:
        """Read the configuration of AWS; nothing is asked yet.

        Args:
            url: The URL of the dead-letter queue.

        Raises:
            AwsError: The configuration is incomplete.
        """
        self._url = url
        self._client: Any = asked(lambda: boto3.client("sqs"), "reads SQS")

    def held(self, most: int) -> list[Message]:
        """Return messages, and make them visible again, so that nothing is taken from the queue.

        Args:
            most: How many, at most.

        Raises:
            AwsError: SQS did not answer, or refused.
        """
        found: list[Message] = []
        try:
            while len(found) < most and (batch := self._receive(min(AT_ONCE, most - len(found)))):
                found += batch
        finally:
            for message in reversed(found):
                self._show(message)
        return found

    def message(self, number: str, most: int) -> Message:
        """Return a message by its id.

        Raises:
            NotFoundError: It is not among those that SQS gives.
            AwsError: SQS did not answer, or refused.
        """
        for message in self.held(most):
            if message["MessageId"] == number:
                return message
        raise NotFoundError(
            f"no message {number}: `kubectl logscan dlq list` shows the ids, and another reader may hide it"
        )

    def redrive(self, target: str, most: int) -> Iterator[Message]:
        """Send messages again, each before it is deleted here, and yield those for which both is done.

        Args:
            target: The URL of the queue that they are sent to.
            most: How many, at most.

        Raises:
            AwsError: SQS did not answer, or refused; the message stays, and may have been sent already.
        """
        moved = 0
        while moved < most and (batch := self._receive(min(AT_ONCE, most - moved))):
            for place, message in enumerate(batch):
                try:
                    self._send(target, message)
                    self._delete(message)
                except BaseException:
                    for rest in reversed(batch[place:]):
                        with suppress(AwsError):  # it is visible again in two minutes, and the first error says more
                            self._show(rest)
                    raise
                moved += 1
                yield message

    def _receive(self, most: int) -> list[Message]:
        arguments = {
            "QueueUrl": self._url,
            "MaxNumberOfMessages": most,
            "VisibilityTimeout": HIDDEN_SECONDS,
            "WaitTimeSeconds": 1,
            "MessageAttributeNames": ["All"],
            "MessageSystemAttributeNames": ["All"],
        }
        found: list[Message] = asked(lambda: self._client.receive_message(**arguments), "ReceiveMessage").get(
            "Messages", []
        )
        return found

    def _send(self, target: str, message: Message) -> None:
        arguments = {"QueueUrl": target, "MessageBody": message["Body"]}
        if attributes := message.get("MessageAttributes"):
            arguments["MessageAttributes"] = attributes
        if target.endswith(FIFO):
            # A new id: SQS accepts and then drops one that it has seen in the last five minutes, and what is deleted
            # here afterwards would be lost. A message that comes twice is one LogScan, by its name.
            arguments["MessageDeduplicationId"] = uuid.uuid4().hex
            arguments["MessageGroupId"] = message["Attributes"].get("MessageGroupId", message["MessageId"])
        asked(lambda: self._client.send_message(**arguments), f"SendMessage to {target}")

    def _delete(self, message: Message) -> None:
        handle = message["ReceiptHandle"]
        asked(lambda: self._client.delete_message(QueueUrl=self._url, ReceiptHandle=handle), "DeleteMessage")

    def _show(self, message: Message) -> None:
        where = {"QueueUrl": self._url, "ReceiptHandle": message["ReceiptHandle"]}
        asked(lambda: self._client.change_message_visibility(**where, VisibilityTimeout=0), "ChangeMessageVisibility")
