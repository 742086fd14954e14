"""Rule sets: a rule with its lines is the rule that a LogScan would have inline."""

import json

from logscan_api.rules import Rule, Severity
from logscan_api.rulesets import LogScanRuleSetSpec, SetRule

WRITTEN = {"name": "late", "pattern": "late", "severity": "warning", "ignoreCase": True, "threshold": 3}


def test_the_lines_beside_a_rule_are_no_part_of_it() -> None:
    spec = LogScanRuleSetSpec.model_validate({"rules": [{**WRITTEN, "matches": ["LATE"], "ignores": ["l8"]}]})
    (found,) = spec.rules
    assert (found.matches, found.ignores) == (["LATE"], ["l8"])
    assert found.rule == Rule.model_validate(WRITTEN)
    assert type(found.rule) is Rule
    assert found.rule.wire() == json.loads(json.dumps(Rule.model_validate(WRITTEN).wire()))
    assert found.severity is Severity.WARNING


def test_a_set_rule_has_every_field_of_a_rule() -> None:
    assert set(SetRule.model_fields) - set(Rule.model_fields) == {"matches", "ignores"}
