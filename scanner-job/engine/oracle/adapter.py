"""The engine as the oracle sees it: expressions and a text in, a count of lines for each expression out."""

from collections.abc import Callable, Sequence

import logscan_engine as engine
from logscan_engine import InvalidRuleError, Rule, RuleSet

THREADS = 2

Counter = Callable[[bytes], list[int | None]]


class RefusedError(Exception):
    """The engine does not take an expression; the message says why."""


def prepare(patterns: Sequence[str]) -> Counter:
    """Return what counts the lines of a text that each expression matches; None for one that was given up.

    Raises:
        RefusedError: One is refused.
    """
    try:
        rules = RuleSet([Rule(f"r{number}", pattern) for number, pattern in enumerate(patterns)])
    except InvalidRuleError as error:
        raise RefusedError(error.problem) from error

    def counter(data: bytes) -> list[int | None]:
        counts = engine.count(rules, data, THREADS)
        return [None if rule in counts.incomplete else n for rule, n in enumerate(counts.by_rule)]

    return counter


def count(patterns: Sequence[str], data: bytes) -> list[int | None]:
    """Return how many lines of a text each expression matches; None for one that was given up.

    Raises:
        RefusedError: One is refused.
    """
    return prepare(patterns)(data)


def version() -> str:
    """Return what the engine confirms with."""
    return f"logscan_engine with PCRE2 {engine.pcre_version()}"
