"""The forwarder: recorded events in, messages with the right ids out, and every failure loud."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

from logscan_api.events import ObjectEvent, parse_message
from logscan_forwarder import handler as module
from logscan_forwarder.events import deduplication_id, group_id, object_events
from logscan_forwarder.handler import ForwardError, handler

QUEUE = "https://sqs.eu-central-1.amazonaws.com/1/logscan.fifo"


def record(name: str = "ObjectCreated:Put", bucket: str = "logs", **stored: Any) -> dict[str, Any]:
    """Return a notification record as S3 sends it."""
    facts = {"key": "a.log", "size": 3, "eTag": "abc", "sequencer": "0055AED6DCD90281E5", **stored}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-11-24T08:00:00.000Z",
        "eventName": name,
        "s3": {"bucket": {"name": bucket}, "object": {k: v for k, v in facts.items() if v is not None}},
    }


EVENTBRIDGE: dict[str, Any] = {
    "detail-type": "Object Created",
    "source": "aws.s3",
    "time": "2026-11-24T08:00:00Z",
    "region": "eu-central-1",
    "detail": {
        "bucket": {"name": "logs"},
        "object": {"key": "a+b/%41.log", "size": 5, "etag": "abc", "version-id": "v"},
    },
}


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("a.log", "a.log"),
        ("a+b.log", "a b.log"),
        ("a%2Bb.log", "a+b.log"),
        ("a%252Bb.log", "a%2Bb.log"),
        ("gr%C3%B6%C3%9Fe/%E6%97%A5.log", "größe/日.log"),
    ],
)
def test_keys_are_decoded_exactly_once(encoded: str, key: str) -> None:
    (event,) = object_events({"Records": [record(key=encoded)]})
    assert event["key"] == key


def test_keys_of_eventbridge_are_as_they_are() -> None:
    (event,) = object_events(EVENTBRIDGE)
    assert (event["key"], event["versionId"]) == ("a+b/%41.log", "v")


def test_an_unversioned_bucket_gives_no_version() -> None:
    (event,) = object_events({"Records": [record(versionId=None)]})
    assert "versionId" not in event


@pytest.mark.parametrize(
    "event",
    [
        {"Records": [record(key="folder/")]},
        {"Records": [record(size=0)]},
        {"Records": [record("ObjectRemoved:Delete")]},
        {"Records": [record("ObjectRestore:Completed")]},
        {"Records": []},
        {"Event": "s3:TestEvent", "Bucket": "logs"},
        {**EVENTBRIDGE, "detail-type": "Object Deleted"},
    ],
)
def test_what_is_not_to_be_scanned_is_skipped(event: dict[str, Any]) -> None:
    assert object_events(event) == []


def test_anything_else_is_loud() -> None:
    with pytest.raises(ValueError, match="neither an S3 notification"):
        object_events({"hello": 1})


@pytest.mark.parametrize("event", [{"Records": [record(versionId="v1")]}, {"Records": [record()]}, EVENTBRIDGE])
def test_the_operator_reads_what_the_forwarder_writes(event: dict[str, Any]) -> None:
    (forwarded,) = object_events(event)
    (read,) = parse_message(json.dumps(forwarded))
    assert read.model_dump(by_alias=True, exclude_none=True) == forwarded
    assert parse_message(json.dumps(event)) == [read]


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200)
IDENTITY = st.tuples(TEXT, TEXT, st.none() | TEXT, st.none() | TEXT, st.none() | TEXT)


def event_of(identity: tuple[str, str, str | None, str | None, str | None]) -> dict[str, Any]:
    fields = zip(("bucket", "key", "versionId", "sequencer", "etag"), identity, strict=True)
    return {name: value for name, value in fields if value is not None}


@given(IDENTITY)
def test_ids_are_what_sqs_takes(identity: Any) -> None:
    for one in (group_id(event_of(identity)), deduplication_id(event_of(identity))):
        assert 0 < len(one) <= 128
        assert one.isascii()
        assert one.isalnum()


@given(IDENTITY, IDENTITY)
def test_equal_events_and_only_those_share_a_deduplication_id(one: Any, other: Any) -> None:
    def canonical(identity: Any) -> Any:
        return tuple("-" if part is None else part for part in identity)

    equal = deduplication_id(event_of(one)) == deduplication_id(event_of(other))
    assert equal == (canonical(one) == canonical(other))


def test_versions_of_an_object_share_a_group() -> None:
    one, other = (object_events({"Records": [record(versionId=v, sequencer=v)]})[0] for v in ("1", "2"))
    assert group_id(one) == group_id(other)
    assert deduplication_id(one) != deduplication_id(other)


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    sqs = boto3.client("sqs", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setenv("QUEUE_URL", QUEUE)
    monkeypatch.setattr(module, "_queue", lambda: sqs)
    with Stubber(sqs) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def accepted(count: int) -> dict[str, Any]:
    entries = [{"Id": str(n), "MessageId": "m", "MD5OfMessageBody": "d"} for n in range(count)]
    return {"Successful": entries, "Failed": []}


def test_messages_go_out_ten_at_a_time(queue: Stubber) -> None:
    for count in (10, 10, 3):
        queue.add_response("send_message_batch", accepted(count), {"QueueUrl": QUEUE, "Entries": ANY})
    assert handler({"Records": [record(key=f"{n}.log") for n in range(23)]}, None) == {"forwarded": 23}


def test_a_message_carries_its_ids(queue: Stubber) -> None:
    (event,) = object_events({"Records": [record()]})
    entry = {
        "Id": "0",
        "MessageBody": json.dumps(event, separators=(",", ":")),
        "MessageGroupId": group_id(event),
        "MessageDeduplicationId": deduplication_id(event),
    }
    queue.add_response("send_message_batch", accepted(1), {"QueueUrl": QUEUE, "Entries": [entry]})
    handler({"Records": [record()]}, None)
    ObjectEvent.model_validate_json(entry["MessageBody"])


def test_a_refused_message_fails_the_call(queue: Stubber) -> None:
    failed = {"Failed": [{"Id": "1", "SenderFault": False, "Code": "Throttled", "Message": "slow down"}]}
    queue.add_response("send_message_batch", {**accepted(1), **failed}, {"QueueUrl": QUEUE, "Entries": ANY})
    with pytest.raises(ForwardError, match="1 of 2 messages were refused: Throttled: slow down"):
        handler({"Records": [record(), record(key="b.log")]}, None)


def test_an_sqs_error_fails_the_call(queue: Stubber) -> None:
    queue.add_client_error("send_message_batch", "AccessDenied", "no", 403)
    with pytest.raises(Exception, match="AccessDenied"):
        handler({"Records": [record()]}, None)


def test_nothing_to_forward_calls_nothing(queue: Stubber) -> None:
    assert handler({"Records": [record(size=0)]}, None) == {"forwarded": 0}


def test_only_the_standard_library_and_boto3_are_imported() -> None:
    code = "import sys, logscan_forwarder.handler; print([m for m in ('pydantic', 'logscan_api') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
