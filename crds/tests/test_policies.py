"""Which policy decides about an object."""

import pytest

from logscan_api.globs import matches
from logscan_api.policies import LogScanPolicySpec, PolicyMatch, choose
from logscan_api.rules import RuleSelection

RULES = RuleSelection(packs=["generic"])


@pytest.mark.parametrize(
    ("glob", "text", "takes"),
    [
        ("*.log", "app.log", True),
        ("*.log", "a/app.log", False),
        ("**/*.log", "a/b/app.log", True),
        ("**/*.log", "app.log", True),
        ("a/**", "a/b/c", True),
        ("a/**", "b/a/c", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
        ("**", "with\nnewline", True),
    ],
)
def test_globs(glob: str, text: str, takes: bool) -> None:
    assert matches([glob], text) is takes


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
