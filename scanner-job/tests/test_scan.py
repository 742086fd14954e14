"""A whole scan against moto's S3 and DynamoDB: what it reads, writes and raises."""

import gzip
import json
import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from cloud import TEXT, everything, request, rows, run

from logscan_api.exitcodes import ExitCode
from logscan_api.logscans import Limits
from logscan_api.requests import Report
from logscan_api.rules import Rule
from logscan_api.table import LATEST
from logscan_scanner import aws
from logscan_scanner.aws import objects as stored_objects
from logscan_scanner.aws import uploads
from logscan_scanner.errors import ScanError
from logscan_scanner.reporting.report import LINES_PER_RULE


def test_counts_samples_and_the_row(cloud: Any) -> None:
    stored = cloud.put_object(Bucket="app-logs", Key="größe +.log", Body=TEXT)
    result = run(request(key="größe +.log"))
    assert (result.lines, result.matched_lines, result.by_rule) == (1000, 200, {"err": 100, "nine": 100})
    assert (result.version_id, result.bytes, result.formats) == (stored["VersionId"], len(TEXT), ["plain"])
    (row,) = rows()
    assert (row["job_uid"], row["by_rule"], row["status"]) == ("job-1", {"err": 100, "nine": 100}, "done")
    assert [s["line"] for s in row["samples"] if s["rule"] == "err"] == [1, 11, 631]


def test_large_objects_are_read_in_ranges(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_objects, "RANGE_BYTES", 1000)
    cloud.put_object(Bucket="app-logs", Key="a", Body=gzip.compress(TEXT * 20, 0))
    assert run(request(key="a")).by_rule["err"] == 2000


def test_a_second_writer_leaves_the_row_as_it_is(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    run(request(key="a"), "first")
    run(request(key="a"), "second")
    assert [row["job_uid"] for row in rows()] == ["first"]


def test_an_expired_row_is_replaced(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    run(request(key="a"), "first")
    boto3.resource("dynamodb").Table("results").update_item(
        Key={"pk": "O#logs#a", "sk": "S#1#h"},
        UpdateExpression="SET expires_at = :t",
        ExpressionAttributeValues={":t": 1},
    )
    run(request(key="a"), "second")
    assert [row["job_uid"] for row in rows()] == ["second"]


def test_a_finished_scan_is_not_read_again(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    run(request(key="a"), "first")
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"changed\n")
    assert run(request(key="a"), "second").lines == 1000


def test_the_newest_version_of_an_object_has_a_row_of_its_own(cloud: Any) -> None:
    def scan(version: str, sequencer: str) -> None:
        stored = cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
        run(request(row=f"S#{version}#h", key="a", sequencer=sequencer, versionId=stored["VersionId"]))

    scan("2", "0055AA")
    scan("1", "0055")  # an older one that comes late, within the same second
    scan("3", "0055B")
    (latest,) = [row for row in everything() if row["sk"] == LATEST]
    assert latest["scan_sk"] == "S#3#h"
    assert "bucket_day" not in latest, "it must not come twice in an index"


@pytest.mark.stress
def test_findings_go_to_the_reports_bucket(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES", 5 << 20)
    noise = b"".join(b"ERROR%d %s password=hunter2\n" % (n % 8, os.urandom(1900).hex().encode()) for n in range(8000))
    cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT + noise)
    rules = [Rule(name=f"r{n}", pattern=f"ERROR{n}", redact=n == 0) for n in range(8)]
    result = run(request(key="a", rules=rules, more={"report": Report(bucket="app-logs", prefix="reports/")}))
    assert result.report_uri == "s3://app-logs/reports/n/s/u/findings.jsonl.gz"
    assert result.html_report_uri == rows()[0]["html_report_uri"] == "s3://app-logs/reports/n/s/u/report.html"
    stored = cloud.get_object(Bucket="app-logs", Key="reports/n/s/u/findings.jsonl.gz")
    assert stored["ETag"].strip('"').endswith("-4"), "several parts"
    findings = [json.loads(line) for line in gzip.decompress(stored["Body"].read()).splitlines()]
    assert len(findings) == 8 * LINES_PER_RULE
    place = {"line": 1001, "offset": len(TEXT)}
    assert findings[0] == {"rule": "r0", "severity": "error", **place, "text": findings[0]["text"]}
    assert findings[0]["text"].endswith(" password=***")
    assert not any("hunter2" in finding["text"] for finding in findings if finding["rule"] == "r0")


def test_an_invalid_rule_is_reported_even_if_the_object_is_missing(cloud: Any) -> None:
    with pytest.raises(ScanError) as failure:
        run(request(key="missing", rules=[Rule(name="bad", pattern="(")]))
    assert failure.value.code is ExitCode.INVALID_RULE


def test_a_scan_that_fails_leaves_no_half_report(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    with pytest.raises(ScanError) as failure:
        run(request(key="a", rules=[Rule(name="bad", pattern="(")], more={"report": Report(bucket="app-logs")}))
    assert failure.value.code is ExitCode.INVALID_RULE
    assert cloud.list_objects_v2(Bucket="app-logs", Prefix="n/")["KeyCount"] == 0
    assert "Uploads" not in cloud.list_multipart_uploads(Bucket="app-logs")


def test_a_prefix_is_the_operators_business(cloud: Any) -> None:
    with pytest.raises(ScanError) as failure:
        run(request(prefix="app/"))
    assert failure.value.code is ExitCode.BAD_REQUEST


@pytest.mark.parametrize(
    ("limits", "body", "reason", "why"),
    [
        (Limits(max_bytes=100), TEXT, "MaxBytes", "maxBytes (100) reached"),
        (Limits(max_decompressed_bytes=100), gzip.compress(TEXT), "MaxDecompressedBytes", "(100) reached"),
        (None, gzip.compress(TEXT)[:-8], "Damaged", "the gzip input ends before its end mark"),
    ],
)
def test_what_ends_a_scan_early_is_in_the_result(
    cloud: Any, limits: Limits | None, body: bytes, reason: str, why: str
) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=body)
    result = run(request(limits=limits, key="a"))
    (part,) = result.incomplete
    assert (part.reason, part.object) == (reason, None)
    assert why in str(part.message)
    assert result.lines > 0


def test_a_rule_over_its_limit_of_steps_is_named_in_the_row(cloud: Any) -> None:
    rules = [Rule(name="endless", pattern=r"^(x|xx)+\1!?z$"), Rule(name="fine", pattern=r"(o)k\b(?!!)")]
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"x" * 60 + b"!!z\nan ok line\n")
    result = run(request(key="a", rules=rules))
    assert [(part.reason, part.rule) for part in result.incomplete] == [("MatchLimit", "endless")]
    assert result.by_rule == {"endless": 0, "fine": 1}


def test_an_empty_object_is_a_scan_without_lines(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"")
    result = run(request(key="a"))
    assert (result.lines, result.matched_lines, result.incomplete) == (0, 0, [])


def test_an_older_version_is_read_as_it_was(cloud: Any) -> None:
    old = cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"new\n")
    assert run(request(key="a", versionId=old["VersionId"], etag=old["ETag"].strip('"'))).lines == 1000


