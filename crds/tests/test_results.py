"""The row in DynamoDB and what a status shows of it."""

from datetime import UTC, datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from logscan_api.results import Sample, ScanResult, summarize, table_definition
from logscan_api.rules import Severity
from logscan_api.statuses import ResultRef

NOW = datetime(2026, 11, 24, 8, 0, 0, 123000, tzinfo=UTC)


def result(**changes: Any) -> ScanResult:
    facts: dict[str, Any] = {
        "ref": ResultRef(table="t", pk="O#logs#a", sk="S#v1#h"),
        "bucket": "logs",
        "key": "a",
        "started_at": NOW,
        "finished_at": NOW,
        "objects": 1,
        "bytes": 10,
        "decompressed_bytes": 20,
        "lines": 4,
        "matched_lines": 3,
        "long_lines": 0,
        "by_rule": {"one": 1, "two": 2, "none": 0},
        "by_severity": {Severity.INFO: 1, Severity.ERROR: 2, Severity.CRITICAL: 0},
        "severities": {"one": Severity.INFO, "two": Severity.ERROR, "none": Severity.CRITICAL},
        "samples": [Sample(rule="two", line=1, offset=0, text="boom")],
        "truncated": False,
        "formats": ["plain"],
        "job_uid": "j",
        "attempt": 1,
        "scanner_version": "0",
        "ttl_days": 1,
    }
    return ScanResult.model_validate({**facts, **changes})


def test_a_row_is_what_dynamodb_takes_and_comes_back_equal() -> None:
    item = result().to_item()
    stored = {name: TypeSerializer().serialize(value) for name, value in item.items()}
    assert {name: TypeDeserializer().deserialize(value) for name, value in stored.items()} == item


def test_keys_and_indexes_of_a_row() -> None:
    item = result().to_item()
    assert (item["pk"], item["sk"], item["status"]) == ("O#logs#a", "S#v1#h", "done")
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


def test_a_summary_names_the_rules_with_the_most_lines() -> None:
    summary = summarize(result().to_item())
    assert [(top.rule, top.lines, top.severity) for top in summary.top_rules] == [
        ("two", 2, Severity.ERROR),
        ("one", 1, Severity.INFO),
    ]
    assert summary.worst_severity == Severity.ERROR


def test_the_table_declares_exactly_the_attributes_of_its_keys() -> None:
    table = table_definition("t")
    declared = {a["AttributeName"] for a in table["AttributeDefinitions"]}
    schemas = [table["KeySchema"], *(index["KeySchema"] for index in table["GlobalSecondaryIndexes"])]
    assert declared == {key["AttributeName"] for schema in schemas for key in schema}
    assert declared <= set(result().to_item())
