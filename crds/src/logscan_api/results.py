"""The row that a scan leaves in DynamoDB, and the table's shape.

`TABLE_KEYS` and `TABLE_INDEXES` are the definition that Terraform's table and the local stacks are compared with.
An item stays under 50 KB: samples are cut by bytes (DynamoDB refuses items of 400 KB and more).
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from logscan_api.models import Model
from logscan_api.rules import Severity
from logscan_api.statuses import ResultRef, RuleCount, Summary

TABLE_KEYS = ("pk", "sk")
TABLE_INDEXES: dict[str, tuple[str, str]] = {
    "by_bucket": ("bucket_day", "finished_id"),
    "by_day": ("day_shard", "finished_id"),
    "with_errors": ("error_day", "severity_finished"),
}
INDEX_ATTRIBUTES = (
    "status",
    "bucket",
    "key",
    "finished_at",
    "lines",
    "matched_lines",
    "worst_severity",
    "truncated",
)
TTL_ATTRIBUTE = "expires_at"
LATEST = "LATEST"  # sort key of the row of the newest scan of an object
DAY_SHARDS = 8
TOP_RULES = 5
MAX_SAMPLES_BYTES = 30_000


class Sample(Model):
    """A line that a rule matched, redacted and cut."""

    rule: str
    line: int = Field(description="Line number, from 1.")
    offset: int = Field(description="Byte offset of the line in the decompressed input.")
    text: str
    key: str | None = Field(
        default=None, description="Key of the object, when a prefix was scanned; `!` and the member of an archive."
    )
    before: list[str] | None = Field(default=None, description="Lines before it.")
    after: list[str] | None = Field(default=None, description="Lines after it: of the same event, and context.")


class Bucket(Model):
    """Matching lines in a span of time."""

    start: datetime
    by_severity: dict[Severity, int]


class ScanResult(Model):
    """Everything that a finished scan reports."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    ref: ResultRef
    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None
    status: Literal["done"] = "done"
    started_at: datetime
    finished_at: datetime
    objects: int
    bytes: int
    decompressed_bytes: int
    lines: int
    matched_lines: int
    long_lines: int = Field(description="Lines cut at maxLineBytes.")
    by_rule: dict[str, int]
    by_severity: dict[Severity, int]
    severities: dict[str, Severity] = Field(description="Severity of each rule.")
    samples: list[Sample]
    first_match_at: datetime | None = Field(default=None, description="Earliest time that a matching line tells.")
    last_match_at: datetime | None = Field(default=None, description="Latest time that a matching line tells.")
    histogram_seconds: int | None = Field(default=None, description="Span of a bucket of the histogram.")
    histogram: list[Bucket] = Field(default=[], description="At most 120 buckets, empty ones left out.")
    incomplete_rules: list[str] = Field(
        default=[], description="Rules that took too long; their counts are too low, the others' are right."
    )
    report_uri: str | None = Field(default=None, description="Where the findings are, as gzipped JSON Lines.")
    truncated: bool
    truncated_why: str | None = None
    formats: list[str] = Field(description="How the input was compressed, as found in its bytes.")
    job_uid: str
    attempt: int
    scanner_version: str
    ttl_days: int

    @property
    def worst_severity(self) -> Severity | None:
        """Return the worst severity with at least one line."""
        found = [severity for severity, lines in self.by_severity.items() if lines]
        return max(found, key=lambda s: s.rank, default=None)

    def to_item(self) -> dict[str, Any]:
        """Return the row in boto3's resource form: no floats, absent attributes left out."""
        day, finished = self.finished_at.date().isoformat(), _stamp(self.finished_at)
        identity = hashlib.sha256(f"{self.ref.pk}\0{self.ref.sk}".encode()).hexdigest()[:12]
        worst = self.worst_severity
        left_out = {"ref", "ttl_days", "schema_version", "samples", "histogram", "first_match_at", "last_match_at"}
        item = self.model_dump(exclude=left_out)
        item |= {
            "pk": self.ref.pk,
            "sk": self.ref.sk,
            "schema": self.schema_version,
            "started_at": _stamp(self.started_at),
            "finished_at": finished,
            "severities": {k: str(v) for k, v in self.severities.items()},
            "by_severity": {str(k): v for k, v in self.by_severity.items()},
            "first_match_at": _stamp(self.first_match_at) if self.first_match_at else None,
            "last_match_at": _stamp(self.last_match_at) if self.last_match_at else None,
            "histogram": {_stamp(b.start): {str(k): v for k, v in b.by_severity.items()} for b in self.histogram},
            "samples": [s.model_dump(exclude_none=True) for s in self.samples],
            "worst_severity": str(worst) if worst else None,
            "bucket_day": f"{self.bucket}#{day}",
            "day_shard": f"{day}#{int(identity, 16) % DAY_SHARDS}",
            "finished_id": f"{finished}#{identity}",
            TTL_ATTRIBUTE: int((self.finished_at + timedelta(days=self.ttl_days)).timestamp()),
        }
        if worst is not None and worst.rank >= Severity.ERROR.rank:
            item |= {"error_day": f"E#{day}", "severity_finished": f"{worst}#{finished}"}
        return {name: value for name, value in item.items() if value is not None}


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def summarize(item: dict[str, Any]) -> Summary:
    """Return the short form of a row (in boto3's resource form), for a LogScan's status."""
    by_rule = {rule: int(lines) for rule, lines in item["by_rule"].items() if lines}
    top = sorted(by_rule.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP_RULES]
    return Summary(
        bytes=int(item["bytes"]),
        decompressed_bytes=int(item["decompressed_bytes"]),
        lines=int(item["lines"]),
        matched_lines=int(item["matched_lines"]),
        worst_severity=item.get("worst_severity"),
        by_severity={severity: int(lines) for severity, lines in item["by_severity"].items()},
        top_rules=[RuleCount(rule=r, severity=item["severities"][r], lines=n) for r, n in top],
        truncated=bool(item["truncated"]),
    )


def table_definition(name: str) -> dict[str, Any]:
    """Return the arguments of DynamoDB's CreateTable for the result table."""
    attributes = sorted({*TABLE_KEYS, *(a for keys in TABLE_INDEXES.values() for a in keys)})
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": a, "AttributeType": "S"} for a in attributes],
        "KeySchema": _key_schema(*TABLE_KEYS),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index,
                "KeySchema": _key_schema(*keys),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(INDEX_ATTRIBUTES)},
            }
            for index, keys in TABLE_INDEXES.items()
        ],
    }


def _key_schema(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_key, "KeyType": "HASH"},
        {"AttributeName": range_key, "KeyType": "RANGE"},
    ]