def test_an_overwritten_object_is_superseded(cloud: Any) -> None:
    old = cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"new\n")
    with pytest.raises(ScanError, match="overwritten") as failure:
        run(request(key="a", etag=old["ETag"].strip('"')))
    assert failure.value.code is ExitCode.SUPERSEDED


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ({"key": "missing"}, ExitCode.OBJECT_NOT_FOUND),
        ({"key": "missing", "etag": "abc"}, ExitCode.SUPERSEDED),
        ({"bucket": "no-such-bucket", "key": "a"}, ExitCode.OBJECT_NOT_FOUND),
    ],
)
def test_what_is_not_there(cloud: Any, source: dict[str, Any], code: ExitCode) -> None:
    with pytest.raises(ScanError, match="s3://") as failure:
        run(request(**source))
    assert failure.value.code is code


def test_a_missing_table_is_reported(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    boto3.client("dynamodb").delete_table(TableName="results")
    with pytest.raises(ScanError, match="table results") as failure:
        run(request(key="a"))
    assert failure.value.code is ExitCode.OBJECT_NOT_FOUND


class Broken:
    """A body whose connection breaks after some bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def iter_chunks(self, _size: int) -> Iterator[bytes]:
        yield self.data
        raise ConnectTimeoutError(endpoint_url="http://x")


def test_a_broken_connection_is_resumed_where_it_broke(cloud: Any) -> None:
    stored = cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    objects = aws.Objects()
    found = aws.StoredObject("app-logs", "a", stored["VersionId"], stored["ETag"].strip('"'), len(TEXT))
    assert objects._read(found, 0, len(TEXT), Broken(TEXT[:100])) == [TEXT[:100], TEXT[100:]]


def test_a_connection_that_keeps_breaking_gives_up(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    objects = aws.Objects()
    found = aws.StoredObject("app-logs", "a", stored["VersionId"], stored["ETag"].strip('"'), len(TEXT))
    monkeypatch.setattr(objects, "_get", lambda *_: {"Body": Broken(b"")})
    with pytest.raises(ScanError, match="at 0") as failure:
        objects._read(found, 0, len(TEXT), None)
    assert failure.value.code is ExitCode.TRY_AGAIN
