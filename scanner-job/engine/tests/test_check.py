"""`python -m logscan_engine` as the operator runs it: a verdict on rules, and nothing else that looks like one."""

import json
import resource
import signal
import subprocess
import sys
from functools import partial

import pytest


def check(text: str, kind: int = resource.RLIMIT_CORE, most: int = 0) -> subprocess.CompletedProcess[str]:
    """Return how a check of rules ended, under a limit of the system."""
    limit = partial(resource.setrlimit, kind, (most, most + 1))
    command = [sys.executable, "-m", "logscan_engine"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, preexec_fn=limit)


@pytest.mark.parametrize(
    ("rule", "slow"),
    [
        ({"pattern": "ERROR", "exclude": "harmless", "severity": 2, "threshold": 3}, False),
        ({"pattern": "a word (?=b)", "ignore_case": True}, False),
        ({"pattern": r"\b\w{64,128}\b"}, True),
    ],
)
def test_rules_that_compile_have_no_problem(rule: dict[str, object], slow: bool) -> None:
    done = check(json.dumps([{"name": "r", **rule}]))
    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["problem"], "r" in verdict["slow"]) == (0, None, slow)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"name": "broken", "pattern": "("}]', ["rule 'broken'", "parenthesis"]),
        ('[{"name": "x"}]', ["pattern"]),
        ("no JSON", ["Expecting value"]),
    ],
)
def test_a_problem_names_the_rule_or_the_field(text: str, words: list[str]) -> None:
    done = check(text)
    problem = json.loads(done.stdout)["problem"]
    assert (done.returncode, [word for word in words if word not in problem]) == (0, [])


LARGE = json.dumps([{"name": f"r{n}", "pattern": rf"[^,]{{1,400}},[^,]{{1,400}},{n}"} for n in range(300)])


def test_rules_that_are_too_large_are_refused_by_name() -> None:
    rules = [{"name": "small", "pattern": "x"}, {"name": "large", "pattern": "(?:(?:a{1,300}b){1,300}c){1,300}"}]
    done = check(json.dumps(rules), resource.RLIMIT_CPU, 5)
    assert json.loads(done.stdout)["problem"].startswith("rule 'large': the rule is too large at 0: ")


def test_a_lack_of_memory_is_no_problem_of_the_rules() -> None:
    done = check(LARGE, resource.RLIMIT_DATA, 24 << 20)
    assert (done.returncode, done.stdout) == (-signal.SIGABRT, "")


def test_rules_that_take_too_long_to_compile_end_by_a_signal_of_their_own() -> None:
    done = check(LARGE, resource.RLIMIT_CPU, 1)
    assert (done.returncode, done.stdout) == (-signal.SIGXCPU, "")


def test_a_slow_rule_is_named_with_what_it_costs_on_ordinary_lines() -> None:
    rules = [{"name": "rare", "pattern": "panic: "}, {"name": "frequent", "pattern": r"e.*[ao].*\w{40}"}]
    slow = json.loads(check(json.dumps(rules)).stdout)["slow"]
    assert list(slow) == ["frequent"]
    assert 0.5 <= slow["frequent"] < 10
