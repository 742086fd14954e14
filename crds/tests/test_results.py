"""The result of a scan: its row in DynamoDB and back, and what a status shows of it."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from logscan_api import attributes
from logscan_api.errors import MalformedResultError
from logscan_api.incomplete import Incomplete
from logscan_api.models import Model
from logscan_api.results import SHOWN_INCOMPLETE, Bin, Sample, ScanResult
from logscan_api.rules import Severity
from logscan_api.statuses import ResultRef
from logscan_api.table import put_latest, put_result, table_definition

NOW = datetime(2026, 11, 24, 8, 0, 0, 123000, tzinfo=UTC)


def result(**changes: Any) -> ScanResult:
    facts: dict[str, Any] = {
        "ref": ResultRef(table="t", pk="O#logs#a", sk="S#V:v1#h"),
        "bucket": "logs",
        "key": "a",
        "started_at": NOW,
        "finished_at": NOW,
        "objects": 1,
        "bytes": 10,
        "decompressed_bytes": 20,
        "lines": 4,
        "matched_lines": 3,
        "cut_records": 0,
        "by_rule": {"one": 1, "two": 2, "none": 0},
        "by_severity": {Severity.INFO: 1, Severity.ERROR: 2, Severity.CRITICAL: 0},
        "severities": {"one": Severity.INFO, "two": Severity.ERROR, "none": Severity.CRITICAL},
        "samples": [Sample(rule="two", line=1, offset=0, text="boom")],
        "formats": ["plain"],
        "scan": "a",
        "scan_uid": "u",
        "job_uid": "j",
        "attempt": 1,
        "scanner_version": "0",
        "expires_at": int(NOW.timestamp()) + 86400,
    }
    return ScanResult.model_validate({**facts, **changes})


M = TypeVar("M", bound=Model)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
COUNT = st.integers(0, 2**63)
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC) | st.timezones())
SEVERITIES = st.sampled_from(Severity)


def built(model: type[M], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[M]:
    """Return a strategy for a model. `st.builds` would add the fields' aliases once the model is complete."""
    return st.fixed_dictionaries(fields).map(model.model_validate)


RESULTS = built(
    ScanResult,
    ref=built(ResultRef, table=st.just("t"), pk=TEXT, sk=TEXT, report_uri=st.none(), html_report_uri=st.none()),
    bucket=TEXT,
    key=TEXT,
    prefix=st.booleans(),
    version_id=st.none() | TEXT,
    etag=st.none() | TEXT,
    started_at=TIMES,
    finished_at=TIMES,
    objects=COUNT,
    bytes=COUNT,
    decompressed_bytes=COUNT,
    lines=COUNT,
    matched_lines=COUNT,
    cut_records=COUNT,
    by_rule=st.dictionaries(TEXT, COUNT, max_size=3),
    by_severity=st.dictionaries(SEVERITIES, COUNT),
    severities=st.dictionaries(TEXT, SEVERITIES, max_size=3),
    samples=st.lists(
        built(
            Sample,
            rule=TEXT,
            line=COUNT,
            offset=COUNT,
            text=TEXT,
            key=st.none() | TEXT,
            before=st.none() | st.lists(TEXT, max_size=2),
            after=st.none() | st.lists(TEXT, max_size=2),
        ),
        max_size=2,
    ),
    first_match_at=st.none() | TIMES,
    last_match_at=st.none() | TIMES,
    histogram_seconds=st.none() | COUNT,
    histogram=st.lists(
        built(Bin, start=TIMES, by_severity=st.dictionaries(SEVERITIES, COUNT)),
        max_size=3,
        unique_by=lambda bin_: bin_.start,
    ),
    incomplete=st.lists(
        built(Incomplete, reason=TEXT, rule=st.none() | TEXT, object=st.none() | TEXT, message=st.none() | TEXT),
        max_size=2,
    ),
    report_uri=st.none() | TEXT,
    html_report_uri=st.none() | TEXT,
    formats=st.lists(TEXT, max_size=2),
    scan=TEXT,
    scan_uid=TEXT,
    job_uid=TEXT,
    attempt=COUNT,
    scanner_version=TEXT,
    expires_at=COUNT,
)


@given(RESULTS)
def test_a_row_read_back_is_the_result_that_was_written(wanted: ScanResult) -> None:
    assert ScanResult.from_item("t", wanted.to_item()) == wanted


@given(RESULTS)
def test_a_row_is_what_dynamodb_accepts(wanted: ScanResult) -> None:
    item = wanted.to_item()
    plain = attributes.from_item(item)
    assert {name: TypeSerializer().serialize(value) for name, value in plain.items()} == item


