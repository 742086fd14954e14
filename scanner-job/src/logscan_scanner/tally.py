"""What is done once for every match and every matching line: the twin in Python of `_native.c`.

`native.py` says which of the two is used. Both are tested with the same tests.
"""

from logscan_scanner.clock import time_of

HELD = 0xFF
SEVERITIES = 4
Sample = tuple[int, int, int]
Second = tuple[int, int, int, int, int]


class Tally:
    """Counts matching lines, each once for each expression, block by block.

    A block is begun, the engine calls the tally for each match, and the block is ended. The engine reports the matches
    of one expression in the order of their ends, so the end of the last line that was counted tells a new line.

    Attributes:
        counts: Lines of each expression.
        by_severity: Lines with at least one rule of a severity, mildest first.
        matched: Lines with at least one rule.
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
        self._severities = severities
        self._thresholds = thresholds
        self._reference = reference
        self._first = first
        self._last = [-1] * len(severities)
        self._held: dict[int, list[int]] = {}
        self._marks: dict[int, int] = {}
        self._samples: list[tuple[int, int]] = []
        self._data = b""

    def begin(self, block: bytes) -> None:
        """Start with a block of whole lines."""
        self._data = block
        self._last = [-1] * len(self._last)

    def __call__(self, expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
        """Take a match from the engine."""
        if end <= self._last[expression]:
            return
        line_end = self._data.find(b"\n", end)
        self._last[expression] = line_end
        if self._severities[expression] == HELD:
            self._held.setdefault(expression, []).append(line_end)
        else:
            self._count(expression, self._severities[expression], line_end)

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
            Samples as (expression, start of the line, end of the line), and the matching lines by the second that they
            tell as (second, lines of each severity); lines in a row are added up, a second can come again.
        """
        start_of = self._data.rfind
        samples = [(expression, start_of(b"\n", 0, end) + 1, end) for expression, end in self._samples]
        times: list[Second] = []
        for end, mark in self._marks.items():
            second = time_of(self._data[start_of(b"\n", 0, end) + 1 : end], self._reference)
            if second is None:
                continue
            one = [mark >> severity & 1 for severity in range(SEVERITIES)]
            if times and times[-1][0] == second:
                one = [a + b for a, b in zip(one, times.pop()[1:], strict=True)]
            times.append((second, one[0], one[1], one[2], one[3]))
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


def count_lines(block: bytes) -> int:
    """Return how many newlines a block has."""
    return block.count(b"\n")
