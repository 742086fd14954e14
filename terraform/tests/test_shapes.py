"""What Terraform makes is what the code expects and what the stack on one machine creates."""

import json
from typing import Any

import pytest
from conftest import Evaluate, Outputs

from logscan_api.events import ObjectEvent, read_message
from logscan_api.table import INDEX_ATTRIBUTES, INDEXES, KEYS, TTL_ATTRIBUTE
from logscan_local.stack import aws
from logscan_local.testkit.waiting import eventually
from logscan_tools.terraform.configuration import TERRAFORM, blocks

QUEUE_ATTRIBUTES = {
    "fifo_queue": "FifoQueue",
    "deduplication_scope": "DeduplicationScope",
    "fifo_throughput_limit": "FifoThroughputLimit",
    "content_based_deduplication": "ContentBasedDeduplication",
    "visibility_timeout_seconds": "VisibilityTimeout",
    "receive_wait_time_seconds": "ReceiveMessageWaitTimeSeconds",
    "message_retention_seconds": "MessageRetentionPeriod",
    "redrive_policy": "RedrivePolicy",
    "redrive_allow_policy": "RedriveAllowPolicy",
}


@pytest.mark.tools
def test_the_table_is_that_of_the_code(everything: Outputs) -> None:
    table = everything["table"]
    assert (table["hash_key"], table["range_key"]) == KEYS
    assert {name: (i["hash_key"], i["range_key"]) for name, i in table["indexes"].items()} == INDEXES
    assert table["projected"] == list(INDEX_ATTRIBUTES)
    assert table["ttl_attribute"] == TTL_ATTRIBUTE


def test_the_resource_has_every_part_of_the_shape() -> None:
    """The module's output is one thing; the resource must use all of it."""
    (table,) = [b for b in blocks("resource") if b.type == "aws_dynamodb_table"]
    text = json.dumps(table.body)
    for part in ("hash_key", "range_key", "indexes", "projected", "ttl_attribute"):
        assert f"module.documents.table.{part}" in text
    queues = {b.address.split(".")[1]: b for b in blocks("resource") if b.type == "aws_sqs_queue"}
    for attribute in QUEUE_ATTRIBUTES:
        for queue, block in queues.items():
            if attribute in block.arguments:
                shape = "var.failure_queue" if queue == "failures" else f"module.documents.queues.{queue}"
                assert f"{shape}.{attribute}" in block.arguments[attribute]
    root = (TERRAFORM / "main.tf").read_text()
    assert all(
        f"module.documents.queues.failures.{name}" in root
        for name in ("visibility_timeout_seconds", "message_retention_seconds")
    )


@pytest.mark.tools
@pytest.mark.emulator
def test_the_stack_on_one_machine_creates_the_same_table(emulator: aws.Resources, everything: Outputs) -> None:
    dynamodb = aws.client("dynamodb", emulator.endpoint)
    table = dynamodb.describe_table(TableName=emulator.table)["Table"]
    shape = everything["table"]

    def keys(of: dict[str, Any]) -> list[str]:
        return [k["AttributeName"] for k in sorted(of["KeySchema"], key=lambda k: str(k["KeyType"]))]

    assert keys(table) == [shape["hash_key"], shape["range_key"]]
    made = {i["IndexName"]: i for i in table["GlobalSecondaryIndexes"]}
    assert {name: keys(i) for name, i in made.items()} == {
        name: [i["hash_key"], i["range_key"]] for name, i in shape["indexes"].items()
    }
    for index in made.values():
        assert index["Projection"]["ProjectionType"] == "INCLUDE"
        assert sorted(index["Projection"]["NonKeyAttributes"]) == sorted(shape["projected"])
    ttl = dynamodb.describe_time_to_live(TableName=emulator.table)["TimeToLiveDescription"]
    assert ttl == {"AttributeName": shape["ttl_attribute"], "TimeToLiveStatus": "ENABLED"}


