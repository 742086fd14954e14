"""Rules, packs and what a set of rules is called."""

import pytest
from pydantic import ValidationError

from logscan_api.errors import UnknownPackError
from logscan_api.packs import load_pack, pack_names, resolve_rules
from logscan_api.rules import Rule, RuleSelection, Severity


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
