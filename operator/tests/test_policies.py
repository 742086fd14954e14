"""LogScanPolicies on a real control plane: whether their rules compile, and the one that the operator creates."""

import json

import pytest
from places import RULES, SEEN, NewPlace, Place

from logscan_local.stack.kubectl import Object
from logscan_local.testkit.waiting import eventually

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]


def test_policies_show_whether_their_rules_compile(new_place: NewPlace) -> None:
    place = new_place()
    place.operator()
    bad = {"inline": [{"name": "good", "pattern": "x"}, {"name": "broken", "pattern": "(a"}]}
    base = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy"}
    place.apply({**base, "metadata": {"name": "bad"}, "spec": {"rules": bad, "match": {"keys": ["bad/**"]}}})

    def condition(name: str) -> Object:
        status = place.kubectl.get("logscanpolicy", name).get("status", {})
        found: Object = next(iter(status.get("conditions", [])), {})
        return found

    eventually(lambda: condition("bad").get("reason") == "InvalidRule", 15, "the bad policy's condition")
    assert "rule 'broken': the group at 0 has no closing parenthesis" in condition("bad")["message"]
    eventually(lambda: condition("default").get("status") == "True", 15, "the good policy's condition")
    place.scan("counted", rules=None)
    place.until("counted", phase="Succeeded", policy="default")
    counts = {"queued": 0, "running": 0, "succeeded": 1, "failed": 0}
    eventually(lambda: place.kubectl.get("logscanpolicy", "default")["status"].get("scans") == counts, 30, "counts")
    fixed = {"inline": [{"name": "broken", "pattern": "(a)"}]}
    place.apply({**base, "metadata": {"name": "bad"}, "spec": {"rules": fixed, "match": {"keys": ["bad/**"]}}})
    eventually(lambda: condition("bad").get("status") == "True", 15, "the fixed policy's condition")


def test_a_scan_without_rules_and_policy_says_so(new_place: NewPlace) -> None:
    place = new_place()
    place.kubectl.run("delete", "logscanpolicy", "default")
    place.operator()
    place.scan("norules", rules=None)
    SEEN.add(place.until("norules", phase="Failed")["reason"])


def packs_of_default(place: Place) -> list[str]:
    found = json.loads(place.kubectl.run("get", "logscanpolicy", "default", "--ignore-not-found", "-ojson") or "{}")
    packs: list[str] = found["spec"]["rules"].get("packs", []) if found else []
    return packs


def test_the_default_policy_is_made_and_kept_and_what_people_add_to_it_stays(new_place: NewPlace) -> None:
    place = new_place()
    place.kubectl.run("delete", "logscanpolicy", "default")
    operator = place.operator(default_policy_packs="generic, etcd", lease_seconds="15")
    eventually(lambda: packs_of_default(place) == ["generic", "etcd"], 120, "the policy default")
    place.send(["after.log"])
    place.until(place.name_of("after.log"), seconds=120, phase="Succeeded")
    place.kubectl.run("delete", "logscanpolicy", "default")
    eventually(lambda: packs_of_default(place) == ["generic", "etcd"], 120, "the policy default again")
    operator.kill()
    place.operator(default_policy_packs="nginx", lease_seconds="15")
    eventually(lambda: packs_of_default(place) == ["nginx"], 120, "the new packs")
    mine = {"spec": {"attempts": 7, "rules": {"packs": ["nginx", "java"]}}}
    place.kubectl.run("patch", "logscanpolicy", "default", "--type=merge", f"--patch={json.dumps(mine)}")
    place.operators[-1].kill()
    place.operator(default_policy_packs="apache", lease_seconds="15")
    eventually(lambda: set(packs_of_default(place)) == {"apache", "java"}, 120, "the new pack beside mine")
    assert place.kubectl.get("logscanpolicy", "default")["spec"]["attempts"] == 7


def test_a_default_policy_of_others_is_left_alone(new_place: NewPlace) -> None:
    place = new_place()
    operator = place.operator(default_policy_packs="nginx", lease_seconds="15")
    eventually(lambda: operator.leading, 120, "a leader")
    place.scan("then")
    place.until("then", seconds=120, phase="Succeeded")
    assert place.kubectl.get("logscanpolicy", "default")["spec"]["rules"] == RULES
