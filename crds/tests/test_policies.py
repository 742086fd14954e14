"""Which policy decides about an object."""

from logscan_api.policies import LogScanPolicySpec, PolicyMatch, choose
from logscan_api.rules import RuleSelection

RULES = RuleSelection(packs=["generic"])


def policy(priority: int = 0, **match: list[str]) -> LogScanPolicySpec:
    return LogScanPolicySpec(priority=priority, match=PolicyMatch.model_validate(match), rules=RULES)


def test_the_highest_priority_that_matches_decides() -> None:
    policies = {"low": policy(1), "high": policy(5, keys=["a/**"])}
    assert choose(policies, "logs", "a/x") == "high"
    assert choose(policies, "logs", "b/x") == "low"


def test_equal_priorities_go_by_name() -> None:
    assert choose({"b": policy(), "a": policy()}, "logs", "x") == "a"


def test_excluded_keys_are_left_to_others() -> None:
    assert choose({"p": policy(excludeKeys=["tmp/**"])}, "logs", "tmp/x") is None


def test_no_policy_no_choice() -> None:
    assert choose({"p": policy(buckets=["other-*"])}, "logs", "x") is None
