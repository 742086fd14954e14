"""Rules, packs and what a set of rules is called."""

import pytest
from pydantic import ValidationError

from logscan_api.errors import UnknownPackError
from logscan_api.explanations import explain
from logscan_api.packs import load_pack, pack_names, resolve_rules
from logscan_api.rules import INLINE_BYTES, Rule, RuleSelection, Severity


def test_severities_are_ordered() -> None:
    assert sorted(Severity, key=lambda s: s.rank) == [
        Severity.INFO,
        Severity.WARNING,
        Severity.ERROR,
        Severity.CRITICAL,
    ]


def test_every_pack_loads_and_has_distinct_rules() -> None:
    for name in pack_names():
        pack = load_pack(name)
        names = [rule.rule.name for rule in pack.rules]
        assert pack.name == name
        assert len(set(names)) == len(names)


def test_an_unknown_pack_lists_those_there_are() -> None:
    with pytest.raises(UnknownPackError, match=r"'genric': choose from .*generic"):
        load_pack("genric")


def test_an_inline_rule_replaces_one_of_a_pack() -> None:
    mine = Rule(name="error", pattern="MINE")
    rules = resolve_rules(RuleSelection(packs=["generic"], inline=[mine]))
    assert [rule.pattern for rule in rules if rule.name == "error"] == ["MINE"]
    assert len(rules) == len(load_pack("generic").rules)


def test_unknown_fields_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="colour"):
        Rule.model_validate({"name": "x", "pattern": "y", "colour": "red"})


def test_values_of_where_are_texts_for_the_engine() -> None:
    where = {"level": ["error", "fatal"], "status": ">=500", "code": 404, "mfa": False, "ms": 0.5}
    rule = Rule.model_validate({"name": "x", "where": where})
    texts = {"level": ["error", "fatal"], "status": [">=500"], "code": ["404"], "mfa": ["false"], "ms": ["0.5"]}
    assert rule.for_engine()["where"] == texts
    assert Rule.model_validate(rule.wire()) == rule


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "inline[0]: needs a pattern, a where, or both"),
        ({"where": {}}, "inline[0].where: must have at least 1 item"),
        ({"where": {"a": None}}, "inline[0].where.a: must be a text, a number, true or false, or a list of these"),
        ({"where": {"a": {"b": 1}}}, "inline[0].where.a: must be a text, a number, true or false"),
        ({"where": {"a": [["b"]]}}, "inline[0].where.a: must be a text, a number, true or false"),
        ({"where": {"a": []}}, "inline[0].where.a: must have at least 1 item"),
        ({"where": {"a": "x" * 257}}, "inline[0].where.a[0]: must have at most 256 characters"),
        ({"where": {"a": 10**256}}, "inline[0].where.a: must have at most 256 digits"),
        ({"where": {"a": float("nan")}}, "inline[0].where.a: must be a finite number"),
        ({"where": {"a" * 257: "x"}}, "must have at most 256 characters"),
    ],
)
def test_a_where_that_cannot_be_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        RuleSelection.model_validate({"inline": [{"name": "x", **fields}]})
    assert words in explain(refusal.value, RuleSelection)


def test_all_texts_of_inline_rules_have_a_bound_together() -> None:
    rules = [{"name": f"r{n}", "pattern": "x" * 1000, "where": {"a": ["x" * 200] * 20}} for n in range(13)]
    with pytest.raises(ValidationError) as refusal:
        RuleSelection.model_validate({"inline": rules})
    assert f"at most {INLINE_BYTES} bytes" in explain(refusal.value, RuleSelection)
    assert RuleSelection.model_validate({"inline": rules[:12]}).inline
