"""One scan, from the request to the row and the report."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from logscan_api.exitcodes import ExitCode
from logscan_api.requests import ScanRequest
from logscan_api.results import ScanResult
from logscan_scanner.aws import Objects, Results, StoredObject
from logscan_scanner.errors import ScanError
from logscan_scanner.recording import Attempt, reporting, with_page, write
from logscan_scanner.reporting.report import LINES_PER_RULE
from logscan_scanner.scanning.progress import Progress
from logscan_scanner.scanning.rules import compile_for_scan
from logscan_scanner.scanning.scan import Scan
from logscan_scanner.tagging import Tagger

log = logging.getLogger("logscan.scanner")


def run(request: ScanRequest, objects: Objects, results: Results, job_uid: str) -> ScanResult:
    """Scan what a request names and write the result, unless the table already has it.

    Args:
        request: The Job's input.
        objects: Reads the logs.
        results: The result table.
        job_uid: UID of the Job that this runs in.

    Returns:
        The result in the table: this scan's, or an earlier one. Of several objects, the sum of their results.

    Raises:
        ScanError: There is no result; its code says what the operator should do.
    """
    attempt = Attempt(request, job_uid, datetime.now(UTC))
    if request.source.objects is not None:
        from logscan_scanner import batches  # a single scan starts without it

        return batches.run(attempt, objects, results)
    if request.source.key is None:
        raise ScanError("source: has neither key nor objects; the operator lists prefixes", ExitCode.BAD_REQUEST)
    return _run(attempt, objects, results)


def _run(attempt: Attempt, objects: Objects, results: Results) -> ScanResult:
    stored, result = _scan(attempt, objects, results)
    tagger = Tagger(attempt.request, objects)
    tagger.tag(stored, result)
    tagger.note(results)
    return result


def _scan(attempt: Attempt, objects: Objects, results: Results) -> tuple[StoredObject, ScanResult]:
    """Return the object that was read, and the result in the table."""
    request = attempt.request
    with ThreadPoolExecutor(1, "compile") as pool:
        compiling = pool.submit(compile_for_scan, request.rules)
        try:
            stored, chunks = objects.open(StoredObject.of(request.source))
        except ScanError:
            compiling.result()  # an invalid rule is the better answer: it is invalid for every object
            raise
        done = results.finished(request.result, request.tokens, int(attempt.started.timestamp()))
        if done is not None:
            log.info("the table already has a result, of Job %s", done.job_uid)
            return stored, done
        ruleset = compiling.result()
    with reporting(request) as (findings, uri):
        progress = Progress(request.source.size)
        modified = stored.modified
        reference = int(modified.timestamp()) if modified else None
        add, most = (findings.add, LINES_PER_RULE) if findings else (None, 0)
        scan = Scan(ruleset, request.rules, request.limits, progress, reference, add, most, request.records)
        scan.read(chunks, None, stored.key)
        counts = scan.finish()
    version = {"version_id": stored.version_id, "etag": stored.etag}
    where = {"ref": request.result, "key": stored.key, "prefix": False, "objects": 1}
    result = attempt.result(scan, counts, **where, **version, report_uri=uri)
    order = stored.order(request.source.sequencer)
    there = write(with_page(result, request, findings), request.tokens, results, order)
    if there.job_uid != result.job_uid:
        log.info("the table already has a result, of Job %s", there.job_uid)
    return stored, there
