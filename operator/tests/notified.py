"""A bucket that notifies a standard queue itself, as Terraform makes them without the forwarder."""

import json
from typing import Self

from places import Place

from logscan_local.stack import aws
from logscan_local.testkit.waiting import eventually

RECEIVES = 3  # before a message becomes a dead letter


class NotifiedQueue:
    """The bucket, the queue, and a standard dead-letter queue; a context manager."""

    def __init__(self, place: Place) -> None:
        """Create nothing yet.

        Args:
            place: Whose name they have, and whose emulator they are on.
        """
        self.bucket = f"uploads-{place.namespace}"
        self._name = place.namespace
        self._sqs = place.sqs
        self._s3 = aws.client("s3", place.state.resources.endpoint)
        self.url = self.dead_letters_url = ""

    def __enter__(self) -> Self:
        bucket_arn = aws.create_bucket(self._s3.meta.endpoint_url, self.bucket)
        self.dead_letters_url, dead_letters_arn = self._queue("dlq")
        redrive = {"deadLetterTargetArn": dead_letters_arn, "maxReceiveCount": RECEIVES}
        self.url, arn = self._queue("uploads", RedrivePolicy=json.dumps(redrive))
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {
                "ArnEquals": {"aws:SourceArn": bucket_arn},
                "StringEquals": {"aws:SourceAccount": aws.ACCOUNT},
            },
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self._sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})
        rule = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
        self._s3.put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={"QueueConfigurations": [rule]}
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._s3.put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration={})
        for url in (self.url, self.dead_letters_url):
            self._sqs.delete_queue(QueueUrl=url)

    def _queue(self, kind: str, **attributes: str) -> tuple[str, str]:
        url = str(self._sqs.create_queue(QueueName=f"{self._name}-{kind}", Attributes=attributes)["QueueUrl"])
        answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, str(answer["Attributes"]["QueueArn"])

    def upload(self, key: str, body: bytes = b"ERROR\n") -> None:
        """Upload an object."""
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def taken(self, count: int) -> list[str]:
        """Return the bodies of so many messages once they have come, and delete them."""
        found: list[str] = []

        def all_there() -> bool:
            answer = self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                found.append(message["Body"])
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            return len(found) >= count

        eventually(all_there, 30, lambda: f"{count} messages, instead of {len(found)}")
        return found

    def send(self, body: str) -> None:
        """Send a message."""
        self._sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def is_empty(self) -> bool:
        """Return whether the queue holds nothing, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return all(answer["Attributes"][name] == "0" for name in names)

    def dead_letters(self) -> list[str]:
        """Return the bodies of up to ten dead letters."""
        answer = self._sqs.receive_message(
            QueueUrl=self.dead_letters_url, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=0
        )
        return [message["Body"] for message in answer.get("Messages", [])]
