"""What applies to a scan: its spec over the matching policy over the settings, and as its Job records it."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from objects import SETTINGS, scan, scan_body, view_of

from logscan_api.framing import Framing, Records
from logscan_api.jobtemplates import JobTemplate
from logscan_api.logscans import Limits
from logscan_api.notify import Email, Notify
from logscan_api.packs import load_pack
from logscan_api.policies import LogScanPolicySpec, PolicyAction, PolicyMatch
from logscan_api.rules import RuleSelection
from logscan_operator import jobs
from logscan_operator.items import Object, RuleSet
from logscan_operator.jobsignatures import is_signed
from logscan_operator.resolving import ResolvedScan, listing_role, record_of, resolve, rules_of, unready
from logscan_operator.scanjobs import ScanJob

MAIL = Notify(email=Email(to=["sre@example.com"]))
ROLE, OTHER_ROLE = (f"arn:aws:iam::444455556666:role/{name}" for name in ("reads-trails", "reads-logs"))
POLICY = LogScanPolicySpec(
    role_arn=ROLE,
    rules=RuleSelection(packs=["etcd"]),
    records=Records(framing=Framing.MULTILINE, start="^E"),
    limits=Limits(max_bytes=5, context_lines=6),
    notify=MAIL,
    attempts=7,
    timeout_seconds=99,
    job=JobTemplate.model_validate({"nodeSelector": {"pool": "scans"}, "labels": {"team": "a", "queue": "q"}}),
)
OWN: dict[str, Any] = {
    "roleArn": OTHER_ROLE,
    "rules": {"packs": ["generic"]},
    "records": {"messageField": "log"},
    "limits": {"maxBytes": 50},
    "notify": {"webhook": {"url": "https://example.com/"}},
    "attempts": 2,
    "timeoutSeconds": 20,
    "job": {"labels": {"team": "b"}},
}


def resolved(policies: dict[str, LogScanPolicySpec], **spec: Any) -> ResolvedScan:
    return resolve(scan(**spec).readable_spec, policies, {}, SETTINGS)


def body_of(found: ResolvedScan, **spec: Any) -> Object:
    """Return the Job of a scan's first attempt as the API server would keep it."""
    wanted = scan(**spec)
    body = jobs.build_job(wanted, jobs.build_request(wanted, 1, found, SETTINGS), found, SETTINGS, {})
    body["metadata"] |= {"uid": "j", "resourceVersion": "1"}
    return json.loads(json.dumps(body))  # type: ignore[no-any-return]


@pytest.mark.parametrize("rules", [None, OWN["rules"]])
def test_every_field_that_a_scan_leaves_out_comes_from_the_policy(rules: Any) -> None:
    found = resolved({"pol": POLICY}, rules=rules)
    assert found.rules == (RuleSelection(packs=["generic"]) if rules else POLICY.rules)
    assert (found.limits, found.notify, found.attempts, found.timeout_seconds) == (POLICY.limits, MAIL, 7, 99)
    assert (found.job, found.policy, found.records) == (POLICY.job, "pol", POLICY.records)
    assert found.role_arn == ROLE


def test_what_a_scan_says_itself_counts() -> None:
    found = resolved({"pol": POLICY}, **OWN)
    assert (found.rules, found.records) == (RuleSelection(packs=["generic"]), Records(message_field="log"))
    assert found.role_arn == OTHER_ROLE
    assert (found.limits.max_bytes, found.limits.context_lines, found.limits.max_record_bytes) == (50, 6, None)
    assert found.notify is not None
    assert found.notify.email is None, "who notifies somebody decides who is notified"
    assert (found.attempts, found.timeout_seconds) == (2, 20)
    assert found.job.labels == {"team": "b", "queue": "q"}
    assert found.job.node_selector == {"pool": "scans"}


