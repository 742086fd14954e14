"""A whole scan against moto's S3 and DynamoDB: what is read, what is written, and how it ends."""

import gzip
import json
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from logging.handlers import QueueHandler
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError
from moto import mock_aws

from logscan_api import logs
from logscan_api.attributes import Item, to_item
from logscan_api.exitcodes import ExitCode
from logscan_api.logscans import Limits, S3Source
from logscan_api.requests import Report, ScanIdentity, ScanRequest, resolve_limits
from logscan_api.results import ScanResult
from logscan_api.rules import Rule, Severity
from logscan_api.signatures import is_signed
from logscan_api.statuses import ResultRef
from logscan_api.table import LATEST, table_definition
from logscan_engine import canary
from logscan_scanner import aws, runner
from logscan_scanner import program as command
from logscan_scanner.aws import objects as stored_objects
from logscan_scanner.aws import uploads
from logscan_scanner.aws.clients import session
from logscan_scanner.errors import ScanError
from logscan_scanner.reporting.report import LINES_PER_RULE
from logscan_scanner.scanning.progress import Progress

TEXT = b"".join(b"line %d %s\n" % (n, b"ERROR" if n % 10 == 0 else b"ok") for n in range(1000))


@pytest.fixture(scope="module")
def emulated() -> Iterator[Any]:
    """Yield an S3 client of an emulated cloud; making clients is what takes the time."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in (
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ):
            patch.setenv(name, value)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="app-logs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_bucket_versioning(Bucket="app-logs", VersioningConfiguration={"Status": "Enabled"})
        session.cache_clear()
        yield s3, boto3.client("dynamodb")
        session.cache_clear()


@pytest.fixture
def cloud(emulated: Any) -> Iterator[Any]:
    """Yield an S3 client whose bucket is there and whose result table is empty."""
    s3, dynamodb = emulated
    dynamodb.create_table(**table_definition("results"))
    yield s3
    with suppress(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.delete_table(TableName="results")


def request(
    limits: Limits | None = None,
    rules: list[Rule] | None = None,
    more: dict[str, Any] | None = None,
    row: str = "S#1#h",
    **source: Any,
) -> ScanRequest:
    return ScanRequest(
        **(more or {}),
        scan=ScanIdentity(namespace="n", name="s", uid="u", attempt=1),
        source=S3Source.model_validate({"bucket": "app-logs", **source}),
        rules=rules or [Rule(name="err", pattern="ERROR"), Rule(name="nine", pattern="9 ", severity=Severity.INFO)],
        limits=resolve_limits(limits),
        tokens=["t" * 64],
        result=ResultRef(table="results", pk="O#logs#a", sk=row),
    )


def run(wanted: ScanRequest, job_uid: str = "job-1") -> ScanResult:
    return runner.run(wanted, aws.Objects(), aws.Results(), job_uid)


def rows() -> list[dict[str, Any]]:
    return [row for row in everything() if row["sk"] != LATEST]


def everything() -> list[dict[str, Any]]:
    return boto3.resource("dynamodb").Table("results").scan()["Items"]


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
    stored = cloud.get_object(Bucket="app-logs", Key="reports/n/s/u/findings.jsonl.gz")
    assert stored["ETag"].strip('"').endswith("-4"), "several parts"
    findings = [json.loads(line) for line in gzip.decompress(stored["Body"].read()).splitlines()]
    assert len(findings) == 8 * LINES_PER_RULE
    place = {"line": 1001, "offset": len(TEXT)}
    assert findings[0] == {"rule": "r0", "severity": "error", **place, "text": findings[0]["text"]}
    assert findings[0]["text"].endswith(" password=***")
    assert not any("hunter2" in finding["text"] for finding in findings if finding["rule"] == "r0")


def test_an_invalid_rule_is_told_even_if_the_object_is_missing(cloud: Any) -> None:
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


def test_all_objects_under_a_prefix(cloud: Any) -> None:
    for key in ("app/1.log", "app/2.log", "app/3.log", "other.log"):
        cloud.put_object(Bucket="app-logs", Key=key, Body=TEXT)
    cloud.put_object(Bucket="app-logs", Key="app/empty", Body=b"")
    result = run(request(prefix="app/"))
    assert (result.objects, result.lines, result.truncated) == (3, 3000, False)
    assert {sample.key for sample in result.samples} == {"app/1.log", "app/3.log"}
    few = run(request(row="S#2#h", prefix="app/", limits=Limits(max_objects=2)))
    assert (few.objects, [part.reason for part in few.incomplete]) == (2, ["MaxObjects"])


@pytest.mark.parametrize(
    ("limits", "body", "reason", "why"),
    [
        (Limits(max_bytes=100), TEXT, "MaxBytes", "maxBytes (100) reached"),
        (Limits(max_decompressed_bytes=100), gzip.compress(TEXT), "MaxDecompressedBytes", "(100) reached"),
        (None, gzip.compress(TEXT)[:-8], "Damaged", "the gzip input ends before its end mark"),
    ],
)
@pytest.mark.parametrize("source", [{"key": "a"}, {"prefix": "a"}])
def test_what_ends_a_scan_early_is_in_the_result(
    cloud: Any, limits: Limits | None, body: bytes, reason: str, why: str, source: dict[str, Any]
) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=body)
    result = run(request(limits=limits, **source))
    (part,) = result.incomplete
    assert result.truncated
    assert (part.reason, part.object) == (reason, "a" if "prefix" in source else None)
    assert why in str(part.message)
    assert result.lines > 0


def test_a_rule_over_its_limit_of_steps_is_named_in_the_row(cloud: Any) -> None:
    rules = [Rule(name="endless", pattern=r"^(x|xx)+\1!?z$"), Rule(name="fine", pattern=r"(o)k\b(?!!)")]
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"x" * 60 + b"!!z\nan ok line\n")
    result = run(request(key="a", rules=rules))
    assert [(part.reason, part.rule) for part in result.incomplete] == [("MatchLimit", "endless")]
    assert (result.truncated, result.by_rule) == (False, {"endless": 0, "fine": 1})


def test_an_empty_object_is_a_scan_without_lines(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"")
    result = run(request(key="a"))
    assert (result.lines, result.matched_lines, result.truncated) == (0, 0, False)


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
        ({"prefix": "missing/"}, ExitCode.OBJECT_NOT_FOUND),
        ({"bucket": "no-such-bucket", "key": "a"}, ExitCode.OBJECT_NOT_FOUND),
        ({"bucket": "no-such-bucket", "prefix": "a"}, ExitCode.OBJECT_NOT_FOUND),
    ],
)
def test_what_is_not_there(cloud: Any, source: dict[str, Any], code: ExitCode) -> None:
    with pytest.raises(ScanError, match="s3://") as failure:
        run(request(**source))
    assert failure.value.code is code


def test_a_missing_table_is_told(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    boto3.client("dynamodb").delete_table(TableName="results")
    with pytest.raises(ScanError, match="table results") as failure:
        run(request(key="a"))
    assert failure.value.code is ExitCode.OBJECT_NOT_FOUND


def client_error(code: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "GetObject")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (client_error("AccessDenied", 403), ExitCode.ACCESS_DENIED),
        (client_error("KMS.DisabledException"), ExitCode.KEY_UNAVAILABLE),
        (client_error("KMS.ThrottlingException"), ExitCode.TRY_AGAIN),
        (client_error("InvalidObjectState", 403), ExitCode.ARCHIVED),
        (client_error("SlowDown", 503), ExitCode.TRY_AGAIN),
        (client_error("ThrottlingException"), ExitCode.TRY_AGAIN),
        (client_error("ExpiredToken"), ExitCode.TRY_AGAIN),
        (client_error("InternalError", 500), ExitCode.TRY_AGAIN),
        (client_error("InvalidArgument"), ExitCode.INTERNAL_ERROR),
        (NoCredentialsError(), ExitCode.TRY_AGAIN),
        (ConnectTimeoutError(endpoint_url="http://x"), ExitCode.TRY_AGAIN),
    ],
)
def test_aws_errors_become_exits(error: Exception, code: ExitCode) -> None:
    assert aws.translate(error, "read s3://logs/a").code is code


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


def main(monkeypatch: pytest.MonkeyPatch, path: Path, text: str | None) -> tuple[int, dict[str, Any]]:
    monkeypatch.setenv("LOGSCAN_TERMINATION_PATH", str(path))
    if text is None:
        monkeypatch.delenv("LOGSCAN_REQUEST", raising=False)
    else:
        monkeypatch.setenv("LOGSCAN_REQUEST", text)
    return command.main([]), json.loads(path.read_text())


def test_the_process_ends_with_its_exit_code_and_last_words(
    cloud: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    code, words = main(monkeypatch, tmp_path / "words", request(key="a").to_variable())
    assert (code, words["message"]) == (0, "200 of 1000 lines matched")
    code, words = main(monkeypatch, tmp_path / "words", request(row="S#3#h", key="b").to_variable())
    assert (code, words["reason"]) == (ExitCode.OBJECT_NOT_FOUND, "ObjectNotFound")
    invalid = request(row="S#2#h", key="a", rules=[Rule(name="bad", pattern="(")])
    code, words = main(monkeypatch, tmp_path / "words", invalid.to_variable())
    assert (code, words["code"]) == (65, 65)
    assert "rule 'bad'" in words["message"]


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "is not set"), ("{}", "scan: is required"), ("x", "is not JSON"), ('{"schema": 2}', "schema")],
)
def test_a_bad_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, words: str) -> None:
    code, message = main(monkeypatch, tmp_path / "words", text)
    assert code == ExitCode.BAD_REQUEST
    assert words in message["message"]


def test_what_nobody_foresaw_is_an_internal_error(cloud: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr(runner, "compile_for_scan", broken)
    code, words = main(monkeypatch, tmp_path / "words", request(key="a").to_variable())
    assert (code, words["message"]) == (70, "RuntimeError: surprise")


def test_an_engine_that_counts_wrong_ends_the_scan_and_writes_no_row(
    cloud: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    monkeypatch.setitem(canary.COUNTS, r"^$", 7)
    code, words = main(monkeypatch, tmp_path / "words", request(key="a").to_variable())
    assert code == ExitCode.INTERNAL_ERROR
    assert words["message"].startswith("InternalError: the engine counts wrong on this machine: 1 instead of 7 lines")
    assert rows() == []


def test_last_words_that_cannot_be_written_fail_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGSCAN_TERMINATION_PATH", "/no/such/folder/words")
    assert command._end(ExitCode.DONE, "fine") == 0


def test_progress_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 6.0, 7.0])
    monkeypatch.setattr("logscan_scanner.scanning.progress.monotonic", lambda: next(clock))
    records: SimpleQueue[logging.LogRecord] = SimpleQueue()
    handler = QueueHandler(records)
    log = logging.getLogger("logscan.scanner.progress")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    progress = Progress(size=200)
    for _ in range(3):
        progress.tell(100, 6_000_000, 10, 1)
    log.removeHandler(handler)
    record = records.get_nowait()
    assert records.empty()
    line = json.loads(logs.JsonFormatter().format(record))
    facts = {"bytes": 100, "lines": 10, "matchedLines": 1, "mbPerSecond": 1.0, "secondsLeft": 6.0}
    assert line.items() >= facts.items()


def row() -> Item:
    """Return the row of `request()` as it is stored."""
    key = to_item({"pk": "O#logs#a", "sk": "S#1#h"})
    item: Item = boto3.client("dynamodb").get_item(TableName="results", Key=key)["Item"]
    return item


def forge(**changes: Any) -> None:
    """Write a row at the key of `request()` that says that nothing was found, signed by nobody unless changed."""
    item = {"pk": "O#logs#a", "sk": "S#1#h", "status": "done", "matched_lines": 0, "expires_at": 2**40, **changes}
    boto3.client("dynamodb").put_item(TableName="results", Item=to_item(item))


@pytest.mark.parametrize("signature", [{}, {"signature": "f" * 64}, {"signature": 1}], ids=["none", "wrong", "a number"])
def test_a_forged_row_is_neither_taken_nor_left(cloud: Any, signature: dict[str, Any]) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"ERROR\nfine\n")
    forge(**signature)
    wanted = request(key="a")
    assert run(wanted).matched_lines == 1
    assert is_signed(row(), wanted.tokens)


def test_a_true_row_that_was_changed_is_replaced(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"ERROR\nfine\n")
    run(request(key="a"))
    boto3.client("dynamodb").put_item(TableName="results", Item={**row(), "matched_lines": {"N": "0"}})
    assert run(request(key="a"), job_uid="job-2").job_uid == "job-2"
    assert row()["matched_lines"] == {"N": "1"}


def test_a_row_that_the_previous_key_signed_is_taken(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"ERROR\nfine\n")
    wanted = request(key="a")
    run(wanted)
    rotated = wanted.model_copy(update={"tokens": ["n" * 64, *wanted.tokens]})
    assert run(rotated, job_uid="job-2").job_uid == "job-1"


def test_a_row_that_is_forged_while_the_scan_runs_is_replaced(cloud: Any) -> None:
    class Raced(aws.Results):
        """Finds no row, and then one that appeared meanwhile."""

        def finished(self, ref: ResultRef, tokens: Any, now: int) -> ScanResult | None:
            found = super().finished(ref, tokens, now)
            forge(signature="f" * 64)
            return found

    cloud.put_object(Bucket="app-logs", Key="a", Body=b"ERROR\nfine\n")
    wanted = request(key="a")
    assert runner.run(wanted, aws.Objects(), Raced(), "job-1").matched_lines == 1
    assert is_signed(row(), wanted.tokens)
