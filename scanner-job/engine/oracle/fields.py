"""The judge of conditions on fields: what Python's `json` reads, and `decimal` for numbers.

It follows docs/rules.md word by word and is made to be plain, not fast.
"""

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
COMPARISON = re.compile(r"(>=|<=|>|<)\s*(\S+)")
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
WORDS = {True: "true", False: "false", None: ""}
LONE_HALVES = re.compile("[\ud800-\udbff\udc00-\udc7f\udd00-\udfff]")  # surrogateescape has the others


class Object(NamedTuple):
    """An object with each of its fields, also where a name comes twice."""

    fields: list[tuple[str, Any]]


class Number(str):
    """A number, as it is written."""

    __slots__ = ()


def holds(where: Mapping[str, Sequence[str]], line: bytes) -> bool:
    """Return whether a line is JSON whose fields fulfil all conditions."""
    try:
        record = json.loads(
            line.decode(errors="surrogateescape"),
            strict=False,
            object_pairs_hook=Object,
            parse_int=Number,
            parse_float=Number,
            parse_constant=str,
        )
    except ValueError:
        return False
    return all(_fulfils(list(_values(record, path)), conditions) for path, conditions in where.items())


def _values(value: Any, path: str | None) -> Iterator[str | None]:
    """Yield what a path leads to: texts, and None for objects."""
    if isinstance(value, list):
        for item in value:
            if not isinstance(item, list):
                yield from _values(item, path)
    elif path is None:
        yield None if isinstance(value, Object) else WORDS.get(value, value) if not isinstance(value, str) else value
    elif isinstance(value, Object):
        for name, inner in value.fields:
            plain = LONE_HALVES.sub("\ufffd", name)
            if plain == path:
                yield from _values(inner, None)
            elif path.startswith(f"{plain}."):
                yield from _values(inner, path[len(plain) + 1 :])


def _fulfils(values: list[str | None], conditions: Sequence[str]) -> bool:
    texts = [value for value in values or [""] if value is not None]
    texts = [LONE_HALVES.sub("\ufffd", text) for text in texts]
    unwanted = [condition[2:].strip() for condition in conditions if condition.startswith("!=")]
    wanted = [condition for condition in conditions if not condition.startswith("!=")]
    passes = not wanted or any(_passes(text, condition) for text in texts for condition in wanted)
    return passes and not any(_equal(text, condition) for text in texts for condition in unwanted)


def _passes(text: str, condition: str) -> bool:
    if condition.startswith("="):
        return _equal(text, condition[1:].strip())
    if not condition.startswith((">", "<")):
        return _equal(text, condition)
    comparisons = COMPARISON.findall(condition)
    return _is_number(text) and all(OPERATORS[sign](Decimal(text), Decimal(number)) for sign, number in comparisons)


def _equal(text: str, wanted: str) -> bool:
    if _is_number(wanted):
        return _is_number(text) and Decimal(text) == Decimal(wanted)
    return _lowered(text) == _lowered(wanted)


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None


def _lowered(text: str) -> str:
    return "".join(character.lower() if character.isascii() else character for character in text)
