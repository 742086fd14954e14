"""The commands about dead letters, on the AWS emulator's queues."""

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from conftest import Done, Run

if TYPE_CHECKING:
    from logscan_local.stack.aws import Resources

pytestmark = pytest.mark.controlplane

HOSTILE = "not json \x9b2J\u202e"  # SQS refuses ESC itself, not the C1 form of it
Ask = Callable[..., Done]


@pytest.fixture
def sqs(emulator: "Resources") -> Any:
    from logscan_local.stack import aws

    client = aws.client("sqs", emulator.endpoint)
    for url in (emulator.queue_url, emulator.dead_letter_queue_url):
        client.purge_queue(QueueUrl=url)
    for number, body in enumerate(["first", HOSTILE, "third"]):
        client.send_message(
            QueueUrl=emulator.dead_letter_queue_url,
            MessageBody=body,
            MessageGroupId=f"group-{number}",
            MessageDeduplicationId=uuid.uuid4().hex,
        )
    return client


@pytest.fixture
def ask(emulator: "Resources", run: Run) -> Ask:
    def ask(*arguments: str) -> Done:
        return run(
            *("dlq", *arguments, "--queue", emulator.dead_letter_queue_url),
            AWS_ENDPOINT_URL=emulator.endpoint,
            AWS_DEFAULT_REGION="eu-central-1",
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
        )

    return ask


def bodies(sqs: Any, url: str) -> list[str]:
    """Receive all messages of a queue."""
    found: list[str] = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
        found += [message["Body"] for message in batch]
    return sorted(found)


def test_messages_are_shown_and_stay(ask: Ask, sqs: Any, emulator: "Resources") -> None:
    listed = ask("list", "-o", "json")
    assert listed.returncode == 0, listed.stderr
    found = json.loads(listed.stdout)
    assert len(found) == 3
    (number,) = [message["id"] for message in found if message["body"].startswith("not json")]
    shown = ask("show", number)
    assert "not json" in shown.stdout
    for text in (shown.stdout, ask("list").stdout, listed.stdout):
        assert "\x9b" not in text
        assert "\u202e" not in text
    assert bodies(sqs, emulator.dead_letter_queue_url) == sorted(["first", HOSTILE, "third"])


def test_a_message_that_there_is_not(ask: Ask, sqs: Any) -> None:
    assert ask("show", "nobody").returncode == 3


def test_messages_are_sent_again_and_deleted(ask: Ask, sqs: Any, emulator: "Resources") -> None:
    # SQS takes a message with an id that it has seen in the last five minutes for a duplicate, and drops it.
    again = {"MessageBody": "again", "MessageGroupId": "again", "MessageDeduplicationId": uuid.uuid4().hex}
    sqs.send_message(QueueUrl=emulator.queue_url, **again)
    (before,) = sqs.receive_message(QueueUrl=emulator.queue_url)["Messages"]
    sqs.delete_message(QueueUrl=emulator.queue_url, ReceiptHandle=before["ReceiptHandle"])
    sqs.send_message(QueueUrl=emulator.dead_letter_queue_url, **again)
    done = ask("redrive", "--to", emulator.queue_url)
    assert done.returncode == 0, done.stderr
    assert bodies(sqs, emulator.queue_url) == sorted(["again", "first", HOSTILE, "third"])
    assert bodies(sqs, emulator.dead_letter_queue_url) == []


def test_messages_of_standard_queues_are_sent_again_with_their_attributes(run: Run, emulator: "Resources") -> None:
    """As EventBridge leaves them, which SQS does not move itself."""
    from logscan_local.stack import aws

    client = aws.client("sqs", emulator.endpoint)
    letters, target = (client.create_queue(QueueName=name)["QueueUrl"] for name in ("standard-dlq", "standard"))
    attributes = {"ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}}
    client.send_message(QueueUrl=letters, MessageBody="late", MessageAttributes=attributes)
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-central-1"}
    done = run("dlq", "redrive", "--queue", letters, "--to", target, AWS_ENDPOINT_URL=emulator.endpoint, **keys)
    assert done.returncode == 0, done.stderr
    answer = client.receive_message(QueueUrl=target, MessageAttributeNames=["All"], WaitTimeSeconds=1)
    (message,) = answer["Messages"]
    assert (message["Body"], message["MessageAttributes"]["ERROR_CODE"]["StringValue"]) == ("late", "NO_PERMISSIONS")
    assert bodies(client, letters) == []


def test_a_message_that_cannot_be_sent_stays(ask: Ask, sqs: Any, emulator: "Resources") -> None:
    done = ask("redrive", "--to", emulator.queue_url.replace(".fifo", "-none.fifo"))
    assert done.returncode == 5
    assert "SendMessage" in done.stderr.splitlines()[-1]
    assert bodies(sqs, emulator.dead_letter_queue_url) == sorted(["first", HOSTILE, "third"])


def test_messages_are_not_sent_to_the_queue_that_they_are_in(ask: Ask, sqs: Any, emulator: "Resources") -> None:
    assert ask("redrive", "--to", emulator.dead_letter_queue_url).returncode == 2
    assert len(bodies(sqs, emulator.dead_letter_queue_url)) == 3
