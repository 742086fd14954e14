"""Every shape of message that people send, as recorded, and what is made of it."""

import json
from typing import Any

import pytest

from logscan_api.errors import MalformedMessageError
from logscan_api.events import ObjectEvent, is_creation, parse_message

RECORD: dict[str, Any] = {
    "eventVersion": "2.3",
    "eventSource": "aws:s3",
    "awsRegion": "eu-central-1",
    "eventTime": "2026-11-24T08:00:00.000Z",
    "eventName": "ObjectCreated:Put",
    "s3": {
        "s3SchemaVersion": "1.0",
        "bucket": {"name": "logs", "arn": "arn:aws:s3:::logs"},
        "object": {
            "key": "a+b/%2Bplus/gr%C3%B6%C3%9Fe.log",
            "size": 10,
            "eTag": "d41d8cd98f00b204e9800998ecf8427e",
            "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
            "sequencer": "0055AED6DCD90281E5",
        },
    },
}
EVENTBRIDGE: dict[str, Any] = {
    "version": "0",
    "id": "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "time": "2026-11-24T08:00:00Z",
    "region": "eu-central-1",
    "detail": {
        "bucket": {"name": "logs"},
        "object": {
            "key": "a+b/%41.log",
            "size": 5,
            "etag": "abc",
            "version-id": "v1",
            "sequencer": "00617F08299329D189",
        },
        "reason": "PutObject",
    },
}


def test_our_envelope_is_taken_as_it_is() -> None:
    event = ObjectEvent(bucket="logs", key="a b+c.log", etag="abc", size=3)
    assert parse_message(event.model_dump_json(by_alias=True)) == [event]


def test_keys_of_notification_records_are_decoded_once() -> None:
    (event,) = parse_message(json.dumps({"Records": [RECORD]}))
    assert event.key == "a b/+plus/größe.log"
    assert event.version_id == "096fKKXTRTtl3on89fVO.nfljtsv6qko"
    assert event.sequencer == "0055AED6DCD90281E5"


def test_keys_of_eventbridge_are_not_decoded() -> None:
    (event,) = parse_message(json.dumps(EVENTBRIDGE))
    assert (event.key, event.version_id, event.etag, event.size) == ("a+b/%41.log", "v1", "abc", 5)


def test_sns_wraps_a_notification() -> None:
    wrapped = {"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": json.dumps({"Records": [RECORD]})}
    assert parse_message(json.dumps(wrapped)) == parse_message(json.dumps({"Records": [RECORD]}))


@pytest.mark.parametrize(
    "document",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"},
        {"Records": [{**RECORD, "eventName": "ObjectRemoved:Delete"}]},
        {"Records": []},
        {**EVENTBRIDGE, "detail-type": "Object Deleted"},
    ],
)
def test_what_announces_no_object_gives_none(document: dict[str, Any]) -> None:
    assert parse_message(json.dumps(document)) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("not json", "not JSON"),
        ("[1]", "list"),
        ('{"hello": 1}', "hello"),
        ('{"schema": 2, "bucket": "logs", "key": "a"}', "schema"),
        ('{"schema": 1, "bucket": "logs"}', "key"),
        ('{"schema": 1, "bucket": "logs", "key": "a", "colour": "red"}', "colour"),
        ('{"Records": [{"eventName": "ObjectCreated:Put"}]}', "s3"),
        ('{"Records": ["x"]}', "AttributeError"),
    ],
)
def test_what_cannot_be_read_says_why(body: str, words: str) -> None:
    with pytest.raises(MalformedMessageError, match=words):
        parse_message(body)


@pytest.mark.parametrize(
    ("name", "creation"),
    [("ObjectCreated:Copy", True), ("s3:ObjectCreated:Put", True), ("ObjectRestore:Completed", False), ("", False)],
)
def test_creations(name: str, creation: bool) -> None:
    assert is_creation(name) is creation
