"""What a scan leaves behind: the row in the table, and the report."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from logscan_api.requests import Report, ScanRequest
from logscan_api.results import ScanResult
from logscan_api.rules import Severity
from logscan_engine import Counts
from logscan_scanner import __version__
from logscan_scanner.aws import Results
from logscan_scanner.aws.uploads import Upload
from logscan_scanner.errors import RowTooLargeError
from logscan_scanner.reporting.report import Findings
from logscan_scanner.scanning import histogram
from logscan_scanner.scanning.scan import Scan

log = logging.getLogger("logscan.scanner")

REPORT_NAME = "findings.jsonl.gz"
PAGE_NAME = "report.html"


@dataclass(frozen=True)
class Attempt:
    """One Job's attempt at a request.

    Attributes:
        request: The Job's input.
        job_uid: UID of the Job.
        started: When it began.
    """

    request: ScanRequest
    job_uid: str
    started: datetime

    def facts(self) -> dict[str, Any]:
        """Return what every row says of the attempt that wrote it."""
        scan, finished = self.request.scan, datetime.now(UTC)
        return {
            "bucket": self.request.source.bucket,
            "finished_at": finished,
            "scan": scan.name,
            "scan_uid": scan.uid,
            "job_uid": self.job_uid,
            "attempt": scan.attempt,
            "scanner_version": __version__,
            "expires_at": int((finished + timedelta(days=self.request.ttl_days)).timestamp()),
        }

    def result(self, scan: Scan, counts: Counts, **more: Any) -> ScanResult:
        """Return the result of a scan that has ended.

        Args:
            scan: The scan.
            counts: Its counts.
            more: What else the row has, such as where it is and what was scanned.
        """
        rules = self.request.rules
        facts: dict[str, Any] = {
            "started_at": self.started,
            "bytes": scan.stored_bytes,
            "decompressed_bytes": scan.engine.bytes,
            "lines": counts.lines,
            "matched_lines": counts.matched,
            "cut_records": scan.engine.cut_records,
            "by_rule": {r.name: n for r, n in zip(rules, counts.by_rule, strict=True)},
            "severities": {rule.name: rule.severity for rule in rules},
            "by_severity": dict(zip(Severity, counts.by_severity, strict=True)),
            "samples": scan.samples.samples,
            "incomplete": scan.incomplete,
            "formats": sorted(scan.formats),
        }
        return ScanResult(**{**facts, **histogram.facts(counts), **self.facts(), **more})


def write(result: ScanResult, tokens: list[str], results: Results, order: str | None = None) -> ScanResult:
    """Write a result; return the one that is in the table now.

    Args:
        result: The result.
        tokens: Tokens of its row.
        results: The table.
        order: What orders the versions of its object; absent if it is of several.

    Raises:
        ScanError: It cannot be written.
    """
    try:
        return results.write(result, tokens, int(datetime.now(UTC).timestamp()), order)
    except RowTooLargeError:  # counts matter more than samples, and all the rest of a row is bounded
        log.warning("the row is too large for DynamoDB: writing it without samples")
        small = result.model_copy(update={"samples": []})
        return results.write(small, tokens, int(datetime.now(UTC).timestamp()), order)


@contextmanager
def reporting(request: ScanRequest) -> Iterator[tuple[Findings | None, str | None]]:
    """Yield where findings go and the report's address; the report exists when all went well."""
    if request.report is None:
        yield None, None
        return
    with _uploading(request, request.report, REPORT_NAME, "application/gzip") as upload:
        findings = Findings(request.rules, upload.write)
        yield findings, upload.uri
        findings.close()


def with_page(result: ScanResult, request: ScanRequest, findings: Findings | None) -> ScanResult:
    """Write the report for people, if there are reports; return the result with its address.

    Raises:
        ScanError: It cannot be written.
    """
    if request.report is None or findings is None:
        return result
    from logscan_scanner.reporting import page  # no scan starts with jinja2, which takes 50 ms to import

    with _uploading(request, request.report, PAGE_NAME, "text/html; charset=utf-8") as upload:
        for data in page.written(result, request.scan.namespace, findings.excerpt()):
            upload.write(data)
    return result.model_copy(update={"html_report_uri": upload.uri})


@contextmanager
def _uploading(request: ScanRequest, report: Report, name: str, content_type: str) -> Iterator[Upload]:
    """Yield a file of the report, which exists when all went well."""
    scan = request.scan
    upload = Upload(report.bucket, f"{report.prefix}{scan.namespace}/{scan.name}/{scan.uid}/{name}", content_type)
    try:
        yield upload
        upload.close()
    except BaseException:
        upload.abort()
        raise
