"""What applies to a scan: its spec over the matching policy over the settings, and as its Job records it."""

import json
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
from logscan_operator.items import Object
from logscan_operator.resolving import ResolvedScan, record_of, resolve
from logscan_operator.scanjobs import ScanJob

MAIL = Notify(email=Email(to=["sre@example.com"]))
POLICY = LogScanPolicySpec(
    rules=RuleSelection(packs=["etcd"]),
    records=Records(framing=Framing.MULTILINE, start="^E"),
    limits=Limits(max_bytes=5, max_objects=6),
    notify=MAIL,
    attempts=7,
    timeout_seconds=99,
    job=JobTemplate.model_validate({"nodeSelector": {"pool": "scans"}, "labels": {"team": "a", "queue": "q"}}),
)
OWN: dict[str, Any] = {
    "rules": {"packs": ["generic"]},
    "records": {"messageField": "log"},
    "limits": {"maxBytes": 50},
    "notify": {"webhook": {"url": "https://example.com/"}},
    "attempts": 2,
    "timeoutSeconds": 20,
    "job": {"labels": {"team": "b"}},
}


def resolved(policies: dict[str, LogScanPolicySpec], **spec: Any) -> ResolvedScan:
    return resolve(scan(**spec).readable_spec, policies, SETTINGS)


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


def test_what_a_scan_says_itself_counts() -> None:
    found = resolved({"pol": POLICY}, **OWN)
    assert (found.rules, found.records) == (RuleSelection(packs=["generic"]), Records(message_field="log"))
    assert (found.limits.max_bytes, found.limits.max_objects, found.limits.max_record_bytes) == (50, 6, None)
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
    assert (found.rules, found.policy, found.notify) == (None, None, None)
    assert (found.attempts, found.timeout_seconds) == (SETTINGS.default_attempts, SETTINGS.default_timeout_seconds)


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
