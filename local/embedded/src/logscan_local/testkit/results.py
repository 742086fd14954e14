"""The result of a scan, for tests of what is made of it."""

from datetime import UTC, datetime

from logscan_api.results import ScanResult
from logscan_api.rules import Severity
from logscan_api.statuses import ResultRef

FINISHED = datetime(2026, 11, 24, 8, tzinfo=UTC)
RESULT = ScanResult(
    ref=ResultRef(table="results", pk="p", sk="s"),
    bucket="logs",
    key="a.log",
    started_at=FINISHED,
    finished_at=FINISHED,
    objects=1,
    bytes=10,
    decompressed_bytes=20,
    lines=4,
    matched_lines=3,
    cut_records=0,
    by_rule={"error": 3, "fatal": 0},
    by_severity={Severity.ERROR: 3, Severity.CRITICAL: 0},
    severities={"error": Severity.ERROR, "fatal": Severity.CRITICAL},
    samples=[],
    formats=["plain"],
    scan="a",
    scan_uid="uid-a",
    job_uid="job-a-1",
    attempt=1,
    scanner_version="0",
    expires_at=0,
)