@pytest.mark.parametrize(
    "policies",
    [
        {},
        {"other": POLICY.model_copy(update={"match": PolicyMatch(buckets=["other"])})},
        {
            "off": LogScanPolicySpec(action=PolicyAction.IGNORE, attempts=9),
            "low": POLICY.model_copy(update={"priority": -1}),
        },
    ],
)
def test_without_a_policy_that_scans_the_settings_count(policies: dict[str, LogScanPolicySpec]) -> None:
    found = resolved(policies, rules=None)
    assert (found.rules, found.policy, found.notify, found.role_arn) == (None, None, None, None)
    assert (found.attempts, found.timeout_seconds) == (SETTINGS.default_attempts, SETTINGS.default_timeout_seconds)


def test_a_role_is_assumed_for_the_namespace_in_the_name_of_the_job() -> None:
    found = resolved({"pol": POLICY})
    request = jobs.build_request(scan("a"), 2, found, SETTINGS.model_copy(update={"external_id_prefix": "prod"}))
    assert request.role is not None
    assert request.role.arguments == {"RoleArn": ROLE, "ExternalId": "prod:logscan", "RoleSessionName": "a-2"}
    assert jobs.build_request(scan("a"), 1, resolved({}), SETTINGS).role is None


def test_a_prefix_is_listed_in_the_role_of_a_policy_for_its_bucket() -> None:
    """Whatever its keys: they are what is to be found out."""
    keys = {"buckets": ["logs"], "keys": ["**/*.gz"]}
    low = LogScanPolicySpec.model_validate({"match": keys, "roleArn": ROLE, "rules": {"packs": ["etcd"]}})
    high = low.model_copy(update={"priority": 5, "role_arn": OTHER_ROLE})
    policies = {
        "low": low,
        "none": low.model_copy(update={"priority": 9, "role_arn": None}),
        "ignores": high.model_copy(update={"action": PolicyAction.IGNORE}),
        "elsewhere": high.model_copy(update={"match": PolicyMatch(buckets=["other"])}),
    }
    prefix: dict[str, Any] = {"source": {"s3": {"bucket": "logs", "prefix": "app/"}}}
    spec = scan(**prefix).readable_spec
    assert listing_role(spec, {}) is None
    assert listing_role(spec, policies) == ROLE
    assert listing_role(spec, policies | {"high": high}) == OTHER_ROLE
    assert listing_role(scan(**prefix, roleArn=ROLE).readable_spec, {"high": high}) == ROLE


def same(found: ResolvedScan | None, wanted: ResolvedScan) -> None:
    """Compare what a Job records with what it was made of; packs and defaults are resolved in it."""
    assert found is not None
    again, first = body_of(found), body_of(wanted)
    assert again == first
    assert found.record == wanted.record


@given(st.dictionaries(st.sampled_from(sorted(OWN)), st.none()), st.booleans())
def test_a_job_records_all_of_it(left_out: dict[str, None], with_policy: bool) -> None:
    spec = {name: value for name, value in OWN.items() if name not in left_out or name == "rules"}
    wanted = resolved({"pol": POLICY} if with_policy else {}, **spec)
    same(jobs.recorded(body_of(wanted)), wanted)


def test_a_pack_that_changes_between_attempts_changes_nothing() -> None:
    found = jobs.recorded(body_of(resolved({"pol": POLICY}, rules=None)))
    assert found is not None
    assert found.rules is not None
    assert {rule.name for rule in found.rules.inline or []} == {entry.rule.name for entry in load_pack("etcd").rules}


def test_a_policy_that_is_deleted_or_ignores_changes_no_scan_that_has_started() -> None:
    started = body_of(resolved({"pol": POLICY}, rules=None))
    view = view_of(scan_body(rules=None), started)
    record = record_of(view, scan(rules=None), SETTINGS)
    assert (record.policy, record.attempts, record.timeout_seconds) == ("pol", 7, 99)


