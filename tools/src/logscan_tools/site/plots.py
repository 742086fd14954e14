"""The picture of how fast the scanner is beside ripgrep, drawn of the table in `benchmarks/README.md`.

`python -m logscan_tools.site.plots` writes it, `--check` fails if it is out of date.
"""

import math
import re
import sys
from dataclasses import dataclass
from html import escape

from logscan_tools.paths import REPOSITORY

TABLE = REPOSITORY / "benchmarks" / "README.md"
PICTURE = REPOSITORY / "docs" / "pictures" / "benchmarks.svg"
HEAD = "| what | ours | rg | ratio, worst |"
LEFT, WIDTH, ROW, TOP = 330, 820, 26, 46
LEAST, MOST = 0.5, 32.0
TICKS = (0.5, 1, 2, 4, 8, 16, 32)
STYLE = """
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1f2933}.title{font-size:14px;font-weight:600}
.back{fill:#fff}.grid{stroke:#e3e6ea}.one{stroke:#52606d;stroke-width:1.5}.faster{fill:#2f7d4f}.slower{fill:#b7472a}
.worst{stroke:#1f2933;stroke-width:1.5}.axis{fill:#52606d;font-size:11px}
"""


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        what: What was scanned.
        ratio: The time of ripgrep by ours, median of the rounds.
        worst: The same of the worst round.
    """

    what: str
    ratio: float
    worst: float


def rows(page: str) -> list[Row]:
    """Return the rows of the table of whole scans in the page."""
    lines = iter(page.splitlines())
    next(line for line in lines if line.startswith(HEAD))
    found = []
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            break
        if ratios := re.fullmatch(r"([\d.]+)x, ([\d.]+)x", cells[3] if len(cells) > 3 else ""):
            found.append(Row(cells[0], float(ratios[1]), float(ratios[2])))
    return found


def draw(found: list[Row]) -> str:
    """Return the picture of some rows."""
    height = TOP + ROW * len(found) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}">',
        "<title>Speed of the scanner, by that of ripgrep</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="back" width="{WIDTH}" height="{height}"/>',
        '<text class="title" x="12" y="24">Times as fast as ripgrep in the same run (line: the worst round)</text>',
    ]
    for tick in TICKS:
        x, kind = _x(tick), "one" if tick == 1 else "grid"
        parts.append(f'<line class="{kind}" x1="{x}" x2="{x}" y1="{TOP - 8}" y2="{height - 28}"/>')
        parts.append(f'<text class="axis" text-anchor="middle" x="{x}" y="{height - 12}">{tick:g}x</text>')
    for number, row in enumerate(found):
        parts += _bar(row, TOP + number * ROW)
    return "\n".join([*parts, "</svg>\n"])


def _bar(row: Row, y: int) -> list[str]:
    ends = sorted((_x(1), _x(row.ratio)))
    kind = "faster" if row.ratio >= 1 else "slower"
    worst = _x(row.worst)
    return [
        f'<text x="12" y="{y + 14}">{escape(row.what)}</text>',
        f'<rect class="{kind}" x="{ends[0]}" y="{y + 3}" width="{ends[1] - ends[0]:.5g}" height="{ROW - 10}"/>',
        f'<line class="worst" x1="{worst}" x2="{worst}" y1="{y}" y2="{y + ROW - 4}"/>',
        f'<text x="{ends[1] + 6:.5g}" y="{y + 15}">{row.ratio:g}x</text>',
    ]


def _x(ratio: float) -> float:
    """Return where a ratio is on the axis, which is logarithmic."""
    share = math.log(ratio / LEAST) / math.log(MOST / LEAST)
    return round(LEFT + share * (WIDTH - LEFT - 60), 1)


def main(arguments: list[str]) -> int:
    """Write the picture, or check it."""
    text = draw(rows(TABLE.read_text(encoding="utf-8")))
    if "--check" not in arguments:
        PICTURE.write_text(text, encoding="utf-8")
        return 0
    if PICTURE.read_text(encoding="utf-8") != text:
        sys.stderr.write(f"{PICTURE.relative_to(REPOSITORY)} is out of date: run make generate\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
