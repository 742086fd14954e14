"""Matching lines over time, in a bounded number of buckets whose width grows with the span."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from logscan_api.results import Bucket
from logscan_api.rules import Severity
from logscan_scanner.tally import SEVERITIES, Second

BUCKETS = 120
WIDTHS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21600, 86400, 604800)


class Histogram:
    """Counts lines of each severity by time.

    Attributes:
        first: The earliest second that a matching line tells, or None.
        last: The latest.
        width: Seconds that a bucket spans.
        buckets: Lines of each severity by the bucket's first second.
    """

    def __init__(self) -> None:
        self.first: int | None = None
        self.last: int | None = None
        self.width = WIDTHS[0]
        self.buckets: dict[int, list[int]] = {}

    def add(self, times: Iterable[Second]) -> None:
        """Take lines in, in any order."""
        for second, *lines in times:
            if self.first is None or second < self.first:
                self.first = second
            if self.last is None or second > self.last:
                self.last = second
            self._put(second - second % self.width, lines)
            if (self.last - self.first) // self.width + 2 > BUCKETS:
                self._widen()

    def facts(self) -> dict[str, Any]:
        """Return what it adds to a `ScanResult`: nothing if no line told a time."""
        if self.first is None or self.last is None:
            return {}
        return {
            "first_match_at": datetime.fromtimestamp(self.first, UTC),
            "last_match_at": datetime.fromtimestamp(self.last, UTC),
            "histogram_seconds": self.width,
            "histogram": [
                Bucket(
                    start=datetime.fromtimestamp(start, UTC),
                    by_severity={s: n for s, n in zip(Severity, lines, strict=True) if n},
                )
                for start, lines in sorted(self.buckets.items())
            ],
        }

    def _put(self, start: int, lines: list[int]) -> None:
        bucket = self.buckets.setdefault(start, [0] * SEVERITIES)
        for severity, count in enumerate(lines):
            bucket[severity] += count

    def _widen(self) -> None:
        """Merge buckets into wider ones until few enough are left."""
        span = (self.last or 0) - (self.first or 0)
        fitting = (width for width in WIDTHS if span // width + 2 <= BUCKETS)
        self.width = next(fitting, span // (BUCKETS - 2) + 1)
        old, self.buckets = self.buckets, {}
        for start, lines in old.items():
            self._put(start - start % self.width, lines)
