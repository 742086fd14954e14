"""Line charts as SVG, without a font or script of another server: for a few series over some minutes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 480, 190  # of a chart
LEFT, RIGHT, TOP, BOTTOM = 58, 24, 30, 44  # what is around its lines
LINES = 4  # of the grid
GAP_SECONDS = 8.0  # between two points that no line joins
SHOWN = 5  # series in a legend
COLOURS = ("#2563eb", "#16a34a", "#9333ea", "#0891b2", "#db2777", "#65a30d", "#475569", "#0d9488", "#7c3aed", "#a16207")
# A severity or phase has the same colour in each chart.
MEANT = {
    "critical": "#991b1b",
    "error": "#dc2626",
    "warning": "#d97706",
    "info": "#2563eb",
    "Failed": "#dc2626",
    "Succeeded": "#16a34a",
    "Running": "#2563eb",
    "Queued": "#d97706",
    "Pending": "#94a3b8",
}
SUFFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
Text = Callable[[float], str]


@dataclass(frozen=True)
class Series:
    """A line.

    Attributes:
        name: Its name in the legend.
        points: Seconds from the beginning, and values; what is missing leaves a gap.
    """

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        title: Its title.
        unit: What stands behind a number.
        series: Its lines.
    """

    title: str
    unit: str
    series: tuple[Series, ...]


def shown(value: float) -> str:
    """Return a number in few letters, such as `1.5k`."""
    for size, suffix in SUFFIXES:
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def top(highest: float) -> float:
    """Return the end of an axis: the next 1, 2, 4 or 8 times a power of ten, so that a quarter of it is short."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 4, 8, 10) if step * power >= highest)


def draw(chart: Chart, left: float, above: float, seconds: float) -> str:
    """Return a chart at a place in a picture.

    Args:
        chart: The chart.
        left: Its left edge.
        above: Its upper edge.
        seconds: The time that it shows.
    """
    most = top(max((value for line in chart.series for _, value in line.points), default=0.0))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = [
        f'<g transform="translate({left:g},{above:g})">',
        f'<rect class="card" width="{WIDTH}" height="{HEIGHT}"/>',
    ]
    parts.append(f'<text class="title" x="12" y="19">{escape(chart.title)}</text>')
    for number in range(LINES + 1):
        y = TOP + high - high * number / LINES
        label = f"{shown(most * number / LINES)}{chart.unit}"
        parts.append(f'<path class="grid" d="M{LEFT} {y:g}h{wide}"/>')
        parts.append(f'<text class="axis" text-anchor="end" x="{LEFT - 6}" y="{y + 3:g}">{escape(label)}</text>')
    for minute in range(int(seconds // 60) + 1):
        x = LEFT + wide * minute * 60 / seconds
        parts.append(f'<text class="axis" text-anchor="middle" x="{x:.4g}" y="{TOP + high + 13}">{minute} min</text>')
    for line, colour in zip(chart.series, colours(chart.series), strict=True):
        path = _path(line, LEFT, TOP + high, wide / seconds, high / most)
        parts.append(f'<path class="line" stroke="{colour}" d="{path}"/>')
    return "\n".join([*parts, *_legend(chart), "</g>"])


def colours(series: Sequence[Series]) -> list[str]:
    """Return the colour of each line: that of what it means, or the next one."""
    return [MEANT.get(line.name, COLOURS[at % len(COLOURS)]) for at, line in enumerate(series)]


def _path(line: Series, left: float, bottom: float, by_second: float, by_value: float) -> str:
    steps, before = [], -math.inf
    for second, value in line.points:
        move = "L" if second - before < GAP_SECONDS else "M"
        steps.append(f"{move}{left + second * by_second:.1f} {bottom - value * by_value:.1f}")
        before = second
    return "".join(steps)


def _legend(chart: Chart) -> list[str]:
    """Return the names of the lines, those with the highest values."""
    found = sorted(
        zip(chart.series, colours(chart.series), strict=True),
        key=lambda one: -max((value for _, value in one[0].points), default=0.0),
    )
    parts, x = [], float(LEFT)
    for line, colour in found[:SHOWN]:
        width = 22 + 5.7 * len(line.name)
        if not line.name or x + width > WIDTH:
            continue
        parts.append(f'<rect x="{x:.4g}" y="{HEIGHT - 20}" width="10" height="3" fill="{colour}"/>')
        parts.append(f'<text class="axis" x="{x + 14:.4g}" y="{HEIGHT - 15}">{escape(line.name)}</text>')
        x += width
    return parts
