"""The result of a scan, and its row in DynamoDB.

`ScanResult.to_item` and `ScanResult.from_item` are inverses. Together with `logscan_api.table`, they are the only code
that knows the names of attributes. An item stays below 50 KB, since samples are cut by bytes (DynamoDB refuses items
over 400 KB).
"""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PlainSerializer, ValidationError

from logscan_api import attributes
from logscan_api.attributes import Item
from logscan_api.errors import MalformedResultError
from logscan_api.explanations import explain
from logscan_api.incomplete import Incomplete
from logscan_api.models import Model
from logscan_api.rules import Severity
from logscan_api.statuses import ObjectCounts, ResultRef, RuleCount, Summary

DAY_SHARDS = 8
TOP_RULES = 5
MAX_SAMPLES_BYTES = 30_000
SHOWN_INCOMPLETE = 4  # in a status, which stays below 5 KiB


def stamp(moment: datetime) -> str:
    """Return a time as rows have it: UTC, milliseconds, in an order that text has too."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _to_milliseconds(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


Moment = Annotated[datetime, AfterValidator(_to_milliseconds), PlainSerializer(stamp, when_used="json")]


def by_day(ref: ResultRef, bucket: str, finished_at: datetime) -> dict[str, str]:
    """Return the attributes by which the indexes find a row: by the day and the bucket of its scan."""
    day, identity = finished_at.date().isoformat(), hashlib.sha256(f"{ref.pk}\0{ref.sk}".encode()).hexdigest()[:12]
    return {
        "bucket_day": f"{bucket}#{day}",
        "day_shard": f"{day}#{int(identity, 16) % DAY_SHARDS}",
        "finished_id": f"{stamp(finished_at)}#{identity}",
    }


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


class Bin(Model):
    """Matching lines in one span of the histogram."""

    start: Moment
    by_severity: dict[Severity, int]


def _in_order(bins: list[Bin]) -> list[Bin]:
    """Return the bins by their start, which names them in a row."""
    if len({bin_.start for bin_ in bins}) < len(bins):
        raise ValueError("must have bins that start at different times")
    return sorted(bins, key=lambda bin_: bin_.start)


class ScanResult(Model):
    """Everything that a finished scan reports."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    ref: ResultRef
    bucket: str
    key: str = Field(description="Key of the object, the prefix, or what the keys of several objects begin with.")
    prefix: bool = Field(default=False, description="Whether `key` is a prefix, or the beginning of several keys.")
    version_id: str | None = None
    etag: str | None = None
    status: Literal["done"] = "done"
    started_at: Moment
    finished_at: Moment
    objects: int = Field(description="Objects read.")
    object_counts: ObjectCounts | None = Field(
        default=None, description="What became of several objects, all sums include those that were skipped."
    )
    bytes: int
    decompressed_bytes: int
    lines: int
    matched_lines: int
    cut_records: int = Field(description="Records cut at maxRecordBytes.")
    by_rule: dict[str, int]
    by_severity: dict[Severity, int]
    severities: dict[str, Severity] = Field(description="Severity of each rule.")
    samples: list[Sample]
    first_match_at: Moment | None = Field(default=None, description="Earliest time in a matching line.")
    last_match_at: Moment | None = Field(default=None, description="Latest time in a matching line.")
    histogram_seconds: int | None = Field(default=None, description="Span of a bin of the histogram.")
    histogram: Annotated[list[Bin], AfterValidator(_in_order)] = Field(
        default=[], description="At most 120 bins; those without lines are left out."
    )
    incomplete: list[Incomplete] = Field(
        default=[], description="What was not read or not counted; empty for a complete scan."
    )
    report_uri: str | None = Field(default=None, description="Where the findings are, as gzipped JSON Lines.")
    html_report_uri: str | None = Field(default=None, description="Where the report for people is, as one HTML page.")
    formats: list[str] = Field(description="Compressions and archives found in the input.")
    scan: str = Field(description="Name of the LogScan whose Job wrote this.")
    scan_uid: str = Field(description="Its uid.")
    job_uid: str
    attempt: int
    scanner_version: str
    expires_at: int = Field(description="Second from which DynamoDB may delete the row.")

    @property
    def worst_severity(self) -> Severity | None:
        """Return the worst severity with at least one line."""
        found = [severity for severity, lines in self.by_severity.items() if lines]
        return max(found, key=lambda s: s.rank, default=None)

    @property
    def uri(self) -> str:
        """Return what was scanned, for people."""
        return f"s3://{self.bucket}/{self.key}{'*' if self.prefix else ''}"

    @property
    def incomplete_text(self) -> str:
        """Return what was not read or not counted, for people."""
        shown = [str(part) for part in self.incomplete[:SHOWN_INCOMPLETE]]
        more = len(self.incomplete) - len(shown)
        return ", ".join([*shown, *([f"and {more} more"] if more else [])])

    def top_rules(self, most: int) -> list[RuleCount]:
        """Return the rules with the most lines, those with none left out."""
        top = sorted(((-lines, rule) for rule, lines in self.by_rule.items() if lines))[:most]
        return [RuleCount(rule=rule, severity=self.severities[rule], lines=-lines) for lines, rule in top]

    def summary(self) -> Summary:
        """Return the short form for a LogScan's status."""
        return Summary(
            bytes=self.bytes,
            decompressed_bytes=self.decompressed_bytes,
            lines=self.lines,
            matched_lines=self.matched_lines,
            worst_severity=self.worst_severity,
            by_severity={str(severity): lines for severity, lines in self.by_severity.items()},
            top_rules=self.top_rules(TOP_RULES),
            incomplete=[part.shortened() for part in self.incomplete[:SHOWN_INCOMPLETE]] or None,
        )

    def to_item(self) -> Item:
        """Return the row."""
        day, worst = self.finished_at.date().isoformat(), self.worst_severity
        row = self.model_dump(mode="json", exclude={"schema_version", "ref", "histogram"}, exclude_none=True)
        row |= {
            "pk": self.ref.pk,
            "sk": self.ref.sk,
            "schema": self.schema_version,
            "partial": bool(self.incomplete),
            "notified": {},
            "histogram": {stamp(b.start): {str(s): n for s, n in b.by_severity.items()} for b in self.histogram},
            **by_day(self.ref, self.bucket, self.finished_at),
        }
        if worst is not None:
            row["worst_severity"] = str(worst)
        if worst is not None and worst.rank >= Severity.ERROR.rank:
            row |= {"error_day": f"E#{day}", "severity_finished": f"{worst}#{stamp(self.finished_at)}"}
        return attributes.to_item(row)

    @classmethod
    def from_item(cls, table: str, item: Item) -> Self | None:
        """Return the result in a row, or None if the row is not that of a finished scan.

        Args:
            table: The table that the row is in.
            item: The row; attributes that are not of a result are ignored.

        Raises:
            MalformedResultError: This version cannot read it; the message names the field.
        """
        row: dict[str, Any] = attributes.from_item(item)
        if row.get("status") != "done":
            return None
        fields = {name: row[name] for name in cls.model_fields if name in row}
        bins = row.get("histogram", {})
        if isinstance(bins, dict):
            bins = [{"start": start, "by_severity": lines} for start, lines in bins.items()]
        ref = {"table": table, "pk": row["pk"], "sk": row["sk"]}
        try:
            return cls.model_validate({**fields, "schema": row.get("schema"), "histogram": bins, "ref": ref})
        except ValidationError as error:
            message = f"the row {row['pk']}, {row['sk']} of the table {table}: {explain(error, cls)}"
            raise MalformedResultError(message) from error
