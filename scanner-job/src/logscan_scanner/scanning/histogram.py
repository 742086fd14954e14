"""Matching lines over time, as a result has them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

from logscan_api.results import Bin, ScanResult
from logscan_api.rules import Severity
from logscan_engine import Counts

# As the engine does it (`rust/src/tally/histogram.rs`): each width divides the next, and the span decides.
MOST_BINS = 120
WIDTHS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21_600, 86_400)
WEEK = 604_800


def facts(counts: Counts) -> dict[str, Any]:
    """Return what the times of matching lines add to a `ScanResult`: nothing if no line has one."""
    if counts.span is None:
        return {}
    return _facts(counts.span, counts.histogram_seconds, counts.histogram)


def _facts(span: tuple[int, int], width: int, bins: list[tuple[int, list[int]]]) -> dict[str, Any]:
    first, last = span
    return {
        "first_match_at": datetime.fromtimestamp(first, UTC),
        "last_match_at": datetime.fromtimestamp(last, UTC),
        "histogram_seconds": width,
        "histogram": [
            Bin(
                start=datetime.fromtimestamp(start, UTC),
                by_severity={s: n for s, n in zip(Severity, lines, strict=True) if n},
            )
            for start, lines in bins
        ],
    }


class Merged:
    """The histograms of several results in one. The order in which they come does not change it."""

    def __init__(self) -> None:
        """Start without lines."""
        self._span: tuple[int, int] | None = None
        self._width = WIDTHS[0]
        self._bins: dict[int, list[int]] = {}

    def add(self, result: ScanResult) -> None:
        """Add the histogram of a result; its bins are at most as wide as those of a span that includes its own."""
        if result.first_match_at is None or result.last_match_at is None:
            return
        first, last = int(result.first_match_at.timestamp()), int(result.last_match_at.timestamp())
        if self._span is not None:
            first, last = min(first, self._span[0]), max(last, self._span[1])
        self._span = first, last
        width = next(width for width in _widths() if last - first < width * (MOST_BINS - 1))
        if width > self._width:
            self._width, narrow, self._bins = width, self._bins, {}
            for start, lines in narrow.items():
                self._count(start, lines)
        for found in result.histogram:
            self._count(int(found.start.timestamp()), [found.by_severity.get(severity, 0) for severity in Severity])

    def facts(self) -> dict[str, Any]:
        """Return what `facts` does."""
        return {} if self._span is None else _facts(self._span, self._width, sorted(self._bins.items()))

    def _count(self, start: int, lines: list[int]) -> None:
        start -= start % self._width
        there = self._bins.get(start)
        self._bins[start] = lines if there is None else [one + more for one, more in zip(there, lines, strict=True)]


def _widths() -> Iterator[int]:
    yield from WIDTHS
    yield from (WEEK << doublings for doublings in count())
