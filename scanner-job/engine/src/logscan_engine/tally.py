"""What is done once for every match and every matching line: the twins in Python of `_native.c`'s classes.

`native.py` says which are used. All are tested with the same tests.
"""

from logscan_engine.clock import time_of

HELD = 0xFF
SEVERITIES = 4
Sample = tuple[int, int, int]
Second = tuple[int, int, int, int, int]


class Hits:
    """What the engine finds in one block: for each expression the lines that it matches, each once.

    The engine's binding calls it for each match. The matches of one expression come in the order of their ends, so the
    end of the last line that was found tells a new line.
    """

    def __init__(self, expressions: int) -> None:
        """Prepare for so many expressions."""
        self.block = b""
        self.lines = 0
        self.found: list[tuple[int, int]] = []
        self._last = [-1] * expressions

    def begin(self, block: bytes) -> None:
        """Start with a block of whole lines."""
        self.block = block
        self.lines = count_lines(block)
        self.found = []
        self._last = [-1] * len(self._last)

    def __call__(self, expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
        """Take a match from the engine."""
        if end > self._last[expression]:
            line_end = self.block.find(b"\n", end)
            self._last[expression] = line_end
            self.found.append((expression, line_end))


class Tally:
    """Counts matching lines, block by block: a block's hits are taken, those held are settled, the block is ended.

    Attributes:
        counts: Lines of each expression.
        by_severity: Lines with at least one rule of a severity, mildest first.
        matched: Lines with at least one rule.
        lines: Lines of all blocks.
        first_second: The earliest second that a matching line tells, or None.
        last_second: The latest.
        width: Seconds that are added up in what `end` returns.
    """

    def __init__(self, severities: bytes, thresholds: list[int], first: int, reference: int) -> None:
        """Prepare.

        Args:
            severities: Rank of each expression's severity, or `HELD` for one that does not count by itself: its lines
                are returned by `held` and those that are to count come back through `accept`.
            thresholds: From which line of an expression on its lines count as matched.
            first: How many first lines of each expression are samples; after those, each power of two is one.
            reference: See `time_of`.
        """
        self.counts = [0] * len(severities)
        self.by_severity = [0] * SEVERITIES
        self.matched = 0
        self.lines = 0
        self.first_second: int | None = None
        self.last_second: int | None = None
        self.width = 1
        self._severities = severities
        self._thresholds = thresholds
        self._reference = reference
        self._first = first
        self._held: dict[int, list[int]] = {}
        self._marks: dict[int, int] = {}
        self._samples: list[tuple[int, int]] = []
        self._data = b""

    def take(self, hits: Hits) -> None:
        """Start with a block of whole lines, and what was found in it."""
        self._data = hits.block
        self.lines += hits.lines
        for expression, line_end in hits.found:
            severity = self._severities[expression]
            if severity == HELD:
                self._held.setdefault(expression, []).append(line_end)
            else:
                self._count(expression, severity, line_end)

    def held(self) -> dict[int, list[int]]:
        """Return the ends of lines of the expressions that are held, and forget them."""
        found, self._held = self._held, {}
        return found

    def accept(self, expression: int, severity: int, ends: list[int]) -> None:
        """Count lines of an expression that is held."""
        for end in ends:
            self._count(expression, severity, end)

    def end(self) -> tuple[list[Sample], list[Second]]:
        """End the block.

        Returns:
            Samples as (expression, start of the line, end of the line), and the matching lines by the span of `width`
            seconds that they tell as (its first second, lines of each severity); lines in a row are added up, a span
            can come again.
        """
        start_of = self._data.rfind
        samples = [(expression, start_of(b"\n", 0, end) + 1, end) for expression, end in self._samples]
        times: list[Second] = []
        for end, mark in self._marks.items():
            second = time_of(self._data[start_of(b"\n", 0, end) + 1 : end], self._reference)
            if second is None:
                continue
            self.first_second = min(second, self.first_second or second)
            self.last_second = max(second, self.last_second or second)
            start = second - second % self.width
            lines = [mark >> severity & 1 for severity in range(SEVERITIES)]
            if times and times[-1][0] == start:
                lines = [a + b for a, b in zip(lines, times.pop()[1:], strict=True)]
            times.append((start, lines[0], lines[1], lines[2], lines[3]))
        self._samples, self._marks, self._data = [], {}, b""
        return samples, times

    def _count(self, expression: int, severity: int, end: int) -> None:
        self.counts[expression] += 1
        count = self.counts[expression]
        if count < self._thresholds[expression]:
            return
        mark = self._marks.get(end, 0)
        if not mark >> severity & 1:
            self.by_severity[severity] += 1
            self.matched += not mark
            self._marks[end] = mark | 1 << severity
        nth = count - self._thresholds[expression] + 1
        if nth <= self._first or nth & (nth - 1) == 0:
            self._samples.append((expression, end))


def count_lines(block: bytes, end: int | None = None) -> int:
    """Return how many newlines a block has, up to an offset."""
    return block.count(b"\n", 0, end)
