"""The forwarder sends every event to the queue, or reports a failure."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from records import record

from logscan_forwarder import handler as module
from logscan_forwarder import queues
from logscan_forwarder.events import deduplication_id, group_id, read
from logscan_forwarder.handler import ForwardError, handler

QUEUE = "https://sqs.eu-central-1.amazonaws.com/1/logscan.fifo"
FAILURES = "https://sqs.eu-central-1.amazonaws.com/1/logscan-ingest-failures"


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
    """Return SQS's answer: the number of accepted messages, and the others (id, sender's fault, code)."""
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


def test_only_messages_that_failed_are_sent_again(queue: Stubber) -> None:
    expect(queue, ["a", "b", "c"], answer(1, ("1", False, "Throttled"), ("2", False, "Throttled")))
    expect(queue, ["b", "c"], answer(1, ("1", False, "InternalError")))
    expect(queue, ["c"], answer(1))
    assert handler({"Records": [record(key=k) for k in "abc"]}, None)["forwarded"] == 3


def test_a_message_that_keeps_failing_fails_the_call(queue: Stubber) -> None:
    expect(queue, ["a", "b"], answer(1, ("1", False, "Throttled")))
    for _ in range(2):
        expect(queue, ["b"], answer(0, ("0", False, "Throttled")))
    with pytest.raises(ForwardError, match="1 of 2 messages were not accepted: Throttled: so"):
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


def test_while_the_queue_accepts_nothing_the_failure_queue_keeps_all(queue: Stubber) -> None:
    for _ in range(3):
        expect(queue, ["a"], answer(0, ("0", False, "Throttled")))
    with pytest.raises(ForwardError, match="1 of 1 messages were not accepted"):
        handler({"Records": [message_of({"Records": [record(key="a")]})]}, None)


def test_messages_of_any_other_queue_are_kept_as_everything_else_is(queue: Stubber, sent: list[Any]) -> None:
    expect_kept(queue)
    result = handler({"Records": [message_of("garbage", "uploads")]}, None)
    assert (result["rejected"], len(sent)) == (1, 1)


def test_without_a_queue_of_failures_it_fails_the_call(queue: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAILURE_QUEUE_URL")
    with pytest.raises(ForwardError, match=r"no FAILURE_QUEUE_URL is set.*unknown kind"):
        handler({"hello": 1}, None)


def test_an_sqs_error_fails_the_call(queue: Stubber) -> None:
    queue.add_client_error("send_message_batch", "AccessDenied", "no", 403)
    with pytest.raises(ClientError, match="AccessDenied"):
        handler({"Records": [record()]}, None)


def test_nothing_to_forward_calls_nothing(queue: Stubber) -> None:
    assert handler({"Records": [record(size=0)]}, None) == {"forwarded": 0, "skipped": 1, "rejected": 0}


def test_each_call_writes_its_metrics(
    queue: Stubber, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "fn")
    expect(queue, ["a"], answer(0, ("0", False, "Throttled")))
    expect(queue, ["a"], answer(1))
    handler({"Records": [record(key="a"), record(size=0)]}, None)
    (line,) = capsys.readouterr().out.splitlines()
    metrics = json.loads(line)
    (definition,) = metrics["_aws"]["CloudWatchMetrics"]
    assert (definition["Namespace"], definition["Dimensions"]) == ("LogScan", [["FunctionName"]])
    assert {m["Name"]: metrics[m["Name"]] for m in definition["Metrics"]} == {
        "Forwarded": 1,
        "Skipped": 1,
        "Rejected": 0,
        "Retried": 1,
    }
    assert metrics["FunctionName"] == "fn"
    assert isinstance(metrics["_aws"]["Timestamp"], int)


def test_only_the_standard_library_and_botocore_are_imported() -> None:
    code = "import sys, logscan_forwarder.handler; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint({"pydantic", "logscan_api", "boto3"})
