"""All rules in one pass over blocks of whole lines, with an exact count of matching lines for each."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from logscan_api.rules import Severity
from logscan_engine.blocks import Block
from logscan_engine.compiling import RuleSet
from logscan_engine.confirming import Confirmer
from logscan_engine.native import Hits, Tally, count_lines
from logscan_engine.tally import HELD, Second


class Line(NamedTuple):
    """A line that a rule matched.

    Attributes:
        rule: The rule's position.
        block: The block that holds the line.
        start: Where the line starts in the block.
        end: Where its newline is.
        number: Its number in its input, from 1.
    """

    rule: int
    block: Block
    start: int
    end: int
    number: int


LineHandler = Callable[[Line], None]
TimesHandler = Callable[[list[Second]], int]


@dataclass(frozen=True)
class Counts:
    """Lines counted so far.

    Attributes:
        by_rule: Lines of each rule, by its position.
        by_severity: Lines with at least one rule of a severity that has reached its threshold.
        matched: Lines with at least one such rule.
        first_second: The earliest second that a matching line tells, or None.
        last_second: The latest.
        incomplete: Rules that were given up because they took too long, by their position.
    """

    by_rule: list[int]
    by_severity: dict[Severity, int]
    matched: int
    first_second: int | None
    last_second: int | None
    incomplete: list[int]


class Engine:
    """Scans blocks and keeps the counts."""

    def __init__(
        self,
        ruleset: RuleSet,
        on_line: LineHandler,
        on_times: TimesHandler,
        first: int = 1,
        reference: int = 0,
        classes: tuple[type[Hits], type[Tally]] = (Hits, Tally),
    ) -> None:
        """Prepare a scan.

        Args:
            ruleset: Compiled rules.
            on_line: Called for the first lines of each rule and some later ones.
            on_times: Called after each block with the times of matching lines, see `Tally.end`; returns the width of
                the spans that it wants from then on.
            first: How many first lines of each rule `on_line` gets for certain.
            reference: A second that the log is not newer than, see `clock.time_of`.
            classes: Who keeps what is found, and who counts.
        """
        self.ruleset = ruleset
        self._on_line = on_line
        self._on_times = on_times
        self._lines_before = 0  # lines of earlier inputs
        self._confirmer = Confirmer(ruleset.confirms)
        self._excluded_by = {e.rule: n for n, e in enumerate(ruleset.expressions) if e.excludes}
        ranks = bytes(self._rank(n) for n in range(len(ruleset.expressions)))
        thresholds = [ruleset.rules[e.rule].threshold for e in ruleset.expressions]
        self._hits, tally = classes
        self._tally = tally(ranks, thresholds, first, reference)

    def _rank(self, expression: int) -> int:
        rule = self.ruleset.expressions[expression].rule
        held = self.ruleset.expressions[expression].excludes or expression in self.ruleset.confirms
        return HELD if held or rule in self._excluded_by else self.ruleset.rules[rule].severity.rank

    @property
    def counts(self) -> Counts:
        """Return what was counted so far."""
        tally, rules = self._tally, self.ruleset.rules
        return Counts(
            by_rule=tally.counts[: len(rules)],
            by_severity=dict(zip(Severity, tally.by_severity, strict=True)),
            matched=tally.matched,
            first_second=tally.first_second,
            last_second=tally.last_second,
            incomplete=sorted({self.ruleset.expressions[n].rule for n in self._confirmer.given_up}),
        )

    @property
    def lines(self) -> int:
        """Return how many lines were scanned so far."""
        return self._tally.lines

    @property
    def matched(self) -> int:
        """Return how many lines matched so far."""
        return self._tally.matched

    def scan(self, blocks: Iterator[Block], threads: int) -> Generator[Block, None, None]:
        """Count the matching lines of blocks, whose every line ends in a newline; yield each when it is counted.

        Args:
            blocks: The blocks in order.
            threads: How many are scanned at once, where the engine can.
        """
        threads = threads if self.ruleset.database.parallel else 1
        spare = [self._hits(len(self.ruleset.expressions)) for _ in range(threads + 1)]
        ahead: deque[tuple[Block, Future[Hits]]] = deque()
        with ThreadPoolExecutor(threads, "scan") as pool:
            for block in blocks:
                ahead.append((block, pool.submit(self._find, block, spare.pop())))
                if not spare:
                    yield self._count(*ahead.popleft(), spare)
            while ahead:
                yield self._count(*ahead.popleft(), spare)

    def _find(self, block: Block, hits: Hits) -> Hits:
        self.ruleset.database.scan(block.data, hits)
        return hits

    def _count(self, block: Block, future: "Future[Hits]", spare: list[Hits]) -> Block:
        hits, tally = future.result(), self._tally
        lines_before = tally.lines
        tally.take(hits)
        spare.append(hits)
        held = tally.held()
        if held:
            self._settle(block.data, held)
        lines, times = tally.end()
        if block.offset == 0:
            self._lines_before = lines_before
        first = lines_before - self._lines_before + 1
        for rule, start, end in lines:
            self._on_line(Line(rule, block, start, end, first + count_lines(block.data, start)))
        if times:
            tally.width = self._on_times(times)
        return block

    def _settle(self, data: bytes, held: dict[int, list[int]]) -> None:
        """Count the lines of rules that exclude some or that need a closer look."""
        for rule in sorted(number for number in held if number < len(self.ruleset.rules)):
            ends = self._confirmer.confirm(rule, data, held[rule])
            other = self._excluded_by.get(rule)
            if other is not None and other in held:
                among = sorted(set(ends) & set(held[other]))
                excluded = set(self._confirmer.confirm(other, data, among))
                ends = [end for end in ends if end not in excluded]
            self._tally.accept(rule, self.ruleset.rules[rule].severity.rank, ends)
