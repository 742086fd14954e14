"""One of several objects: read, scanned, and its row written."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from threading import BoundedSemaphore, Lock

import logscan_engine as engine
from logscan_api.exitcodes import ExitCode
from logscan_api.failedrows import FailedRow
from logscan_api.results import ScanResult
from logscan_api.sources import S3Source
from logscan_api.statuses import ResultRef
from logscan_api.text import cut, printable
from logscan_scanner.aws import Objects, Results, StoredObject
from logscan_scanner.aws.objects import BEGINNING_BYTES
from logscan_scanner.errors import ScanError
from logscan_scanner.recording import Attempt, write
from logscan_scanner.reporting.report import LINES_PER_RULE, Findings
from logscan_scanner.scanning.progress import ObjectsProgress
from logscan_scanner.scanning.scan import WHY_BYTES, Scan, processors
from logscan_scanner.tagging import Tagger

LEAST_FINDINGS = 10  # of each rule and object, however many objects share the report

# What is wrong with an object, and not with the scan of all.
OF_OBJECT = {
    ExitCode.OBJECT_NOT_FOUND,
    ExitCode.SUPERSEDED,
    ExitCode.ACCESS_DENIED,
    ExitCode.ARCHIVED,
    ExitCode.UNSUPPORTED_FORMAT,
    ExitCode.KEY_UNAVAILABLE,
}

log = logging.getLogger("logscan.scanner")


@dataclass(frozen=True)
class Member:
    """One of several objects.

    Attributes:
        number: Its place in the list.
        source: What it is.
        ref: Where its row is.
        tokens: Tokens of the row.
    """

    number: int
    source: S3Source
    ref: ResultRef
    tokens: list[str]

    @property
    def key(self) -> str:
        """Return its key."""
        return self.source.key or ""


@dataclass(frozen=True)
class Scanned:
    """The result in its row, which another scan may have written meanwhile."""

    result: ScanResult


@dataclass(frozen=True)
class Failed:
    """Why it can never be scanned; its row says so."""

    error: ScanError


class Members:
    """Scans objects, any number of threads at once.

    Attributes:
        progress: Logs how far all are.
    """

    def __init__(
        self,
        attempt: Attempt,
        ruleset: engine.RuleSet,
        objects: Objects,
        results: Results,
        progress: ObjectsProgress,
        findings: Findings | None,
        total: int,
        tagger: Tagger,
    ) -> None:
        """Scan nothing yet.

        Args:
            attempt: Whose objects they are.
            ruleset: The rules, compiled.
            objects: Reads them.
            results: Where their rows go.
            progress: Told of each block.
            findings: The report, if there is one.
            total: How many objects share the report.
            tagger: Tags each that was scanned.
        """
        self.progress = progress
        self._attempt = attempt
        self._ruleset = ruleset
        self._objects = objects
        self._results = results
        self._findings = findings
        self._tagger = tagger
        self._most_findings = max(LINES_PER_RULE // total, LEAST_FINDINGS)
        self._report = Lock()
        self._processors = processors()
        # What is unpacked and scanned is in memory: no more of that than there are processors, and of large objects,
        # which are read ahead, one.
        self._small = BoundedSemaphore(self._processors)
        self._large = BoundedSemaphore(1)

    def scan(self, member: Member) -> Scanned | Failed:
        """Scan an object and write its row.

        Raises:
            ScanError: There is no row: another attempt may scan it, or the table or the request is at fault.
        """
        try:
            stored, result = self._read(member)
        except ScanError as error:
            if error.code not in OF_OBJECT:
                raise
            return self._failed(member, error)
        except Exception as error:
            log.exception("unexpected error at s3://%s/%s", member.source.bucket, member.key)
            raise ScanError(f"s3://{member.source.bucket}/{member.key}: {type(error).__name__}: {error}") from error
        self._tagger.tag(stored, result)  # before there is a row, with which no other attempt would come back
        return Scanned(write(result, member.tokens, self._results, stored.order(member.source.sequencer)))

    def _read(self, member: Member) -> tuple[StoredObject, ScanResult]:
        stored, beginning = self._objects.begin(StoredObject.of(member.source))
        if (stored.size or 0) <= BEGINNING_BYTES:
            with self._small:
                return stored, self._scan(member, stored, iter([beginning]), 1)
        with self._large:
            return stored, self._scan(member, stored, chain([beginning], self._objects.rest(stored)), self._processors)

    def _scan(self, member: Member, stored: StoredObject, chunks: Iterator[bytes], threads: int) -> ScanResult:
        request = self._attempt.request
        reference = int(stored.modified.timestamp()) if stored.modified else None
        add = self._adding(member.key)
        most = self._most_findings if add else 0
        scan = Scan(
            self._ruleset, request.rules, request.limits, self.progress, reference, add, most, request.records, threads
        )
        scan.read(chunks, None, stored.key)
        version = {"version_id": stored.version_id, "etag": stored.etag}
        return self._attempt.result(scan, scan.finish(), ref=member.ref, key=member.key, objects=1, **version)

    def _adding(self, key: str) -> Callable[[engine.Line], None] | None:
        findings, report = self._findings, self._report
        if findings is None or findings.full:
            return None

        def add(line: engine.Line) -> None:
            with report:
                findings.add(line, key)

        return add

    def _failed(self, member: Member, error: ScanError) -> Scanned | Failed:
        """Write the row of an object that can never be scanned; return the result that another scan has of it."""
        facts = self._attempt.facts()
        row = FailedRow(
            ref=member.ref,
            key=member.key,
            version_id=member.source.version_id,
            etag=member.source.etag,
            reason=str(error.code.reason),
            message=cut(printable(str(error)), WHY_BYTES),
            **facts,
        )
        there = self._results.write(row, member.tokens, int(datetime.now(UTC).timestamp()))
        return Scanned(there) if isinstance(there, ScanResult) else Failed(error)
