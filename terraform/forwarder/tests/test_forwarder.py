"""The forwarder: recorded events in, messages with the right ids out, and every failure loud."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

from logscan_api.events import read_message
from logscan_forwarder import handler as module
from logscan_forwarder import queues
from logscan_forwarder.events import Reading, deduplication_id, group_id, read
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


CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "crds" / "tests" / "messages.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_it_reads_what_the_operator_reads(case: dict[str, Any]) -> None:
    """The same table as crds/tests/test_events.py."""
    reading = read(case["document"])
    assert reading.events == case["events"]
    assert (reading.skipped, len(reading.rejected)) == (case["ignored"], case["malformed"])


# What is wrapped too often is unwrapped a little each time.
BAD = [case for case in CASES if case["malformed"] and "wrapped" not in case["name"]]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case["name"])
def test_what_is_rejected_is_rejected_again_when_it_is_read_again(case: dict[str, Any]) -> None:
    """Kept and redriven, a bad part neither gets lost nor takes good ones along."""
    for rejected in read(case["document"]).rejected:
        again = read({"requestPayload": rejected.document})
        assert (again.events, again.skipped, len(again.rejected)) == ([], 0, 1)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"hello": 1}, "unknown kind of event with the fields hello"),
        (["Records"], "an array, not an object"),
        ({"Records": [{}]}, "a record of None is not an S3 notification"),
        ({"Records": [7]}, "a record is a number, not an object"),
        ({"Records": [record(key="")]}, "key is missing"),
        ({"Records": [record(bucket="a/b")]}, "'a/b' is not a bucket name"),
        ({"Records": [record(key="%ff.log")]}, "s3.object.key '%ff.log' is not UTF-8"),
        ({"Records": [record(size="3")]}, "size is '3'"),
        ({"schema": 2, "bucket": "logs", "key": "a"}, "schema is 2, this version reads 1: upgrade the forwarder"),
        ({"Type": "Notification", "Message": "[" * 100_000}, "it wraps what is not JSON"),
    ],
)
def test_what_cannot_be_read_is_rejected_with_the_reason(event: Any, reason: str) -> None:
    (rejected,) = read(event).rejected
    assert reason in rejected.reason


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
    assert (deduplication_id(event_of(one)) == deduplication_id(event_of(other))) == (one == other)


def test_versions_of_an_object_share_a_group() -> None:
    one, other = (read({"Records": [record(versionId=v, sequencer=v)]}).events[0] for v in ("1", "2"))
    assert group_id(one) == group_id(other)
    assert deduplication_id(one) != deduplication_id(other)


def test_the_same_content_again_is_another_event() -> None:
    """A, B, A within the five minutes of SQS's deduplication: three messages, with versions and without."""
    for versions in (("v1", "v2", "v3"), (None, None, None)):
        uploads = zip(versions, ("01", "02", "03"), ("a", "b", "a"), strict=True)
        records = [record(versionId=version, sequencer=sequencer, eTag=etag) for version, sequencer, etag in uploads]
        assert len({deduplication_id(event) for event in read({"Records": records}).events}) == 3


SHAPES = ["Records", "source", "detail", "detail-type", "s3", "eventName", "eventSource", "Event", "key", "schema"]
SHAPES += ["Sns", "Message", "Type", "body", "requestPayload", "s3Bucket", "s3ObjectKey", "object", "bucket", "x"]
NAMES = st.sampled_from(SHAPES)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=15,
)


@given(ANYTHING)
def test_no_event_is_lost_without_a_word(event: Any) -> None:
    reading = assert_both_parsers_agree(event)
    assert reading.events or reading.rejected or reading.skipped


def assert_both_parsers_agree(event: Any) -> Reading:
    """Return what the forwarder reads, once the operator's parser has read the same."""
    reading, theirs = read(event), read_message(json.dumps(event))
    assert reading.events == [one.model_dump(by_alias=True, exclude_none=True) for one in theirs.events]
    assert (reading.skipped, len(reading.rejected)) == (len(theirs.ignored), len(theirs.malformed))
    return reading


ODD = [None, True, 0, -1, 3, 2.5, "", "/", "a/", "%ff", "%c3%a9+", "\ud800", "x" * 2000, [], [1], {}, {"key": "b.log"}]


@given(st.sampled_from(CASES), st.data())
def test_both_parsers_agree_on_documents_with_something_changed(case: dict[str, Any], data: st.DataObject) -> None:
    document = copy.deepcopy(case["document"])
    for _ in range(data.draw(st.integers(1, 3))):
        place = document
        while isinstance(place, dict | list) and place:
            where = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if data.draw(st.booleans()) or not isinstance(place[where], dict | list):
                place[where] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
                break
            place = place[where]
    assert_both_parsers_agree(document)


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
    assert sent[-1]["requestPayload"] == {"Records": [{"eventName": 1}]}


def message_of(body: Any, queue: str = "logscan-ingest-failures") -> dict[str, Any]:
    """Return a message of a queue, as Lambda hands it over."""
    text = body if isinstance(body, str) else json.dumps(body)
    arn = f"arn:aws:sqs:eu-central-1:1:{queue}"
    return {"messageId": text[:9], "body": text, "eventSource": "aws:sqs", "eventSourceARN": arn}


def test_messages_of_the_failure_queue_are_forwarded_and_only_bad_ones_stay(queue: Stubber, sent: list[Any]) -> None:
    expect(queue, ["a", "b"], answer(2))
    expect(queue, ["c"], answer(0, ("0", True, "InvalidMessageContents")))
    failed = {"requestPayload": {"Records": [record(key="a"), record(key="b")]}, "responsePayload": {}}
    kept = {"requestPayload": {"Records": [record(key="c")]}}
    bodies = [failed, "garbage", kept]
    result = handler({"Records": [message_of(body) for body in bodies]}, None)
    assert result == {"batchItemFailures": [{"itemIdentifier": message_of(body)["messageId"]} for body in bodies[1:]]}
    assert sent == [], "what stays there is not put there once more"


def test_while_the_queue_takes_nothing_the_failure_queue_keeps_all(queue: Stubber) -> None:
    for _ in range(3):
        expect(queue, ["a"], answer(0, ("0", False, "Throttled")))
    with pytest.raises(ForwardError, match="1 of 1 messages were not taken"):
        handler({"Records": [message_of({"Records": [record(key="a")]})]}, None)


def test_messages_of_any_other_queue_are_kept_as_everything_else_is(queue: Stubber, sent: list[Any]) -> None:
    expect_kept(queue)
    result = handler({"Records": [message_of("garbage", "uploads")]}, None)
    assert (result["rejected"], len(sent)) == (1, 1)


def test_without_a_queue_of_failures_it_fails_the_call(queue: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAILURE_QUEUE_URL")
    with pytest.raises(ForwardError, match="no FAILURE_QUEUE_URL is set: unknown kind"):
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