@pytest.mark.tools
@pytest.mark.emulator
@pytest.mark.parametrize("queue", ["main", "dead_letter", "failures"])
def test_the_stack_on_one_machine_creates_the_same_queues(
    queue: str, emulator: aws.Resources, everything: Outputs
) -> None:
    urls = {
        "main": emulator.queue_url,
        "dead_letter": emulator.dead_letter_queue_url,
        "failures": emulator.failure_queue_url,
    }
    sqs = aws.client("sqs", emulator.endpoint)
    made = sqs.get_queue_attributes(QueueUrl=urls[queue], AttributeNames=["All"])["Attributes"]
    assert (
        urls[queue].rsplit("/", 1)[-1]
        == everything["names"][
            {"main": "queue", "dead_letter": "dead_letter_queue", "failures": "failure_queue"}[queue]
        ]
    )
    for attribute, value in everything["queues"][queue].items():
        name = QUEUE_ATTRIBUTES[attribute]
        if isinstance(value, dict):
            assert _names(json.loads(made[name])) == _names(value), name
        else:
            assert made.get(name, "false").lower() == str(value).lower(), name


@pytest.mark.tools
@pytest.mark.emulator
def test_s3_feeds_the_standard_queue_that_terraform_describes(emulator: aws.Resources, documents: Evaluate) -> None:
    """The emulator evaluates the queue's policy for each notification, and delivers S3's own messages."""
    buckets = {"direct-uploads": {"notification": "direct"}}
    place = {"id": aws.ACCOUNT, "region": aws.REGION}
    made = documents(account=place, create_forwarder=False, existing_buckets=buckets)
    sqs, s3 = aws.client("sqs", emulator.endpoint), aws.client("s3", emulator.endpoint)
    policies = made["queue_policies"]
    _create(sqs, made["names"]["dead_letter_queue"], made["queues"]["dead_letter"], policies["dead_letter"])
    queue = _create(sqs, made["names"]["queue"], made["queues"]["main"], policies["main"])
    rule = {"QueueArn": made["arns"]["queue"], "Events": ["s3:ObjectCreated:*"]}
    for bucket in (*buckets, "of-nobody"):
        aws.create_bucket(emulator.endpoint, bucket)
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [rule]}, SkipDestinationValidation=True
        )
    s3.put_object(Bucket="of-nobody", Key="a.log", Body=b"ERROR")
    version = s3.put_object(Bucket="direct-uploads", Key="größe +%.log", Body=b"ERROR")["VersionId"]
    found: list[ObjectEvent] = []

    def announced() -> list[ObjectEvent]:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        found.extend(event for m in answer.get("Messages", []) for event in read_message(m["Body"]).events)
        return found

    (event,) = eventually(announced, 30, "the upload to be announced")
    assert (event.bucket, event.key, event.version_id) == ("direct-uploads", "größe +%.log", version)
    assert event.sequencer


def _create(sqs: Any, name: str, shape: dict[str, Any], policy: dict[str, Any]) -> str:
    """Create a queue of a shape, with the attributes that SQS wants as text, and return its URL."""
    values = {QUEUE_ATTRIBUTES[key]: value for key, value in shape.items() if value is not None and key != "fifo_queue"}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    # The emulator is reached without TLS, which a statement of the policy denies.
    allowed = [statement for statement in policy["Statement"] if statement["Sid"] != "DenyWithoutTls"]
    if allowed:
        texts["Policy"] = json.dumps({**policy, "Statement": allowed})
    return str(sqs.create_queue(QueueName=name, Attributes=texts)["QueueUrl"])


def _names(policy: dict[str, Any]) -> dict[str, Any]:
    """Return a redrive policy with queues' names for their ARNs, whose accounts differ."""

    def short(value: Any) -> Any:
        return value.rsplit(":", 1)[-1] if isinstance(value, str) else value

    return {k: [short(one) for one in v] if isinstance(v, list) else short(v) for k, v in policy.items()}
