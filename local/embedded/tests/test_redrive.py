"""The queue of failures, handed to the real forwarder again as docs/operations.md says, on the emulator over HTTP."""

import json
from typing import Any

import pytest

from logscan_api.events import read_message
from logscan_local.stack import aws
from logscan_local.testkit.waiting import eventually

pytestmark = pytest.mark.emulator


def notification(key: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    stored = {"key": key, "size": 3, "eTag": "abc", "sequencer": "01"}
    return {"eventSource": "aws:s3", "eventName": name, "s3": {"bucket": {"name": "logs"}, "object": stored}}


EVENTBRIDGE = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "logs"}, "object": {"key": "by-bridge.log", "size": 3, "etag": "abc"}},
}
BODIES: list[Any] = [
    {"requestPayload": {"Records": [notification("failed.log")]}, "responsePayload": {"errorMessage": "throttled"}},
    EVENTBRIDGE,
    {"requestPayload": {"schema": 1, "bucket": "logs", "key": "kept.log"}, "responsePayload": {}},
]


def test_what_could_not_be_forwarded_is_forwarded_once_it_is_redriven(emulator: aws.Resources) -> None:
    sqs, functions = aws.client("sqs", emulator.endpoint), aws.client("lambda", emulator.endpoint)
    for body in (*map(json.dumps, BODIES), "garbage"):
        sqs.send_message(QueueUrl=emulator.failure_queue_url, MessageBody=body)
    (mapping,) = functions.list_event_source_mappings(FunctionName=aws.FORWARDER)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    found: set[str] = set()

    def forwarded() -> bool:
        answer = sqs.receive_message(QueueUrl=emulator.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            found.update(event.key for event in read_message(message["Body"]).events)
        return found == {"failed.log", "by-bridge.log", "kept.log"}

    eventually(forwarded, 90, lambda: f"all to be forwarded, instead of {found}")
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def left() -> int:
        answer = sqs.get_queue_attributes(QueueUrl=emulator.failure_queue_url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    eventually(lambda: left() == 1, 30, "only what cannot be read to be left")
    sqs.purge_queue(QueueUrl=emulator.failure_queue_url)
