"""One scan from the request to the row, the report and the messages."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain

from logscan_api.requests import ScanRequest
from logscan_api.results import ScanResult
from logscan_api.rules import Severity
from logscan_engine import Counts
from logscan_scanner import __version__, histogram
from logscan_scanner.aws import Objects, Results, StoredObject
from logscan_scanner.aws.uploads import Upload
from logscan_scanner.errors import RowTooLargeError, ScanError
from logscan_scanner.mail import Row
from logscan_scanner.progress import Progress
from logscan_scanner.report import LINES_PER_RULE, Findings
from logscan_scanner.rules import compile_for_scan
from logscan_scanner.scan import Scan

log = logging.getLogger("logscan.scanner")

REPORT_NAME = "findings.jsonl.gz"


def run(request: ScanRequest, objects: Objects, results: Results, job_uid: str) -> Row:
    """Scan what a request asks for and write the row, unless it is there already.

    Args:
        request: What to do.
        objects: Where logs are.
        results: Where the row goes.
        job_uid: The Job that this runs in.

    Returns:
        The row, in boto3's resource form.

    Raises:
        ScanError: There is no result; its code says what the operator should do.
    """
    started = datetime.now(UTC)
    with ThreadPoolExecutor(1, "compile") as pool:
        compiling = pool.submit(compile_for_scan, request.rules)
        try:
            found, more = objects.find(request.source, request.limits.max_objects)
            opening = (objects.open(wanted) for wanted in found)
            first = next(opening)
        except ScanError:
            compiling.result()  # a rule that is no rule is the better answer: it is so for every object
            raise
        done = results.finished(request.result, int(started.timestamp()))
        if done is not None:
            log.info("the row was there already, from Job %s", done.get("job_uid"))
            return done
        ruleset = compiling.result()
    with _report(request) as (findings, uri):
        progress = Progress(request.source.size)
        modified = first[0].modified
        reference = int(modified.timestamp()) if modified else None
        add, most = (findings.add, LINES_PER_RULE) if findings else (None, 0)
        scan = Scan(ruleset, request.rules, request.limits, progress, reference, add, most)
        for stored, chunks in chain([first], opening):
            scan.read(chunks, stored.key if request.source.prefix else None)
            if scan.truncated_why:
                break
        counts = scan.finish()
    if more and not scan.truncated_why:
        scan.truncated_why = f"maxObjects ({request.limits.max_objects}) reached"
    result = _result(request, scan, counts, started, job_uid, len(found))
    single = {"version_id": stored.version_id, "etag": stored.etag} if request.source.key is not None else {}
    return _write(request, result.model_copy(update={**single, "report_uri": uri}), stored, results)


def _write(request: ScanRequest, result: ScanResult, stored: StoredObject, results: Results) -> Row:
    """Write the row, and make it the newest of its object if it is."""
    table, item = request.result.table, result.to_item()
    try:
        row = results.write(table, item, int(datetime.now(UTC).timestamp()))
    except RowTooLargeError:  # counts matter more than samples, and all the rest of a row is bounded
        log.warning("the row is too large for DynamoDB: it is written without its samples")
        item["samples"] = []
        row = results.write(table, item, int(datetime.now(UTC).timestamp()))
    if row.get("job_uid") != result.job_uid:
        log.info("the row was there already, from Job %s", row.get("job_uid"))
    elif request.source.key is not None:
        results.write_latest(table, item, stored.order(request.source.sequencer))
    return row


@contextmanager
def _report(request: ScanRequest) -> Iterator[tuple[Findings | None, str | None]]:
    """Yield where findings go and the report's address; the report exists when all went well."""
    if request.report is None:
        yield None, None
        return
    scan = request.scan
    upload = Upload(
        request.report.bucket, f"{request.report.prefix}{scan.namespace}/{scan.name}/{scan.uid}/{REPORT_NAME}"
    )
    findings = Findings(request.rules, upload.write)
    try:
        yield findings, upload.uri
        findings.close()
        upload.close()
    except BaseException:
        upload.abort()
        raise


def _result(
    request: ScanRequest, scan: Scan, counts: Counts, started: datetime, job_uid: str, objects: int
) -> ScanResult:
    return ScanResult(
        ref=request.result,
        bucket=request.source.bucket,
        key=request.source.key or request.source.prefix or "",
        started_at=started,
        finished_at=datetime.now(UTC),
        objects=objects,
        bytes=scan.stored_bytes,
        decompressed_bytes=scan.engine.bytes,
        lines=counts.lines,
        matched_lines=counts.matched,
        long_lines=scan.engine.long_lines,
        by_rule={r.name: n for r, n in zip(request.rules, counts.by_rule, strict=True)},
        severities={rule.name: rule.severity for rule in request.rules},
        by_severity=dict(zip(Severity, counts.by_severity, strict=True)),
        samples=scan.samples.samples,
        **histogram.facts(counts),
        incomplete_rules=[request.rules[n].name for n in counts.incomplete],
        truncated=scan.truncated_why is not None,
        truncated_why=scan.truncated_why,
        formats=sorted(scan.formats),
        job_uid=job_uid,
        attempt=request.scan.attempt,
        scanner_version=__version__,
        ttl_days=request.ttl_days,
    )
