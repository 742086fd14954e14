"""Matching lines over time, in a bounded number of buckets whose width grows with the span."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from logscan_api.results import Bucket
from logscan_api.rules import Severity
from logscan_engine.tally import SEVERITIES, Second

BUCKETS = 120
WIDTHS = (
    1,
    5,
    10,
    30,
    60,
    300,
    600,
    1800,
    3600,
    21600,
    86400,
    *(604800 << n for n in range(24)),
)  # each divides the next


class Histogram:
    """Counts lines of each severity by time.

    Attributes:
        width: Seconds that a bucket spans.
        buckets: Lines of each severity by the bucket's first second.
    """

    def __init__(self) -> None:
        self._first: int | None = None
        self._last: int | None = None
        self.width = WIDTHS[0]
        self.buckets: dict[int, list[int]] = {}

    def add(self, times: Iterable[Second]) -> int:
        """Take lines in, in any order, and return the width."""
        for second, *lines in times:
            self._first = second if self._first is None else min(second, self._first)
            self._last = second if self._last is None else max(second, self._last)
            self._put(second - second % self.width, lines)
            if (self._last - self._first) // self.width + 2 > BUCKETS:
                self._widen()
        return self.width

    def facts(self, first: int | None, last: int | None) -> dict[str, Any]:
        """Return what it adds to a `ScanResult`: nothing if no line told a time.

        Args:
            first: The earliest second that a matching line told.
            last: The latest.
        """
        if first is None or last is None:
            return {}
        return {
            "first_match_at": datetime.fromtimestamp(first, UTC),
            "last_match_at": datetime.fromtimestamp(last, UTC),
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
        span = (self._last or 0) - (self._first or 0)
        self.width = next(width for width in WIDTHS if span // width + 2 <= BUCKETS)
        old, self.buckets = self.buckets, {}
        for start, lines in old.items():
            self._put(start - start % self.width, lines)
