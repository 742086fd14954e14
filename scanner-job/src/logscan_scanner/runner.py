"""One scan, from the request to the row and the report."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain

from logscan_api.requests import ScanRequest
from logscan_api.results import ScanResult
from logscan_api.rules import Severity
from logscan_api.statuses import IncompleteReason
from logscan_engine import Counts
from logscan_scanner import __version__
from logscan_scanner.aws import Objects, Results, StoredObject
from logscan_scanner.aws.uploads import Upload
from logscan_scanner.errors import RowTooLargeError, ScanError
from logscan_scanner.reporting.report import LINES_PER_RULE, Findings
from logscan_scanner.scanning import histogram
from logscan_scanner.scanning.progress import Progress
from logscan_scanner.scanning.rules import compile_for_scan
from logscan_scanner.scanning.scan import Scan

log = logging.getLogger("logscan.scanner")

REPORT_NAME = "findings.jsonl.gz"


def run(request: ScanRequest, objects: Objects, results: Results, job_uid: str) -> ScanResult:
    """Scan what a request names and write the result, unless the table already has it.

    Args:
        request: The Job's input.
        objects: Reads the logs.
        results: The result table.
        job_uid: UID of the Job that this runs in.

    Returns:
        The result in the table: this scan's, or an earlier one.

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
            compiling.result()  # an invalid rule is the better answer: it is invalid for every object
            raise
        done = results.finished(request.result, request.tokens, int(started.timestamp()))
        if done is not None:
            log.info("the table already has a result, of Job %s", done.job_uid)
            return done
        ruleset = compiling.result()
    with _report(request) as (findings, uri):
        progress = Progress(request.source.size)
        modified = first[0].modified
        reference = int(modified.timestamp()) if modified else None
        add, most = (findings.add, LINES_PER_RULE) if findings else (None, 0)
        scan = Scan(ruleset, request.rules, request.limits, progress, reference, add, most, request.records)
        for stored, chunks in chain([first], opening):
            scan.read(chunks, stored.key if request.source.prefix else None, stored.key)
            if scan.ended:
                break
        else:
            if more:
                message = f"maxObjects ({request.limits.max_objects}) reached"
                scan.end_early(IncompleteReason.MAX_OBJECTS, message)
        counts = scan.finish()
    result = _result(request, scan, counts, started, job_uid, len(found))
    single = {"version_id": stored.version_id, "etag": stored.etag} if request.source.key is not None else {}
    return _write(request, result.model_copy(update={**single, "report_uri": uri}), stored, results)


def _write(request: ScanRequest, result: ScanResult, stored: StoredObject, results: Results) -> ScanResult:
    """Write the result, and make it the newest of its object if it is."""
    try:
        there = results.write(result, request.tokens, int(datetime.now(UTC).timestamp()))
    except RowTooLargeError:  # counts matter more than samples, and all the rest of a row is bounded
        log.warning("the row is too large for DynamoDB: writing it without samples")
        result = result.model_copy(update={"samples": []})
        there = results.write(result, request.tokens, int(datetime.now(UTC).timestamp()))
    if there.job_uid != result.job_uid:
        log.info("the table already has a result, of Job %s", there.job_uid)
    elif request.source.key is not None:
        results.write_latest(result, stored.order(request.source.sequencer))
    return there


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
    finished = datetime.now(UTC)
    return ScanResult(
        ref=request.result,
        bucket=request.source.bucket,
        key=request.source.key or request.source.prefix or "",
        prefix=request.source.key is None,
        started_at=started,
        finished_at=finished,
        objects=objects,
        bytes=scan.stored_bytes,
        decompressed_bytes=scan.engine.bytes,
        lines=counts.lines,
        matched_lines=counts.matched,
        cut_records=scan.engine.cut_records,
        by_rule={r.name: n for r, n in zip(request.rules, counts.by_rule, strict=True)},
        severities={rule.name: rule.severity for rule in request.rules},
        by_severity=dict(zip(Severity, counts.by_severity, strict=True)),
        samples=scan.samples.samples,
        **histogram.facts(counts),
        incomplete=scan.incomplete,
        formats=sorted(scan.formats),
        scan=request.scan.name,
        scan_uid=request.scan.uid,
        job_uid=job_uid,
        attempt=request.scan.attempt,
        scanner_version=__version__,
        expires_at=int((finished + timedelta(days=request.ttl_days)).timestamp()),
    )
