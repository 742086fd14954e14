"""The forwarder: recorded events in, messages with the right ids out, and every failure loud."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

from logscan_api.events import parse_message
from logscan_forwarder import handler as module
from logscan_forwarder import queues
from logscan_forwarder.events import deduplication_id, group_id, read
from logscan_forwarder.handler import ForwardError, handler

QUEUE = "https://sqs.eu-central-1.amazonaws.com/1/logscan.fifo"
FAILURES = "https://sqs.eu-central-1.amazonaws.com/1/logscan-ingest-failures"


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
    (event,) = read({"Records": [record(key=encoded)]}).events
    assert event["key"] == key


def test_keys_of_eventbridge_are_as_they_are() -> None:
    (event,) = read(EVENTBRIDGE).events
    assert (event["key"], event["versionId"]) == ("a+b/%41.log", "v")


def test_an_unversioned_bucket_gives_no_version() -> None:
    (event,) = read({"Records": [record(versionId=None)]}).events
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
    reading = read(event)
    assert (reading.events, reading.rejected) == ([], [])


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"hello": 1}, "neither an S3 notification nor an EventBridge event: fields hello"),
        (["Records"], "not an object but list"),
        (None, "not an object but NoneType"),
        ({"Records": [{}]}, "KeyError: 'eventName'"),
        ({"Records": [7]}, "TypeError"),
        ({"Records": [record(key="")]}, "no key"),
        ({"Records": [record(bucket="")]}, "no name of a bucket"),
        ({"Records": [record(key=5)]}, "Error"),
        ({"Records": [record(key="%ff.log")]}, "UnicodeDecodeError"),
        ({"Records": [{"eventName": "ObjectCreated:Put", "s3": None}]}, "TypeError"),
        ({**EVENTBRIDGE, "detail": {"bucket": {"name": "logs"}, "object": {"key": "\ud800"}}}, "UnicodeEncodeError"),
        ({"source": "aws.s3"}, "KeyError: 'detail-type'"),
    ],
)
def test_what_cannot_be_read_is_rejected_with_the_reason(event: Any, reason: str) -> None:
    (rejected,) = read(event).rejected
    assert reason in rejected.reason


def test_one_bad_record_spoils_no_other() -> None:
    reading = read({"Records": [record(key="a.log"), {"bad": 1}, record(size=0), record(key="b.log")]})
    assert [e["key"] for e in reading.events] == ["a.log", "b.log"]
    assert ([r.record for r in reading.rejected], reading.skipped) == ([{"bad": 1}], 1)


@pytest.mark.parametrize("event", [{"Records": [record(versionId="v1")]}, {"Records": [record()]}, EVENTBRIDGE])
def test_the_operator_reads_what_the_forwarder_writes(event: dict[str, Any]) -> None:
    (forwarded,) = read(event).events
    (understood,) = parse_message(json.dumps(forwarded))
    assert understood.model_dump(by_alias=True, exclude_none=True) == forwarded
    assert parse_message(json.dumps(event)) == [understood]


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
    one, other = (read({"Records": [record(versionId=v, sequencer=v)]}).events[0] for v in ("1", "2"))
    assert group_id(one) == group_id(other)
    assert deduplication_id(one) != deduplication_id(other)


NAMES = st.sampled_from(["Records", "source", "detail", "detail-type", "s3", "eventName", "Event", "key", "x"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=15,
)


@given(ANYTHING)
def test_no_event_is_lost_without_a_word(event: Any) -> None:
    reading = read(event)
    records = event["Records"] if isinstance(event, dict) and isinstance(event.get("Records"), list) else [event]
    assert len(reading.events) + len(reading.rejected) + reading.skipped == len(records)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_any_key_survives_its_encoding(key: str) -> None:
    reading = read({"Records": [record(key=quote_plus(key))]})
    assert [e["key"] for e in reading.events] == ([] if key.endswith("/") else [key])


@pytest.fixture
def sent() -> list[Any]:
    """Return the bodies that went to the queue of failures, filled by `queue`."""
    return []


@pytest.fixture
def queue(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    sqs = boto3.client("sqs", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setenv("QUEUE_URL", QUEUE)
    monkeypatch.setenv("FAILURE_QUEUE_URL", FAILURES)
    monkeypatch.setattr(module, "client", lambda: sqs)
    monkeypatch.setattr(queues, "FIRST_WAIT_SECONDS", 0.0)

    def remember(params: dict[str, Any], **_: Any) -> None:
        sent.append(json.loads(params["MessageBody"]))

    sqs.meta.events.register("provide-client-params.sqs.SendMessage", remember)
    with Stubber(sqs) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answer(taken: int, *failed: tuple[str, bool, str]) -> dict[str, Any]:
    """Return SQS's answer: how many it took, and which not (id, whether it is the sender's fault, code)."""
    entries = [{"Id": f"t{n}", "MessageId": "m", "MD5OfMessageBody": "d"} for n in range(taken)]
    return {
        "Successful": entries,
        "Failed": [{"Id": i, "SenderFault": f, "Code": c, "Message": "so"} for i, f, c in failed],
    }


def expect(queue: Stubber, keys: list[str], result: dict[str, Any]) -> None:
    """Let the queue expect a batch with these objects."""
    events = read({"Records": [record(key=k) for k in keys]}).events
    entries = [
        {
            "Id": str(n),
            "MessageBody": json.dumps(event, separators=(",", ":")),
            "MessageGroupId": group_id(event),
            "MessageDeduplicationId": deduplication_id(event),
        }
        for n, event in enumerate(events)
    ]
    queue.add_response("send_message_batch", result, {"QueueUrl": QUEUE, "Entries": entries})


def test_messages_go_out_ten_at_a_time_with_their_ids(queue: Stubber) -> None:
    keys = [f"{n}.log" for n in range(23)]
    for start in (0, 10, 20):
        expect(queue, keys[start : start + 10], answer(len(keys[start : start + 10])))
    result = handler({"Records": [record(key=k) for k in keys]}, None)
    assert result == {"forwarded": 23, "skipped": 0, "rejected": 0}


def test_only_what_was_not_taken_is_sent_again(queue: Stubber) -> None:
    expect(queue, ["a", "b", "c"], answer(1, ("1", False, "Throttled"), ("2", False, "Throttled")))
    expect(queue, ["b", "c"], answer(1, ("1", False, "InternalError")))
    expect(queue, ["c"], answer(1))
    assert handler({"Records": [record(key=k) for k in "abc"]}, None)["forwarded"] == 3


def test_what_is_never_taken_fails_the_call(queue: Stubber) -> None:
    expect(queue, ["a", "b"], answer(1, ("1", False, "Throttled")))
    for _ in range(2):
        expect(queue, ["b"], answer(0, ("0", False, "Throttled")))
    with pytest.raises(ForwardError, match="1 of 2 messages were not taken: Throttled: so"):
        handler({"Records": [record(key="a"), record(key="b"), {"bad": 1}]}, None)


def expect_kept(queue: Stubber) -> None:
    """Let the queue of failures expect a message."""
    queue.add_response("send_message", {"MessageId": "m"}, {"QueueUrl": FAILURES, "MessageBody": ANY})


def test_a_message_that_sqs_refuses_for_good_is_kept_with_the_reason(queue: Stubber, sent: list[Any]) -> None:
    expect(queue, ["a", "b"], answer(1, ("0", True, "InvalidMessageContents")))
    expect_kept(queue)
    assert handler({"Records": [record(key="a"), record(key="b")]}, None) == {
        "forwarded": 1,
        "skipped": 0,
        "rejected": 1,
    }
    assert sent[-1]["requestPayload"]["key"] == "a"
    assert sent[-1]["responsePayload"] == {"errorMessage": "InvalidMessageContents: so"}


def test_a_record_that_cannot_be_read_is_kept_and_the_others_go_on(queue: Stubber, sent: list[Any]) -> None:
    expect(queue, ["a"], answer(1))
    expect_kept(queue)
    handler({"Records": [record(key="a"), {"eventName": 1}]}, None)
    assert sent[-1]["requestPayload"] == {"eventName": 1}


def test_without_a_queue_of_failures_it_fails_the_call(queue: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAILURE_QUEUE_URL")
    with pytest.raises(ForwardError, match="1 records cannot be forwarded: neither an S3"):
        handler({"hello": 1}, None)


def test_an_sqs_error_fails_the_call(queue: Stubber) -> None:
    queue.add_client_error("send_message_batch", "AccessDenied", "no", 403)
    with pytest.raises(ClientError, match="AccessDenied"):
        handler({"Records": [record()]}, None)


def test_nothing_to_forward_calls_nothing(queue: Stubber) -> None:
    assert handler({"Records": [record(size=0)]}, None) == {"forwarded": 0, "skipped": 1, "rejected": 0}


def test_each_call_tells_its_metrics(
    queue: Stubber, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "fn")
    expect(queue, ["a"], answer(0, ("0", False, "Throttled")))
    expect(queue, ["a"], answer(1))
    handler({"Records": [record(key="a"), record(size=0)]}, None)
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    (definition,) = told["_aws"]["CloudWatchMetrics"]
    assert (definition["Namespace"], definition["Dimensions"]) == ("LogScan", [["FunctionName"]])
    assert {m["Name"]: told[m["Name"]] for m in definition["Metrics"]} == {
        "Forwarded": 1,
        "Skipped": 1,
        "Rejected": 0,
        "Retried": 1,
    }
    assert told["FunctionName"] == "fn"
    assert isinstance(told["_aws"]["Timestamp"], int)


def test_only_the_standard_library_and_botocore_are_imported() -> None:
    code = "import sys, logscan_forwarder.handler; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint({"pydantic", "logscan_api", "boto3"})