def test_keys_and_indexes_of_a_row() -> None:
    item = attributes.from_item(result().to_item())
    assert (item["pk"], item["sk"], item["status"]) == ("O#logs#a", "S#V:v1#h", "done")
    assert item["bucket_day"] == "logs#2026-11-24"
    assert item["day_shard"].startswith("2026-11-24#")
    assert item["finished_id"].startswith("2026-11-24T08:00:00.123Z#")
    assert item["expires_at"] == int(NOW.timestamp()) + 86400
    assert item["error_day"] == "E#2026-11-24"
    assert item["severity_finished"] == "error#2026-11-24T08:00:00.123Z"


def test_the_index_of_errors_is_sparse() -> None:
    mild = result(by_severity={Severity.WARNING: 5, Severity.ERROR: 0})
    assert "error_day" not in mild.to_item()
    assert mild.worst_severity is Severity.WARNING
    assert result(by_severity={Severity.ERROR: 0}).worst_severity is None


def test_attributes_of_others_are_ignored() -> None:
    """Notifications leave theirs, and so may a newer version."""
    item = {**result().to_item(), **attributes.to_item({"email_sent_at": "2026", "colour": {"red": [True]}})}
    assert ScanResult.from_item("t", item) == result()
    latest = ScanResult.from_item("t", put_latest(result().ref, result().to_item(), "01")["Item"])
    assert latest is not None
    assert latest.ref.sk == "LATEST"


def test_what_is_no_finished_scan_is_no_result() -> None:
    assert ScanResult.from_item("t", attributes.to_item({"pk": "p", "sk": "s", "status": "failed"})) is None
    assert ScanResult.from_item("t", attributes.to_item({"pk": "p", "sk": "s"})) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "schema: must be 1, got 2"),
        ({"lines": "many"}, "lines: must be a whole number"),
        ({"histogram": "none"}, "histogram"),
        ({"samples": 3}, "samples"),
    ],
)
def test_a_row_that_cannot_be_read_says_which_and_why(change: dict[str, Any], words: str) -> None:
    with pytest.raises(MalformedResultError, match=words) as refusal:
        ScanResult.from_item("t", {**result().to_item(), **attributes.to_item(change)})
    assert "the row O#logs#a, S#V:v1#h of the table t" in str(refusal.value)


def test_times_are_kept_to_the_millisecond() -> None:
    precise = result(finished_at=NOW + timedelta(microseconds=999))
    assert precise == result()


def test_a_summary_names_the_rules_with_the_most_lines() -> None:
    summary = result().summary()
    assert [(top.rule, top.lines, top.severity) for top in summary.top_rules] == [
        ("two", 2, Severity.ERROR),
        ("one", 1, Severity.INFO),
    ]
    assert summary.worst_severity == Severity.ERROR


def test_a_complete_scan_says_nothing_of_completeness() -> None:
    assert "incomplete" not in result().summary().wire()
    assert result().to_item()["partial"] == {"BOOL": False}


@pytest.mark.parametrize("reason", ["MatchLimit", "MaxBytes", "Unheard"])
def test_what_was_not_counted_is_in_the_summary(reason: str) -> None:
    part = {"reason": reason, "rule": "one", "object": "k" * 1000, "message": "m" * 1000}
    partial = result(incomplete=[part] * 9)
    summary = partial.summary()
    assert partial.to_item()["partial"] == {"BOOL": True}
    assert len(summary.incomplete or []) == SHOWN_INCOMPLETE
    first = (summary.incomplete or [])[0]
    assert (first.reason, first.rule, len(first.object or ""), first.message) == (reason, "one", 60, None)


def test_the_table_declares_exactly_the_attributes_of_its_keys() -> None:
    table = table_definition("t")
    declared = {a["AttributeName"] for a in table["AttributeDefinitions"]}
    schemas = [table["KeySchema"], *(index["KeySchema"] for index in table["GlobalSecondaryIndexes"])]
    assert declared == {key["AttributeName"] for schema in schemas for key in schema}
    assert declared <= set(result().to_item())
    assert not declared & set(put_latest(result().ref, result().to_item(), "01")["Item"]) - {"pk", "sk"}, (
        "the newest row is in no index"
    )


def test_calls_name_every_placeholder() -> None:
    for call in (
        put_result(result().ref, result().to_item(), "token", 1),
        put_latest(result().ref, result().to_item(), "01"),
    ):
        expression = call["ConditionExpression"]
        assert all(
            name in expression for name in (*call["ExpressionAttributeNames"], *call["ExpressionAttributeValues"])
        )
