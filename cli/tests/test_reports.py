"""What is made of the findings of a scan, and the AWS emulator's objects."""

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING

import pytest

from kubectl_logscan import reports
from kubectl_logscan.errors import AwsError, NotFoundError

if TYPE_CHECKING:
    from logscan_local.stack.aws import Resources

FINDINGS = [
    {"rule": "error", "severity": "error", "line": 1, "offset": 0, "text": '=HYPERLINK("http://x")'},
    {"rule": "error", "severity": "error", "line": 2, "offset": -9, "text": 'a, "b" \u202e\x1b[2J', "key": "@x"},
    {"rule": "fatal", "severity": "critical", "line": 3, "offset": 20, "text": "  -1 \u2028 plain"},
]
LINES = b"".join(json.dumps(finding, ensure_ascii=False).encode() + b"\n" for finding in FINDINGS)


def test_lines_are_as_they_were_written() -> None:
    assert b"".join(reports.lines(io.BytesIO(gzip.compress(LINES)), "s3://b/k")) == LINES


def test_members_of_a_file_are_one_after_the_other() -> None:
    packed = gzip.compress(LINES[:50]) + gzip.compress(LINES[50:])
    assert b"".join(reports.lines(io.BytesIO(packed), "s3://b/k")) == LINES


@pytest.mark.parametrize("damaged", [b"plain", gzip.compress(LINES)[:-9], gzip.compress(LINES)[:30]])
def test_a_damaged_file_is_an_error_of_one_line(damaged: bytes) -> None:
    with pytest.raises(AwsError, match="s3://b/k is damaged"):
        list(reports.lines(io.BytesIO(damaged), "s3://b/k"))


@pytest.mark.parametrize("line", [b"{", b"[]", b"\xff"])
def test_a_line_that_is_no_finding_is_an_error(line: bytes) -> None:
    with pytest.raises(AwsError, match="damaged"):
        list(reports.as_csv([line], "s3://b/k"))


def test_csv_has_a_row_for_each_line_and_nothing_that_calculates() -> None:
    text = b"".join(reports.as_csv(LINES.splitlines(keepends=True), "s3://b/k")).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["line"] for row in rows] == ["1", "2", "3"]
    assert [row["severity"] for row in rows] == ["error", "error", "critical"]
    assert rows[0]["text"] == '\'=HYPERLINK("http://x")'
    assert (rows[1]["key"], rows[1]["offset"]) == ("'@x", "-9")
    assert rows[2]["text"].startswith("'  -1")
    assert all(line.isprintable() for line in text.split("\n"))


@pytest.mark.controlplane
def test_a_report_that_the_bucket_has_deleted(emulator: "Resources", monkeypatch: pytest.MonkeyPatch) -> None:
    from logscan_local.stack import aws

    names = {"AWS_ENDPOINT_URL": emulator.endpoint, "AWS_DEFAULT_REGION": aws.REGION}
    names |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    client = aws.client("s3", emulator.endpoint)
    client.put_object(Bucket=emulator.reports_bucket, Key="a/findings.jsonl.gz", Body=gzip.compress(LINES))
    address = f"s3://{emulator.reports_bucket}/a/findings.jsonl.gz"
    assert b"".join(reports.lines(reports.read(address), address)) == LINES
    client.delete_object(Bucket=emulator.reports_bucket, Key="a/findings.jsonl.gz")
    with pytest.raises(NotFoundError, match="does not exist any more"):
        reports.read(address)
