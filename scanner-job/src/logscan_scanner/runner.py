"""One scan from the request to the row."""

import logging
from datetime import UTC, datetime

from logscan_api.requests import ScanRequest
from logscan_api.results import ScanResult
from logscan_scanner import __version__
from logscan_scanner.aws import Objects, Results
from logscan_scanner.compiling import compile_rules
from logscan_scanner.progress import Progress
from logscan_scanner.scan import Scan

log = logging.getLogger("logscan.scanner")


def run(request: ScanRequest, objects: Objects, results: Results, job_uid: str) -> ScanResult:
    """Scan what a request asks for and write the row.

    Args:
        request: What to do.
        objects: Where logs are.
        results: Where the row goes.
        job_uid: The Job that this runs in.

    Returns:
        What was found. The row is written, or one with a result was there already.

    Raises:
        ScanError: There is no result; its code says what the operator should do.
    """
    started = datetime.now(UTC)
    scan = Scan(compile_rules(request.rules), request.limits, Progress(request.source.size))
    found, more = objects.find(request.source, request.limits.max_objects)
    version_id = etag = None
    for wanted in found:
        stored, chunks = objects.open(wanted)
        scan.read(chunks, stored.key if request.source.prefix else None)
        version_id, etag = stored.version_id, stored.etag
        if scan.truncated_why:
            break
    if more and not scan.truncated_why:
        scan.truncated_why = f"maxObjects ({request.limits.max_objects}) reached"
    single = request.source.key is not None
    result = _result(request, scan, started, job_uid, len(found))
    result = result.model_copy(update={"version_id": version_id, "etag": etag} if single else {})
    row = results.write(request.result.table, result.to_item(), int(datetime.now(UTC).timestamp()))
    if row.get("job_uid") != job_uid:
        log.info("the row was there already, from Job %s", row.get("job_uid"))
    return result


def _result(request: ScanRequest, scan: Scan, started: datetime, job_uid: str, objects: int) -> ScanResult:
    counts, blocks = scan.engine.counts, scan.blocks
    return ScanResult(
        ref=request.result,
        bucket=request.source.bucket,
        key=request.source.key or request.source.prefix or "",
        started_at=started,
        finished_at=datetime.now(UTC),
        objects=objects,
        bytes=scan.stored_bytes,
        decompressed_bytes=blocks.bytes,
        lines=scan.engine.lines,
        matched_lines=counts.matched,
        long_lines=blocks.long_lines,
        by_rule={r.name: n for r, n in zip(request.rules, counts.by_rule, strict=True)},
        severities={rule.name: rule.severity for rule in request.rules},
        by_severity=counts.by_severity,
        samples=scan.samples.samples,
        **scan.histogram.facts(counts.first_second, counts.last_second),
        incomplete_rules=[request.rules[n].name for n in counts.incomplete],
        truncated=scan.truncated_why is not None,
        truncated_why=scan.truncated_why,
        formats=sorted(scan.formats),
        job_uid=job_uid,
        attempt=request.scan.attempt,
        scanner_version=__version__,
        ttl_days=request.ttl_days,
    )
