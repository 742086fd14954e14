"""The dead-letter queue of a place."""

import json

from places import Place


class DeadLetters:
    """A queue that gets the messages that were received too often without being deleted."""

    def __init__(self, place: Place, receives: int) -> None:
        """Create it.

        Args:
            place: Whose queue's dead letters it gets.
            receives: After how many receives (SQS, `maxReceiveCount`).
        """
        self._sqs = place.sqs
        created = self._sqs.create_queue(QueueName=f"{place.namespace}-dlq.fifo", Attributes={"FifoQueue": "true"})
        self._url = created["QueueUrl"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        redrive = {"deadLetterTargetArn": answer["Attributes"]["QueueArn"], "maxReceiveCount": receives}
        self._sqs.set_queue_attributes(QueueUrl=place.queue_url, Attributes={"RedrivePolicy": json.dumps(redrive)})

    def bodies(self) -> list[str]:
        """Return the bodies of up to ten messages in it."""
        answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in answer.get("Messages", [])]
