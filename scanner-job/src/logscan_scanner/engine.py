"""All rules in one pass over blocks of whole lines, with an exact count of matching lines for each.

Hyperscan reports the end of every match. Matches of one rule come in the order of their ends, so remembering where
the last counted line of a rule ends is enough to count each line once. See docs/decisions/0001-scan-engine.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import hyperscan

from logscan_api.rules import Rule, Severity
from logscan_scanner import dialect
from logscan_scanner.blocks import Block

LineHandler = Callable[[int, Block, int, int], None]


@dataclass(frozen=True)
class RuleSet:
    """Compiled rules; `excludes` maps the engine's id of an exclude expression to its rule."""

    rules: list[Rule]
    database: "hyperscan.Database"
    excludes: dict[int, int]


@dataclass
class Counts:
    """Lines counted so far.

    Attributes:
        by_rule: Lines of each rule, by its position.
        by_severity: Lines with at least one rule of a severity.
        matched: Lines with at least one rule.
    """

    by_rule: list[int]
    by_severity: dict[Severity, int] = field(default_factory=lambda: dict.fromkeys(Severity, 0))
    matched: int = 0


def compile_rules(rules: list[Rule]) -> RuleSet:
    """Compile rules for scanning.

    Raises:
        InvalidRuleError: One cannot be compiled; the message names it and what is wrong.
    """
    expressions = [(n, rule.name, rule.pattern, rule.ignore_case) for n, rule in enumerate(rules)]
    excludes = {}
    for number, rule in enumerate(rules):
        if rule.exclude is not None:
            excludes[len(expressions)] = number
            expressions.append((len(expressions), f"{rule.name} (exclude)", rule.exclude, rule.ignore_case))
    prepared = [_prepare(name, pattern) for _, name, pattern, _ in expressions]
    flags = [_flags(ignore_case) for *_, ignore_case in expressions]
    return RuleSet(rules, _compile(prepared, flags, [e[1] for e in expressions]), excludes)


def _prepare(name: str, pattern: str) -> bytes:
    try:
        return dialect.per_line(pattern)
    except dialect.DialectError as error:
        raise dialect.explain(name, error) from error


def _flags(ignore_case: bool) -> int:
    return hyperscan.HS_FLAG_MULTILINE | (hyperscan.HS_FLAG_CASELESS if ignore_case else 0)


def _compile(expressions: list[bytes], flags: list[int], names: list[str]) -> "hyperscan.Database":
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=flags)
        return database
    except hyperscan.error as error:
        # The binding does not say which expression failed: find it by compiling one at a time.
        for expression, flag, name in zip(expressions, flags, names, strict=True):
            try:
                hyperscan.Database().compile(expressions=[expression], ids=[0], flags=[flag])
            except hyperscan.error as single:
                raise dialect.explain(name, _friendly(single)) from error
        raise dialect.explain(", ".join(names), error) from error


def _friendly(error: Exception) -> Exception:
    text = str(error)
    if "empty buffer" in text:
        return dialect.DialectError("it matches the empty string, and so every line: make it require a character")
    return error


class Engine:
    """Scans blocks and keeps the counts."""

    def __init__(self, ruleset: RuleSet, on_line: LineHandler) -> None:
        """Prepare a scan.

        Args:
            ruleset: Compiled rules.
            on_line: Called for each counted line of each rule with the rule's position, the block, and the
                line's start and end in it.
        """
        self.ruleset = ruleset
        self.counts = Counts([0] * len(ruleset.rules))
        self._on_line = on_line

    def scan(self, block: Block) -> None:
        """Count the matching lines of a block, whose every line ends in a newline."""
        if self.ruleset.excludes:
            self._scan_with_excludes(block)
        else:
            self._count(block, self._line_ends(block, self.ruleset.database))

    def _line_ends(self, block: Block, database: "hyperscan.Database") -> list[tuple[int, int]]:
        """Return (rule, end of line) for each line that an expression matches, each once."""
        data = block.data
        find = data.find
        last = [-1] * (len(self.ruleset.rules) + len(self.ruleset.excludes))
        hits: list[tuple[int, int]] = []
        append = hits.append

        def on_match(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            if end > last[number]:
                line_end = find(b"\n", end)
                last[number] = line_end
                append((number, line_end))

        database.scan(data, match_event_handler=on_match)
        return hits

    def _scan_with_excludes(self, block: Block) -> None:
        hits = self._line_ends(block, self.ruleset.database)
        excludes = self.ruleset.excludes
        excluded = {(excludes[n], line) for n, line in hits if n in excludes}
        self._count(block, [hit for hit in hits if hit[0] not in excludes and hit not in excluded])

    def _count(self, block: Block, hits: list[tuple[int, int]]) -> None:
        if not hits:
            return
        by_rule, rules = self.counts.by_rule, self.ruleset.rules
        lines: dict[Severity, set[int]] = {severity: set() for severity in Severity}
        for number, line_end in hits:
            by_rule[number] += 1
            lines[rules[number].severity].add(line_end)
            start = block.data.rfind(b"\n", 0, line_end) + 1
            self._on_line(number, block, start, line_end)
        for severity, ends in lines.items():
            self.counts.by_severity[severity] += len(ends)
        self.counts.matched += len(set().union(*lines.values()))
