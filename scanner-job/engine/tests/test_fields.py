"""Conditions on fields: what Python's json reads decides, whatever the records are and however they are written."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import logscan_engine as engine
from logscan_engine import InvalidRuleError, Rule, RuleSet
from oracle import fields

Where = dict[str, list[str]]

NAMES = ["level", "log.level", "log", "a", "b", "a.b", "status", "x/y", "größe", "c\td", "", "e-_ 9"]
PATHS = st.sampled_from(NAMES) | st.lists(st.sampled_from(NAMES), min_size=2, max_size=4).map(".".join)
TEXTS = st.sampled_from(
    ["error", "ERROR", "Fatal", "true", "500", "5e2", "-0.0", "0.0.0.0/0", 'a"b\\', "ü", "ÜBER", "\U0001f600", "NaN"]
) | st.text("eE5.é\ufffd", max_size=3)
NUMBERS = st.sampled_from(["0", "500", "5e2", "500.0", "-7", "12345678901234567890", "12345678901234567891", "1e-9"])
COMPARISONS = st.lists(
    st.tuples(st.sampled_from([">=", "<=", ">", "<", ">= "]), NUMBERS).map("".join), min_size=1, max_size=2
).map(" ".join)
CONDITIONS = st.one_of(
    TEXTS, NUMBERS, COMPARISONS, TEXTS.map(lambda text: f"!={text}"), TEXTS.map(lambda text: f"={text}"), st.just("!=")
)
WHERES = st.dictionaries(PATHS, st.lists(CONDITIONS, min_size=1, max_size=3), min_size=1, max_size=3)


class Written(str):
    """What is JSON already."""

    __slots__ = ()


SCALARS = st.one_of(
    TEXTS, NUMBERS.map(Written), st.sampled_from(["true", "false", "null", "NaN", "-Infinity", "5.00E+2"]).map(Written)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(st.sampled_from(NAMES), inner), max_size=4),
    max_leaves=10,
)
RECORDS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=5)


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """Return a value as JSON: any character of a string may be an escape, and blanks may be anywhere."""
    blank = draw(st.sampled_from(["", "", " ", "\t "]))
    if isinstance(value, Written):
        return f"{blank}{value}"
    if isinstance(value, str):
        return blank + draw(string(value))
    if value and isinstance(value[0], tuple):
        parts = [f"{draw(string(name))}{blank}:{draw(written(inner))}{blank}" for name, inner in value]
        return f"{blank}{{{','.join(parts)}}}"
    return f"[{blank}{','.join(draw(written(inner)) for inner in value)}]"


@st.composite
def string(draw: st.DrawFn, text: str) -> str:
    plain = json.dumps(text, ensure_ascii=draw(st.booleans()))
    if not draw(st.booleans()):
        return plain
    chosen = draw(st.sets(st.integers(0, max(0, len(text) - 1)), max_size=3))
    units = [character.encode("utf-16-be", "surrogatepass") for character in text]
    escapes = ["".join(f"\\u{unit[at : at + 2].hex()}" for at in range(0, len(unit), 2)) for unit in units]
    parts = (escape if at in chosen else json.dumps(text[at])[1:-1] for at, escape in enumerate(escapes))
    return f'"{"".join(parts)}"'


LINES = RECORDS.flatmap(lambda record: written(record)).map(lambda line: line.encode(errors="surrogatepass"))


def found(rules: list[Rule], lines: list[bytes]) -> list[int]:
    return engine.count(RuleSet(rules), b"\n".join(lines) + b"\n").by_rule


def judged(rule: Rule, lines: list[bytes]) -> int:
    pattern = re.compile((rule.pattern or "").encode())
    return sum(fields.holds(rule.where or {}, line) for line in lines if pattern.search(line))


RULES = st.builds(Rule, st.just("r"), st.sampled_from([None, None, "e", r"\d", "$"]), where=WHERES)


@settings(max_examples=250, deadline=None)
@given(st.lists(RULES, min_size=1, max_size=4), st.lists(LINES, min_size=1, max_size=6))
@example([Rule("r", where={"level": ["error"]})], [rb'{"l\u0065vel":"\u0065RRO\u0052"}'])
@example([Rule("r", where={"level": ["error"]})], [b'{"level":"info","level":"error"}', b'{"level":"error"} x'])
@example([Rule("r", where={"a": ["!=\ufffd"]})], [rb'{"a":"\ud800"}', b'{"a":"\xff"}'])
def test_records_are_those_that_json_reads(rules: list[Rule], lines: list[bytes]) -> None:
    assert found(rules, lines) == [judged(rule, lines) for rule in rules]


@settings(max_examples=150, deadline=None)
@given(WHERES, LINES, st.data())
def test_damaged_records_are_json_where_python_says_so(where: Where, line: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(line)))
    put = data.draw(
        st.sampled_from([b"", b"}", b"]", b",", b'"', b"\\", b"0", b"x", b"\xff", b"\x00", b"{", b"[", b"-"])
    )
    line = line[:at] + put + line[data.draw(st.integers(at, min(len(line), at + 2))) :]
    rule = Rule("r", where=where)
    assert found([rule], [line]) == [judged(rule, [line])]


def test_the_judge_knows_what_json_is() -> None:
    where: Where = {"log.level": ["error", ">=50"], "a": ["!=x"]}
    for line in (b'{"log":{"level":"Error"}}', b'{"log.level":[1,60]}', b'[{"log":[{"level":"error"}],"a":"y"}]'):
        assert fields.holds(where, line)
    for line in (b'{"level":"error"}', b'{"log.level":"error","a":["x"]}', b'{"log.level":"error"', b"error", b""):
        assert not fields.holds(where, line)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("x"), "needs a pattern, fields (where), or both"),
        (Rule("x", where={}), "needs a pattern, fields (where), or both"),
        (Rule("x", where={"a.b": [">=c"]}), 'where.a.b: ">=c" must compare with numbers'),
        (Rule("x", where={"a": []}), "where.a: needs at least one value"),
        (Rule("x", where={".".join("a" * 17): ["b"]}), "more than 16 names"),
        (Rule("x", "(", where={"a": ["b"]}), "no closing parenthesis"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule: Rule, words: str) -> None:
    with pytest.raises(InvalidRuleError) as refusal:
        RuleSet([rule])
    assert refusal.value.rule == "x"
    assert words in refusal.value.problem


def test_a_rule_on_a_field_of_every_record_is_slow() -> None:
    rules = RuleSet([Rule("every", where={"level": ["!=debug"]}), Rule("rare", where={"level": ["fatal"]})])
    assert [position for position, _seconds in rules.costs()] == [0]
