"""Several objects, scanned one by one with several in flight, and the sum of what was found.

Every object has its own row, written as soon as it is scanned, and rows say what is left to do: a process that is
killed loses the objects in flight, and the next attempt does the rest.
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any

from logscan_api.exitcodes import ExitCode
from logscan_api.requests import ScanRequest
from logscan_api.results import ScanResult
from logscan_scanner.aws import Objects, Results
from logscan_scanner.aws.results import MOST_ROWS
from logscan_scanner.errors import ScanError
from logscan_scanner.members import Failed, Member, Members, Scanned
from logscan_scanner.recording import Attempt, reporting, with_page, write
from logscan_scanner.scanning.progress import ObjectsProgress
from logscan_scanner.scanning.rules import compile_for_scan
from logscan_scanner.scanning.sums import Sum
from logscan_scanner.tagging import Tagger

IN_FLIGHT = 16  # objects: S3 takes 20 to 50 ms to answer, DynamoDB 5, twice, and a small scan 3
MOST_UNDONE = 2 * IN_FLIGHT  # in a row: then it is no single object that fails

log = logging.getLogger("logscan.scanner")


def run(attempt: Attempt, objects: Objects, results: Results) -> ScanResult:
    """Scan several objects and write their rows and the sum, unless the table already has that.

    Args:
        attempt: Whose request names them.
        objects: Reads the logs.
        results: The result table.

    Returns:
        The sum.

    Raises:
        ScanError: There is no sum: objects are left for another attempt, or nothing at all can be scanned.
    """
    request = attempt.request
    members = members_of(request)
    done = results.finished(request.result, request.tokens, int(attempt.started.timestamp()))
    if done is not None:
        log.info("the table already has a result, of Job %s", done.job_uid)
        return done
    ruleset = compile_for_scan(request.rules)
    with reporting(request) as (findings, uri):
        tagger = Tagger(request, objects)
        progress = ObjectsProgress(len(members))
        scanner = Members(attempt, ruleset, objects, results, progress, findings, len(members), tagger)
        found = _Batch(attempt, results, scanner).scan(members)
    where: dict[str, Any] = {"ref": request.result, "key": request.source.common, "prefix": True, "report_uri": uri}
    result = ScanResult(started_at=attempt.started, **attempt.facts(), **where, **found.facts())
    there = write(with_page(result, request, findings), request.tokens, results)
    tagger.note(results)
    return there


def members_of(request: ScanRequest) -> list[Member]:
    """Return the objects of a request with where their rows are.

    Raises:
        ScanError: The request does not say that of each.
    """
    sources, rows = request.source.each, request.rows
    if rows is None or len(rows.tokens) != len(sources):
        message = f"rows: must have the tokens of each of the {len(sources)} objects"
        raise ScanError(message, ExitCode.BAD_REQUEST)
    return [
        Member(number, source, rows.ref(request.result.table, request.scan, source), tokens)
        for number, (source, tokens) in enumerate(zip(sources, rows.tokens, strict=True))
    ]


class _Batch:
    """The objects of one attempt."""

    def __init__(self, attempt: Attempt, results: Results, scanner: Members) -> None:
        self._uid = attempt.request.scan.uid
        self._results = results
        self._scanner = scanner
        self._sum = Sum(attempt.request.rules, attempt.request.limits)
        self._undone: list[ScanError] = []
        self._in_a_row = 0

    def scan(self, members: Sequence[Member]) -> Sum:
        """Return the sum over all members.

        Raises:
            ScanError: Some are left for another attempt.
        """
        with _pool() as pool:
            waiting: dict[Future[Scanned | Failed], Member] = {}
            ended: SimpleQueue[Future[Scanned | Failed]] = SimpleQueue()
            for member in self._without_row(members):
                future = pool.submit(self._scanner.scan, member)
                waiting[future] = member
                future.add_done_callback(ended.put)
                if len(waiting) == 2 * IN_FLIGHT:
                    self._take(waiting, ended.get())
            while waiting:
                self._take(waiting, ended.get())
        if self._undone:
            first = self._undone[0]
            message = f"{len(self._undone)} of {len(members)} objects are left for another attempt, the first: {first}"
            raise ScanError(message, self._ending())
        return self._sum

    def _without_row(self, members: Sequence[Member]) -> Iterator[Member]:
        """Add the objects that have a row already to the sum, and yield the others; rows are read as they come."""
        for start in range(0, len(members), MOST_ROWS):
            some = members[start : start + MOST_ROWS]
            now = int(datetime.now(UTC).timestamp())
            there = self._results.all_finished([(member.ref, member.tokens) for member in some], now)
            for member, result in zip(some, there, strict=True):
                if result is None:
                    yield member
                else:
                    self._add(member, result)

    def _take(self, waiting: dict[Future[Scanned | Failed], Member], ended: Future[Scanned | Failed]) -> None:
        """Add an object that is no longer in flight to the sum."""
        member = waiting.pop(ended)
        try:
            outcome = ended.result()
        except ScanError as error:
            self._leave(error)
            return
        self._in_a_row = 0
        if isinstance(outcome, Failed):
            self._sum.fail(member.number, member.key, str(outcome.error.code.reason), str(outcome.error))
            self._scanner.progress.finished()
        else:
            self._add(member, outcome.result)

    def _add(self, member: Member, result: ScanResult) -> None:
        self._sum.add(member.number, result, skipped=result.scan_uid != self._uid)
        self._scanner.progress.finished(result.bytes, result.lines, result.matched_lines)

    def _leave(self, error: ScanError) -> None:
        """Leave an object for another attempt.

        Raises:
            ScanError: No attempt can scan it, or so many are left that it is no single object that fails.
        """
        if error.code.permanent:
            raise error
        log.warning("an object is left for another attempt: %s", error)
        self._undone.append(error)
        self._in_a_row += 1
        if self._in_a_row >= MOST_UNDONE:
            raise error

    def _ending(self) -> ExitCode:
        codes = {error.code for error in self._undone}
        return codes.pop() if len(codes) == 1 else ExitCode.INTERNAL_ERROR


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """Yield threads for the objects in flight; what they have not begun is dropped if something fails."""
    pool = ThreadPoolExecutor(IN_FLIGHT, "object")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
