"""What a rule set's status says: whether its rules compile, and do what the lines beside them say."""

from typing import Any

import pytest
from objects import NOW

from logscan_api.policies import LogScanPolicySpec
from logscan_api.rulesets import LogScanRuleSetSpec
from logscan_operator.checking import due
from logscan_operator.items import Policy, RuleSet
from logscan_operator.policychecks import checked_set, state_of_sets
from logscan_operator.rulechecks import COMPILED, check, check_set, failed, invalid, undecided

METADATA = {"namespace": "logscan", "name": "ours", "resourceVersion": "1", "generation": 2}
LATE = {"name": "late", "pattern": r"took \d{4,} ms", "matches": ["took 1200 ms"], "ignores": ["took 12 ms"]}


def spec(*rules: dict[str, Any]) -> LogScanRuleSetSpec:
    return LogScanRuleSetSpec.model_validate({"rules": [{**LATE, **rule} for rule in rules]})


def rule_set(status: dict[str, Any] | None = None, **found: Any) -> RuleSet:
    return RuleSet.parse({"metadata": METADATA, "spec": {"rules": [LATE]}, "status": status or {}, **found})


async def test_rules_that_pass_their_tests_are_compiled() -> None:
    assert await check_set(spec({})) == COMPILED
    assert await check_set(spec({"matches": None, "ignores": None})) == COMPILED


async def test_a_line_that_is_wrongly_ignored_or_matched_is_named() -> None:
    verdict = await check_set(
        spec({"matches": ["took 12 ms", "took 1234 ms"]}, {"name": "b", "ignores": ["took 9999 ms"]})
    )
    assert (verdict.status, verdict.reason, verdict.compiled) == ("False", "TestFailed", True)
    assert verdict.message == "rule 'late' does not match \"took 12 ms\"; rule 'b' matches \"took 9999 ms\""


async def test_lines_below_the_threshold_and_lines_with_the_exclude_are_judged_as_in_a_scan() -> None:
    assert await check_set(spec({"threshold": 100})) == COMPILED
    assert (await check_set(spec({"exclude": "1200"}))).reason == "TestFailed"


async def test_of_many_failed_tests_some_are_named() -> None:
    verdict = await check_set(spec(*({"name": f"r{n}", "pattern": "nowhere"} for n in range(9))))
    assert verdict.message.endswith("; and 4 more")


async def test_a_bad_rule_of_a_set_is_named() -> None:
    verdict = await check_set(spec({"pattern": "(a"}))
    assert (verdict.status, verdict.reason, verdict.compiled) == ("False", "InvalidRule", False)
    assert "rule 'late'" in verdict.message
    assert (await check_set(None)).reason == "InvalidSpec"


@pytest.mark.parametrize(
    ("verdict", "compiled", "kinds"),
    [
        (COMPILED, True, ["Ready"]),
        (failed(["x"]), True, ["Ready", "Stalled"]),
        (invalid("x"), False, ["Ready", "Stalled"]),
        (undecided("x"), None, ["Ready"]),
    ],
)
def test_the_status_tells_ready_compiled_and_the_number_of_rules(
    verdict: Any, compiled: bool | None, kinds: list[str]
) -> None:
    status = checked_set(rule_set(), verdict, NOW)
    assert (status.observed_generation, status.rules, status.compiled) == (2, 1, compiled)
    assert [condition.type for condition in status.conditions or []] == kinds


def test_a_set_is_checked_once_for_each_change() -> None:
    fresh = rule_set()
    assert due(fresh, None, 0)
    written = checked_set(fresh, COMPILED, NOW).wire()
    assert not due(rule_set(written), None, 0)
    assert due(rule_set(written, metadata={**METADATA, "generation": 3}), None, 0)


def test_a_set_that_cannot_be_read_has_no_rules() -> None:
    unread = rule_set(spec={"rules": []})
    assert unread.spec is None
    assert checked_set(unread, invalid("x"), NOW).rules is None


def ready(generation: int = 2) -> RuleSet:
    return rule_set(checked_set(rule_set(), COMPILED, NOW).wire(), metadata={**METADATA, "generation": generation})


async def test_a_policy_is_checked_with_the_rules_of_its_sets() -> None:
    both = LogScanPolicySpec.model_validate({"rules": {"packs": ["etcd"], "ruleSets": ["ours"]}})
    assert await check(both, rule_sets={"ours": ready()}) == COMPILED
    for sets in ({}, {"ours": rule_set()}, {"ours": ready(3)}):
        verdict = await check(both, ["/nowhere"], sets)
        assert (verdict.status, verdict.reason, verdict.final) == ("False", "RuleSetNotReady", False)
        assert verdict.message.startswith("the LogScanRuleSet ours ")


def test_a_policy_is_checked_again_when_one_of_its_sets_has_changed() -> None:
    metadata = {"namespace": "logscan", "name": "p", "resourceVersion": "1", "generation": 1}
    policy = Policy.parse({"metadata": metadata, "spec": {"rules": {"ruleSets": ["ours"]}}})
    other = Policy.parse({"metadata": metadata, "spec": {"rules": {"packs": ["etcd"]}}})
    states = [state_of_sets(policy, sets) for sets in ({}, {"ours": rule_set()}, {"ours": ready()}, {"ours": ready(3)})]
    assert len(set(states)) == 4
    assert state_of_sets(policy, {"ours": ready(), "theirs": rule_set()}) == states[2]
    assert state_of_sets(other, {"ours": ready()}) == state_of_sets(rule_set(), {"ours": ready()}) == ()
