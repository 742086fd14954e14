"""The engine as the oracle sees it: expressions and a text in, a count of lines for each expression out."""

from collections.abc import Callable, Sequence

from pydantic import ValidationError

from logscan_api.rules import Rule
from logscan_engine.blocks import LineBlocks
from logscan_engine.compiling import compile_rules
from logscan_engine.engine import Engine
from logscan_engine.errors import InvalidRuleError
from logscan_engine.matching import library_path

THREADS = 2
MAX_LINE_BYTES = 64 * 1024 * 1024

Counter = Callable[[bytes], list[int | None]]


class RefusedError(Exception):
    """The engine does not take an expression; the message says why."""


def prepare(patterns: Sequence[str]) -> Counter:
    """Return what counts the lines of a text that each expression matches; None for one that was given up.

    Raises:
        RefusedError: One is refused.
    """
    try:
        rules = [Rule(name=f"r{number}", pattern=pattern) for number, pattern in enumerate(patterns)]
        ruleset = compile_rules(rules)
    except (InvalidRuleError, ValidationError) as error:
        raise RefusedError(str(error)) from error

    def counter(data: bytes) -> list[int | None]:
        engine = Engine(ruleset, lambda line: None, lambda times: 1)
        for _ in engine.scan(LineBlocks(MAX_LINE_BYTES).cut([data]), THREADS):
            pass
        counts = engine.counts
        return [None if rule in counts.incomplete else n for rule, n in enumerate(counts.by_rule)]

    return counter


def count(patterns: Sequence[str], data: bytes) -> list[int | None]:
    """Return how many lines of a text each expression matches; None for one that was given up.

    Raises:
        RefusedError: One is refused.
    """
    return prepare(patterns)(data)


def version() -> str:
    """Return what the engine is."""
    return f"Hyperscan by {library_path() or 'the wheel'}"
