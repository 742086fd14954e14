"""Rules compiled into one database of the engine, and what it cannot do by itself.

Hyperscan has no backreferences, lookaround, atomic groups or possessive quantifiers. An expression with one of those
is compiled as a prefilter, which matches at least the lines that the expression does, and each line is then confirmed
with the `regex` package. See docs/decisions/0001-scan-engine.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from logscan_api.rules import Rule
from logscan_engine import dialect
from logscan_engine.matching import CASELESS, MULTILINE, PREFILTER, CompileError, Database, compile_expressions

if TYPE_CHECKING:
    import regex


Compiler = Callable[[list[bytes], list[int]], Database]


@dataclass(frozen=True)
class Expression:
    """One expression of a rule.

    Attributes:
        rule: The rule's position.
        name: What to call it in a message.
        source: The expression as it was written.
        ignore_case: Whether letters match in either case.
        excludes: Whether it takes lines away from the rule.
    """

    rule: int
    name: str
    source: str
    ignore_case: bool
    excludes: bool = False

    @property
    def flags(self) -> int:
        """Return the engine's flags."""
        return MULTILINE | (CASELESS if self.ignore_case else 0)


@dataclass(frozen=True)
class RuleSet:
    """Compiled rules.

    Attributes:
        rules: The rules.
        expressions: Theirs: first each rule's own, in the rules' order, then those that exclude.
        database: The compiled database; an expression's id is its position.
        confirms: The exact form of those expressions that the database only prefilters.
    """

    rules: list[Rule]
    expressions: list[Expression]
    database: Database
    confirms: dict[int, "regex.Pattern[bytes]"] = field(default_factory=dict)


def compile_rules(rules: list[Rule], compile_all: Compiler = compile_expressions) -> RuleSet:
    """Compile rules for scanning.

    Args:
        rules: The rules.
        compile_all: What compiles expressions.

    Raises:
        InvalidRuleError: One cannot be compiled; the message names it and what is wrong.
    """
    expressions = [Expression(n, rule.name, rule.pattern, rule.ignore_case) for n, rule in enumerate(rules)]
    expressions += [
        Expression(n, f"{rule.name} (exclude)", rule.exclude, rule.ignore_case, excludes=True)
        for n, rule in enumerate(rules)
        if rule.exclude is not None
    ]
    prepared = [_prepare(expression) for expression in expressions]
    flags = [expression.flags for expression in expressions]
    try:
        return RuleSet(rules, expressions, compile_all(prepared, flags))
    except CompileError:
        # Not all that are to blame are known: find out by compiling one at a time.
        confirms = {}
        for number, expression in enumerate(expressions):
            confirm = _confirm(expression, prepared[number], compile_all)
            if confirm is not None:
                confirms[number] = confirm
                flags[number] |= PREFILTER
    try:
        return RuleSet(rules, expressions, compile_all(prepared, flags), confirms)
    except CompileError as error:
        raise dialect.explain(", ".join(e.name for e in expressions), error) from error


def _prepare(expression: Expression) -> bytes:
    try:
        return dialect.per_line(expression.source)
    except dialect.DialectError as error:
        raise dialect.explain(expression.name, error) from error


def _confirm(expression: Expression, prepared: bytes, compile_all: Compiler) -> "regex.Pattern[bytes] | None":
    """Return what confirms an expression's lines, or None if the engine takes it as it is.

    Raises:
        InvalidRuleError: Neither the engine nor a prefilter takes it.
    """
    try:
        compile_all([prepared], [expression.flags])
        return None
    except CompileError as refused:
        error = refused
    import regex  # takes its time to import, and few scans need it

    try:
        compile_all([prepared], [expression.flags | PREFILTER])
        case = regex.IGNORECASE if expression.ignore_case else 0
        return regex.compile(expression.source.encode(), regex.ASCII | regex.VERSION0 | case)
    except (CompileError, regex.error):
        raise dialect.explain(expression.name, _friendly(error)) from error


def _friendly(error: Exception) -> Exception:
    if "empty buffer" in str(error):
        return dialect.DialectError("it matches the empty string, and so every line: make it require a character")
    return error
