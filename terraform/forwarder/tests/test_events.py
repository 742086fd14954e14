"""What the forwarder reads from an event, and the ids that it derives."""

import copy
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import record

from logscan_api.events import read_message
from logscan_forwarder.events import Reading, deduplication_id, group_id, read

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
def test_sqs_accepts_the_ids(identity: Any) -> None:
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
def test_every_event_is_read_skipped_or_rejected(event: Any) -> None:
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
