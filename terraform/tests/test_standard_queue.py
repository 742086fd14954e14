"""Without the forwarder: S3 and EventBridge feed the queue that Terraform describes, and the operator can read it.

The messages are the emulator's. It evaluates the queue's policy for each notification of S3, not for EventBridge, whose
events lack the version there.
"""

import json

import pytest
from conftest import QUEUE_ATTRIBUTES, Evaluate, Outputs

from logscan_api.events import ObjectEvent, read_message
from logscan_local.stack import aws
from logscan_local.testkit.waiting import eventually

pytestmark = [pytest.mark.tools, pytest.mark.emulator]

DIRECT, LISTENED = "direct-uploads", "listened-uploads"
BUCKETS = {DIRECT: {"notification": "direct"}, LISTENED: {"prefixes": ["größe +%/"]}}
KEY = "größe +%/a+b.log"


@pytest.fixture(scope="module")
def described(documents: Evaluate) -> Outputs:
    """Return what Terraform makes for the emulator's account."""
    place = {"id": aws.ACCOUNT, "region": aws.REGION}
    return documents(account=place, create_forwarder=False, existing_buckets=BUCKETS)


@pytest.fixture(scope="module")
def queue(emulator: aws.Resources, described: Outputs) -> str:
    """Return the URL of the queue."""
    return [_create(emulator, described, kind) for kind in ("dead_letter", "main")][-1]


def _create(emulator: aws.Resources, described: Outputs, kind: str) -> str:
    shape, policy = described["queues"][kind], described["queue_policies"][kind]
    values = {QUEUE_ATTRIBUTES[key]: value for key, value in shape.items() if value is not None and key != "fifo_queue"}
    attributes = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    # The emulator is reached without TLS, which a statement of the policy denies.
    allowed = [statement for statement in policy["Statement"] if statement["Sid"] != "DenyWithoutTls"]
    attributes["Policy"] = json.dumps({**policy, "Statement": allowed})
    name = described["names"][{"main": "queue", "dead_letter": "dead_letter_queue"}[kind]]
    sqs = aws.client("sqs", emulator.endpoint)
    return str(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def announced(emulator: aws.Resources, queue: str) -> ObjectEvent:
    """Return the one upload that the queue's messages announce, and delete them."""
    sqs, found = aws.client("sqs", emulator.endpoint), list[ObjectEvent]()

    def received() -> list[ObjectEvent]:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            found.extend(read_message(message["Body"]).events)
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    (event,) = eventually(received, 30, "the upload to be announced")
    return event


def test_s3_may_send_for_the_buckets_that_are_named(emulator: aws.Resources, described: Outputs, queue: str) -> None:
    s3 = aws.client("s3", emulator.endpoint)
    rule = {"QueueArn": described["arns"]["queue"], "Events": ["s3:ObjectCreated:*"]}
    for bucket in ("of-nobody", DIRECT):
        aws.create_bucket(emulator.endpoint, bucket)
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [rule]}, SkipDestinationValidation=True
        )
    s3.put_object(Bucket="of-nobody", Key=KEY, Body=b"ERROR")
    version = s3.put_object(Bucket=DIRECT, Key=KEY, Body=b"ERROR")["VersionId"]
    event = announced(emulator, queue)
    assert (event.bucket, event.key, event.version_id) == (DIRECT, KEY, version)
    assert event.sequencer


def test_eventbridge_sends_what_its_pattern_matches(emulator: aws.Resources, described: Outputs, queue: str) -> None:
    s3, events = aws.client("s3", emulator.endpoint), aws.client("events", emulator.endpoint)
    aws.create_bucket(emulator.endpoint, LISTENED)
    s3.put_bucket_notification_configuration(
        Bucket=LISTENED, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    events.put_rule(Name="logscan-uploads", EventPattern=json.dumps(described["event_patterns"][LISTENED]))
    events.put_targets(Rule="logscan-uploads", Targets=[{"Id": "queue", "Arn": described["arns"]["queue"]}])
    s3.put_object(Bucket=LISTENED, Key="elsewhere.log", Body=b"ERROR")
    s3.put_object(Bucket=LISTENED, Key=KEY, Body=b"ERROR")
    event = announced(emulator, queue)
    assert (event.bucket, event.key, event.size) == (LISTENED, KEY, 5)
    assert event.sequencer
