"""Every shape of message, as recorded, good and bad.

The forwarder's parser is tested with the same table (terraform/forwarder/tests).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from logscan_api.events import ObjectEvent, read_message

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("messages.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_is_in_a_message(case: dict[str, Any]) -> None:
    reading = read_message(json.dumps(case["document"]))
    assert [event.model_dump(by_alias=True, exclude_none=True) for event in reading.events] == case["events"]
    assert (len(reading.ignored), len(reading.malformed)) == (case["ignored"], case["malformed"])


def test_our_envelope_is_read_as_it_is() -> None:
    event = ObjectEvent(bucket="logs", key="a b+c.log", etag="abc", size=3)
    assert read_message(event.model_dump_json(by_alias=True)).events == [event]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("not json", "not JSON"),
        ("", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("[1]", "an array"),
        ('{"hello": 1}', "hello"),
        ('{"schema": 2, "bucket": "logs", "key": "a"}', "schema is 2, this version reads 1: upgrade the operator"),
        ('{"schema": 1, "bucket": "logs"}', "key: is required"),
        ('{"schema": 1, "bucket": "a/b", "key": "a"}', "bucket: must match"),
        ('{"Records": [{"eventName": "ObjectCreated:Put"}]}', "lacks s3"),
        ('{"Records": ["x"]}', "a record is a string"),
        ('{"Records": [{"eventSource": "aws:ses"}]}', "a record of 'aws:ses'"),
        ('{"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail"}', "AWS API Call via CloudTrail"),
    ],
)
def test_what_cannot_be_read_says_why(body: str, words: str) -> None:
    (reason,) = read_message(body).malformed
    assert words in reason
