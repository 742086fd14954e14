"""Exact answers for the expressions that the engine only prefilters, within a budget of time.

An expression with backtracking can take longer than the age of the universe for one line. Each has so many seconds in
all, and all of them together too; one that is over is given up and the result says so, the others go on.
"""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

RULE_SECONDS = 5.0
TOTAL_SECONDS = 30.0


class Confirmer:
    """Confirms lines.

    Attributes:
        given_up: Expressions that were over budget.
    """

    def __init__(self, patterns: Mapping[int, "regex.Pattern[bytes]"]) -> None:
        """Prepare, with the exact form of each expression that needs it."""
        self._patterns = patterns
        self._left = dict.fromkeys(patterns, RULE_SECONDS)
        self._total = TOTAL_SECONDS
        self.given_up: set[int] = set()

    def confirm(self, expression: int, block: bytes, ends: list[int]) -> list[int]:
        """Return the ends of those lines that an expression matches.

        Args:
            expression: Its position.
            block: The block that holds the lines.
            ends: Where they end, in rising order.
        """
        pattern = self._patterns.get(expression)
        if pattern is None:
            return ends
        found: list[int] = []
        began = time.monotonic()
        for end in ends:
            left = min(self._left[expression], self._total) - (time.monotonic() - began)
            if expression in self.given_up or left <= 0:
                self.given_up.add(expression)
                break
            start = block.rfind(b"\n", 0, end) + 1
            try:
                if pattern.search(block[start:end], timeout=left):
                    found.append(end)
            except TimeoutError:
                self.given_up.add(expression)
        spent = time.monotonic() - began
        self._left[expression] -= spent
        self._total -= spent
        return found