def test_another_run_takes_what_applies_then() -> None:
    view = view_of(body_of(resolved({"pol": POLICY}, rules=None)))
    again = scan(status={"priorAttempts": 1, "attempts": 1, "phase": "Pending"})
    assert record_of(view, again, SETTINGS).policy is None


@pytest.mark.parametrize("annotation", [None, "", "{", "[]", '{"attempts": 0, "timeoutSeconds": 1, "job": {}}', "{}"])
def test_a_record_that_cannot_be_read_is_none(annotation: str | None) -> None:
    body = body_of(resolved({}))
    body["metadata"]["annotations"]["logscan.dev/resolved"] = annotation
    if annotation is None:
        del body["metadata"]["annotations"]["logscan.dev/resolved"]
    assert ScanJob.parse(body).record is None
    assert jobs.recorded(body) is None
    view = view_of(body)
    assert record_of(view, scan(attempts=4), SETTINGS).attempts == 4


def rule_set(name: str, *rules: Any, ready: str | None = "True", generation: int = 1) -> RuleSet:
    """Return a LogScanRuleSet whose first generation was checked."""
    condition = {
        "type": "Ready",
        "status": ready,
        "reason": "TestFailed",
        "message": "why",
        "lastTransitionTime": "2026-11-24T08:00:00Z",
        "observedGeneration": 1,
    }
    metadata = {"namespace": "logscan", "name": name, "resourceVersion": "1", "generation": generation}
    status = {"observedGeneration": 1, "conditions": [condition]} if ready else {}
    return RuleSet.parse({"metadata": metadata, "spec": {"rules": list(rules)}, "status": status})


SET_RULE = {"name": "ours", "pattern": "ours", "matches": ["ours"]}
NAMED = {"packs": ["etcd"], "ruleSets": ["one", "two"], "inline": [{"name": "own", "pattern": "own"}]}


def with_sets(*sets: RuleSet, **spec: Any) -> ResolvedScan:
    return resolve(scan(**spec).readable_spec, {}, {found.key[1]: found for found in sets}, SETTINGS)


def test_rule_sets_are_named_like_packs_and_the_later_rule_of_a_name_counts() -> None:
    one = rule_set("one", SET_RULE, {"name": "shared", "pattern": "first"})
    two = rule_set("two", {"name": "shared", "pattern": "second"}, {"name": "own", "pattern": "theirs"})
    found = with_sets(one, two, rule_set("other", SET_RULE), rules=NAMED)
    assert sorted(found.rule_sets) == ["one", "two"]
    patterns = {rule.name: rule.pattern for rule in rules_of(found)}
    assert (patterns["ours"], patterns["shared"], patterns["own"]) == ("ours", "second", "own")
    assert set(patterns) == {"ours", "shared", "own"} | {entry.rule.name for entry in load_pack("etcd").rules}
    assert unready(found.selections, found.rule_sets) is None


@pytest.mark.parametrize(
    ("two", "words"),
    [
        (None, "the LogScanRuleSet two does not exist in the namespace"),
        (rule_set("two", SET_RULE, ready=None), "the LogScanRuleSet two has not been checked yet"),
        (rule_set("two", SET_RULE, generation=2), "the LogScanRuleSet two has not been checked yet"),
        (rule_set("two", SET_RULE, ready="False"), "the LogScanRuleSet two is not ready: TestFailed: why"),
        (rule_set("two"), "the LogScanRuleSet two cannot be read by this version of the operator"),
    ],
)
def test_a_set_that_cannot_be_used_is_named_with_the_reason(two: RuleSet | None, words: str) -> None:
    sets = [rule_set("one", SET_RULE), *([two] if two else [])]
    found = with_sets(*sets, rules=NAMED)
    assert unready(found.selections, found.rule_sets) == words


def test_a_set_that_could_not_be_checked_is_used() -> None:
    found = with_sets(rule_set("one", SET_RULE, ready="Unknown"), rules={"ruleSets": ["one"]})
    assert unready(found.selections, found.rule_sets) is None


