"""Matching lines over time, as bars: one lane for each severity, each to a scale of its own.

In a common scale, one critical line among a thousand warnings would be too small to be seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from logscan_api.results import Bin, ScanResult
from logscan_api.rules import Severity

WIDTH, HEIGHT = 1000.0, 40.0
LEAST_HEIGHT = 3.0
MOST_BAR_WIDTH = WIDTH / 24
GAP = 0.12  # of a bin


@dataclass(frozen=True)
class Bar:
    """The lines of one severity in one bin, in units of the lane."""

    x: str
    y: str
    width: str
    height: str
    start: datetime
    lines: int


@dataclass(frozen=True)
class Lane:
    """One severity.

    Attributes:
        severity: Which.
        lines: Lines of it that have a time.
        most: The most lines in a bin.
        bars: The bins that have any.
    """

    severity: Severity
    lines: int
    most: int
    bars: list[Bar]


@dataclass(frozen=True)
class Timeline:
    """All lanes over the same time.

    Attributes:
        seconds: Span of a bin.
        lanes: Worst severity first.
        ticks: Where the first bin starts, the middle, and where the last one ends.
        bins: The same as numbers.
    """

    seconds: int
    lanes: list[Lane]
    ticks: list[datetime]
    bins: list[Bin]


def timeline(result: ScanResult) -> Timeline | None:
    """Return the chart of a result, or None if no line has a time."""
    bins, seconds = result.histogram, result.histogram_seconds
    if not bins or not seconds:
        return None
    first = bins[0].start
    total = (bins[-1].start - first).total_seconds() + seconds
    lanes = [_lane(severity, bins, first, seconds, total) for severity in reversed(Severity)]
    ticks = [first, first + timedelta(seconds=total / 2), first + timedelta(seconds=total)]
    return Timeline(seconds, [lane for lane in lanes if lane.lines], ticks, bins)


def _lane(severity: Severity, bins: Sequence[Bin], first: datetime, seconds: int, total: float) -> Lane:
    found = [(bin_.start, lines) for bin_ in bins if (lines := bin_.by_severity.get(severity, 0))]
    most = max((lines for _, lines in found), default=0)
    room = WIDTH * seconds / total
    width = min(room * (1 - GAP), MOST_BAR_WIDTH)
    bars = []
    for start, lines in found:
        left = WIDTH * (start - first).total_seconds() / total + (room - width) / 2
        height = max(HEIGHT * lines / most, LEAST_HEIGHT)
        bars.append(Bar(f"{left:.1f}", f"{HEIGHT - height:.1f}", f"{width:.1f}", f"{height:.1f}", start, lines))
    return Lane(severity, sum(lines for _, lines in found), most, bars)
