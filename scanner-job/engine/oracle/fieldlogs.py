"""Conditions on fields cut out of the JSON records of a log, and the engine's counts beside those of `fields`."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import logscan_engine as engine
from logscan_engine import Rule, RuleSet
from oracle import fields

MOST_VALUE = 256  # characters of a value, as in a rule of a LogScan
MOST_LINES = 4000  # the judge reads each of them for each rule

Where = dict[str, list[str]]
Holds = Callable[[Where, bytes], bool]


class FieldFigures(NamedTuple):
    """What was compared.

    Attributes:
        counts: Counts compared, one for each rule.
        matches: The sum of the judge's counts.
        differences: Rules that the engine counts otherwise, with its count and the judge's.
    """

    counts: int
    matches: int
    differences: list[tuple[Where, int, int]]


def compare(data: bytes, most_rules: int, seed: str, holds: Holds = fields.holds) -> FieldFigures:
    """Return what the engine and the judge count for rules that are cut out of a log; none of a log without JSON.

    Args:
        data: The log.
        most_rules: How many rules are cut out of it, at most.
        seed: Decides which.
        holds: The judge.
    """
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n")][:MOST_LINES]
    wheres = list(cut_fields(lines, most_rules, seed))
    if not wheres:
        return FieldFigures(0, 0, [])
    rules = RuleSet([Rule(f"r{number}", where=where) for number, where in enumerate(wheres)])
    counted = engine.count(rules, b"\n".join(lines) + b"\n", 2).by_rule
    judged = [sum(holds(where, line) for line in lines) for where in wheres]
    compared = zip(wheres, counted, judged, strict=True)
    return FieldFigures(len(wheres), sum(judged), [case for case in compared if case[1] != case[2]])


def cut_fields(lines: Sequence[bytes], most: int, seed: str) -> Iterator[Where]:
    """Yield rules on fields that some of the lines have."""
    chance = random.Random(seed)
    records = [line for line in lines if line.lstrip().startswith(b"{")]
    for line in chance.choices(records, k=most) if records else ():
        try:
            found = list(_scalars(json.loads(line), ""))
        except ValueError:
            continue
        chosen = chance.sample(found, min(len(found), chance.choice((1, 1, 2))))
        if chosen:
            yield {path: [_condition(value, chance)] for path, value in chosen}


def _scalars(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _scalars(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            if not isinstance(inner, list):
                yield from _scalars(inner, path)
    elif path.count(".") < 16 and len(text := value if isinstance(value, str) else json.dumps(value)) < MOST_VALUE:
        yield path, text


def _condition(text: str, chance: random.Random) -> str:
    """Return a condition that the value itself may fulfil or not."""
    forms = [
        f"={text}",
        f"={text}",
        f"={text.swapcase()}" if text.isascii() else "=",
        f"!={text}",
        "!=",
        f"={text[:-1]}",
    ]
    if fields.NUMBER.fullmatch(text):
        forms += [f"{sign}{text}" for sign in (">=", "<=", ">", "<")]
    return chance.choice(forms)
