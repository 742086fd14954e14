"""LogScanRuleSets on a real control plane."""

import json
import re
from typing import Any

import pytest
from places import SEEN, NewPlace, Place

from logscan_local.stack.kubectl import KubectlError, Object
from logscan_local.testkit.waiting import eventually

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]

LATE = {"name": "late", "pattern": r"took \d{4,} ms", "matches": ["took 1200 ms"], "ignores": ["took 12 ms"]}


def rule_set(name: str, *rules: Any) -> Object:
    """Return a LogScanRuleSet."""
    spec = {"rules": list(rules)}
    return {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanRuleSet", "metadata": {"name": name}, "spec": spec}


def shown(place: Place, name: str, wanted: dict[str, Any], seconds: float = 60) -> Object:
    """Return the status of a set once its condition `Ready` is as wanted."""

    def reached() -> Object:
        status: Object = place.kubectl.get("logscanruleset", name).get("status", {})
        ready: Object = next((c for c in status.get("conditions", []) if c["type"] == "Ready"), {})
        return status if wanted.items() <= ready.items() else {}

    return eventually(reached, seconds, f"the rule set {name} to have {wanted}")


def test_a_set_shows_whether_it_can_be_used(new_place: NewPlace) -> None:
    place = new_place()
    place.operator()
    place.apply(
        rule_set("good", LATE),
        rule_set("bad", {**LATE, "pattern": "(a"}),
        rule_set("wrong", {**LATE, "ignores": ["took 5555 ms"]}),
    )
    good = shown(place, "good", {"status": "True", "reason": "RulesCompiled"})
    assert (good["rules"], good["compiled"], good["observedGeneration"]) == (1, True, 1)
    bad = shown(place, "bad", {"status": "False", "reason": "InvalidRule"})
    assert (bad["compiled"], {c["type"] for c in bad["conditions"]}) == (False, {"Ready", "Stalled"})
    wrong = shown(place, "wrong", {"status": "False", "reason": "TestFailed"})
    assert "rule 'late' matches \"took 5555 ms\"" in wrong["conditions"][0]["message"]
    place.apply(rule_set("wrong", LATE))
    fixed = shown(place, "wrong", {"status": "True", "observedGeneration": 2})
    assert {c["type"] for c in fixed["conditions"]} == {"Ready"}
    line = place.kubectl.run("get", "lrs", "good", "--no-headers").split()
    assert line[:5] == ["good", "1", "true", "True", "RulesCompiled"]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([], "spec.rules"),
        ([LATE, LATE], "Duplicate value"),
        ([{**LATE, "pattern": ""}], "spec.rules[0].pattern"),
        ([{"name": f"r{n}", "pattern": "ö" * 500} for n in range(62)], "make two sets of it"),
        ([{**LATE, "matches": ["x"] * 11}], "spec.rules[0].matches"),
        ([{**LATE, "matches": ["x" * 513]}], "spec.rules[0].matches[0]"),
    ],
)
def test_the_api_server_refuses_what_no_set_may_be(new_place: NewPlace, rules: list[Any], words: str) -> None:
    place = new_place()
    with pytest.raises(KubectlError, match=re.escape(words)):
        place.apply(rule_set("refused", *rules))


def test_the_largest_set_is_accepted(new_place: NewPlace) -> None:
    place = new_place()
    place.apply(rule_set("large", *({"name": f"r{n}", "pattern": "ö" * 153} for n in range(200))))


def test_a_scan_waits_for_its_set_and_a_later_change_changes_nothing(new_place: NewPlace) -> None:
    place = new_place()
    place.operator(retry_first_seconds="1", retry_most_seconds="2")
    policy = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy", "metadata": {"name": "ours"}}
    match = {"keys": ["billing/**"]}
    place.apply({**policy, "spec": {"rules": {"ruleSets": ["billing"]}, "match": match}})
    place.send(["billing/a.log"])
    name = place.name_of("billing/a.log")
    waiting = place.until(name, seconds=60, phase="Queued", reason="RuleSetNotReady")
    SEEN.add(waiting["reason"])
    assert "the LogScanRuleSet billing does not exist in the namespace" in waiting["message"]

    def of_policy() -> Object:
        conditions = place.kubectl.get("logscanpolicy", "ours").get("status", {}).get("conditions", [])
        return {c["type"]: c["reason"] for c in conditions}

    eventually(lambda: of_policy() == {"Ready": "RuleSetNotReady"}, 30, "the policy to say that it waits")
    place.apply(rule_set("billing", {**LATE, "matches": ["took 1 ms"]}))
    shown(place, "billing", {"reason": "TestFailed"})
    eventually(lambda: "TestFailed" in place.scans()[name]["message"], 30, "the scan to say what is wrong")
    place.apply(rule_set("billing", LATE))
    place.until(name, seconds=60, phase="Succeeded", policy="ours")
    eventually(lambda: of_policy() == {"Ready": "RulesCompiled"}, 30, "the policy to be ready")


def test_policies_that_combine_give_one_job_the_rules_of_all(new_place: NewPlace) -> None:
    place = new_place()
    place.operator()
    policy = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy", "metadata": {"name": "first"}}
    own = {"inline": [{"name": "own", "pattern": "own"}]}
    place.apply({**policy, "spec": {"rules": own, "match": {"keys": ["both.log"]}, "combine": True, "attempts": 1}})
    place.scan("both", rules=None)
    place.until("both", seconds=60, phase="Succeeded", policy="first")
    (job,) = place.kubectl.get("jobs")["items"]
    assert job["metadata"]["labels"]["logscan.dev/policy"] == "first"
    assert json.loads(job["metadata"]["annotations"]["logscan.dev/resolved"])["combined"] == ["default"]
    (request,) = [e["value"] for e in _environment(job) if e["name"] == "LOGSCAN_REQUEST"]
    assert {rule["name"] for rule in json.loads(request.replace("$$", "$"))["rules"]} == {"own", "err"}


def _environment(job: Object) -> list[Object]:
    found: list[Object] = job["spec"]["template"]["spec"]["containers"][0]["env"]
    return found