def test_a_set_that_changes_between_attempts_changes_nothing() -> None:
    wanted = with_sets(rule_set("one", SET_RULE), rules={"ruleSets": ["one"]})
    again = jobs.recorded(body_of(wanted))
    assert again is not None
    assert unready(again.selections, again.rule_sets) is None
    assert [rule.wire() for rule in rules_of(again)] == [rule.wire() for rule in rules_of(wanted)]


def test_a_job_of_many_rules_records_them_in_several_variables() -> None:
    chance = random.Random(1)
    noise = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz$0123456789", k=300)) for _ in range(800)]
    names = ["a", "b", "c", "d"]
    sets = [
        rule_set(name, *({"name": f"{name}{n}", "pattern": text} for n, text in enumerate(noise[start::4])))
        for start, name in enumerate(names)
    ]
    wanted = with_sets(*sets, rules={"ruleSets": names})
    body = body_of(wanted)
    variables = [entry["name"] for entry in body["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert [name for name in variables if name.startswith("LOGSCAN_REQUEST")] == [
        "LOGSCAN_REQUEST",
        "LOGSCAN_REQUEST_2",
    ]
    again = jobs.recorded(body)
    assert again is not None
    assert rules_of(again) == rules_of(wanted)
    assert is_signed(body, SETTINGS.row_keys)
    del body["spec"]["template"]["spec"]["containers"][0]["env"][1]
    assert not is_signed(body, SETTINGS.row_keys)


def selection(**rules: Any) -> Any:
    return {"rules": {"inline": [{"name": name, "pattern": pattern} for name, pattern in rules.items()]}}


def combining(combine: bool = True, **spec: Any) -> ResolvedScan:
    """Return what applies to a scan that four policies match, of which the first decides."""
    policies = {
        "first": {**selection(own="first", shared="first"), "priority": 9, "attempts": 1, "combine": combine},
        "off": {"action": "Ignore", "priority": 8, **selection(off="off")},
        "second": {**selection(shared="second", more="second"), "priority": 7, "attempts": 2, "combine": True},
        "third": {"rules": {"packs": ["etcd"], "ruleSets": ["one"]}, "limits": {"maxBytes": 5}, "timeoutSeconds": 50},
        "other": {**selection(no="no"), "priority": 8, "match": {"keys": ["nowhere/**"]}},
    }
    specs = {name: LogScanPolicySpec.model_validate(policy) for name, policy in policies.items()}
    sets = {"one": rule_set("one", SET_RULE), "two": rule_set("two", SET_RULE)}
    return resolve(scan(**spec).readable_spec, specs, sets, SETTINGS)


def test_with_combine_the_other_matching_policies_add_their_rules_and_nothing_else() -> None:
    found = combining(rules=None)
    patterns = {rule.name: rule.pattern for rule in rules_of(found)}
    assert (patterns["own"], patterns["shared"], patterns["more"], patterns["ours"]) == (
        "first",
        "first",
        "second",
        "ours",
    )
    packed = {entry.rule.name for entry in load_pack("etcd").rules}
    assert set(patterns) == {"own", "shared", "more", "ours"} | packed
    assert (found.policy, found.attempts, found.limits.max_bytes) == ("first", 1, None)
    assert found.timeout_seconds == SETTINGS.default_timeout_seconds
    assert (found.record.combined, sorted(found.rule_sets)) == (["second", "third"], ["one"])
    same(jobs.recorded(body_of(found, rules=None)), found)


def test_without_combine_or_with_rules_of_its_own_a_scan_gets_no_more() -> None:
    alone = combining(combine=False, rules=None)
    assert {rule.name for rule in rules_of(alone)} == {"own", "shared"}
    own = combining(rules={"inline": [{"name": "mine", "pattern": "mine"}]})
    assert [rule.name for rule in rules_of(own)] == ["mine"]
    assert alone.record.combined is own.record.combined is None
