"""What Terraform makes is what the code expects and what the stack on one machine creates."""

import json
from typing import Any

import pytest
from conftest import QUEUE_ATTRIBUTES, Outputs

from logscan_api.table import INDEX_ATTRIBUTES, INDEXES, KEYS, TTL_ATTRIBUTE
from logscan_local.stack import aws
from logscan_tools.terraform.configuration import TERRAFORM, blocks


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


def _names(policy: dict[str, Any]) -> dict[str, Any]:
    """Return a redrive policy with queues' names for their ARNs, whose accounts differ."""

    def short(value: Any) -> Any:
        return value.rsplit(":", 1)[-1] if isinstance(value, str) else value

    return {k: [short(one) for one in v] if isinstance(v, list) else short(v) for k, v in policy.items()}
