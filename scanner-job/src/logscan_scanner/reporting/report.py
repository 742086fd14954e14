"""The findings of a scan as gzipped JSON Lines, written while the scan runs."""

import json
from collections.abc import Callable

from logscan_api.rules import Rule
from logscan_engine import Line
from logscan_scanner.reporting.packing import Excerpt, Packer
from logscan_scanner.scanning.samples import LOOK_BYTES, shown

LINES_PER_RULE = 1000
MAX_LINES = 20_000
MAX_BYTES = 64 * 1024 * 1024  # of JSON


class Findings:
    """The first lines of each rule, each a line of JSON, within bounds.

    Attributes:
        lines: How many were written.
    """

    def __init__(self, rules: list[Rule], write: Callable[[bytes], None]) -> None:
        """Start with every rule's full budget.

        Args:
            rules: The rules by position.
            write: Takes the compressed bytes.
        """
        self.lines = 0
        self._rules = rules
        self._left = [LINES_PER_RULE] * len(rules)
        self._budget = MAX_BYTES
        self._packer = Packer(write)

    @property
    def full(self) -> bool:
        """Return whether no line can be added any more."""
        return self._budget <= 0 or self.lines >= MAX_LINES

    def add(self, line: Line, key: str | None = None) -> None:
        """Add a line that a rule matched, if the budgets allow it.

        Args:
            line: The line.
            key: The key of its object, if it is one of several that were scanned each by itself.
        """
        if self._left[line.rule] == 0 or self.full:
            return
        self._left[line.rule] -= 1
        rule = self._rules[line.rule]
        finding = {
            "rule": rule.name,
            "severity": str(rule.severity),
            "line": line.number,
            "offset": line.offset,
            "text": shown(line, rule.redact, LOOK_BYTES),
        }
        if key is not None or line.key is not None:
            finding["key"] = f"{key or ''}{line.key or ''}"
        data = (json.dumps(finding, ensure_ascii=False) + "\n").encode()
        self.lines += 1
        self._budget -= len(data)
        self._packer.add(data)

    def close(self) -> None:
        """Write what is left."""
        self._packer.close()

    def excerpt(self) -> Excerpt:
        """Return the first of them, as many as the page has room for, once they are closed."""
        return self._packer.excerpt()
