"""The Job of a scan, compared with a golden manifest."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from objects import SETTINGS, in_namespace, scan, scan_body

from logscan_api.errors import UnknownPackError
from logscan_api.exitcodes import permanent_codes
from logscan_api.jobtemplates import JobTemplate
from logscan_api.logscans import Limits
from logscan_api.packs import load_pack
from logscan_api.policies import LogScanPolicySpec
from logscan_api.rules import RuleSelection
from logscan_operator import __version__, jobs
from logscan_operator.environment import values_of
from logscan_operator.items import IDENTITY_LABEL, Object, Scan
from logscan_operator.resolving import resolve
from logscan_operator.scanjobs import ScanJob

GOLDEN = Path(__file__).parent / "golden" / "job.yaml"
POLICY = LogScanPolicySpec(
    rules=RuleSelection(packs=["etcd"]),
    limits=Limits(max_bytes=5),
    attempts=7,
    timeout_seconds=99,
    job=JobTemplate(node_selector={"pool": "scans"}),
)


def built(wanted: Scan, policy: LogScanPolicySpec | None = None, settings: Any = SETTINGS) -> Object:
    resolved = resolve(wanted.readable_spec, {"pol": policy} if policy else {}, {}, settings)
    request = jobs.build_request(wanted, 1, resolved, settings)
    return jobs.build_job(wanted, request, resolved, settings, {"AWS_REGION": "eu-central-1", "HOME": "/root"})


def request_in(job: Object) -> dict[str, Any]:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    document: dict[str, Any] = json.loads(values_of(container)["LOGSCAN_REQUEST"])
    return document


def test_the_manifest_is_the_golden_one() -> None:
    rule = {"name": "err", "pattern": "ERROR"}
    job = json.loads(json.dumps(built(scan("app", rules={"inline": [rule]}))))
    codes = job["spec"]["podFailurePolicy"]["rules"][1]["onExitCodes"]
    assert codes["values"] == permanent_codes()
    codes["values"] = "permanent exit codes"
    for labels in (job["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]):
        assert labels["app.kubernetes.io/version"] == __version__
        labels["app.kubernetes.io/version"] = "the version"
    assert yaml.safe_load(GOLDEN.read_text()) == job


def test_the_view_reads_what_was_built() -> None:
    body = built(scan("app"), None)
    body["metadata"] |= {"uid": "j", "resourceVersion": "1"}
    parsed = ScanJob.parse(body)
    assert (parsed.scan_uid, parsed.attempt, parsed.policy) == ("uid-app", 1, None)
    assert parsed.result is not None
    assert parsed.result.sk.startswith("S#U:uid-app#"), "a scan made by hand has a row of its own"


def test_a_scan_of_the_intake_finds_the_row_of_its_object() -> None:
    body = scan_body("app")
    body["metadata"]["labels"] = {IDENTITY_LABEL: "x"}
    ours = built(Scan.parse(body))
    assert request_in(ours)["result"]["sk"].startswith("S#E:abc#")
    body["spec"]["limits"] = {"maxBytes": 1}
    assert request_in(built(Scan.parse(body)))["result"]["sk"] != request_in(ours)["result"]["sk"]


def test_what_comes_from_a_policy_reaches_the_job() -> None:
    job = built(scan("app", rules=None), POLICY)
    request = request_in(job)
    assert {rule["name"] for rule in request["rules"]} == {entry.rule.name for entry in load_pack("etcd").rules}
    assert request["limits"]["maxBytes"] == 5
    assert json.loads(job["metadata"]["annotations"]["logscan.dev/resolved"])["policy"] == "pol"
    assert job["metadata"]["labels"].items() >= {"logscan.dev/policy": "pol", "logscan.dev/bucket": "logs"}.items()
    assert job["spec"]["activeDeadlineSeconds"] == 99
    assert job["spec"]["template"]["spec"]["nodeSelector"] == {"pool": "scans"}


def test_the_template_of_a_scan_changes_its_pod() -> None:
    template = {
        "resources": {"requests": {"cpu": "2"}, "limits": {"memory": "1Gi"}},
        "tolerations": [{"key": "scans", "operator": "Exists"}],
        "labels": {"team": "a", "logscan.dev/attempt": "99"},
    }
    job = built(scan("app", job=template))
    pod = job["spec"]["template"]
    assert pod["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "2", "memory": "128Mi"},
        "limits": {"memory": "1Gi"},
    }
    assert pod["spec"]["tolerations"] == [{"key": "scans", "operator": "Exists"}]
    assert (pod["metadata"]["labels"]["team"], pod["metadata"]["labels"]["logscan.dev/attempt"]) == ("a", "1")


def test_the_operators_own_template_is_below_all_others() -> None:
    affinity: dict[str, Any] = {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}
    }
    base = JobTemplate.model_validate(
        {
            "nodeSelector": {"pool": "all"},
            "affinity": affinity,
            "priorityClassName": "low",
            "labels": {"kueue.x-k8s.io/queue-name": "scans", "team": "none"},
            "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "512Mi"}},
        }
    )
    settings = SETTINGS.model_copy(update={"scanner_job": base})
    job = built(scan("app", rules=None), POLICY, settings)
    pod = job["spec"]["template"]["spec"]
    assert (pod["nodeSelector"], pod["affinity"], pod["priorityClassName"]) == ({"pool": "scans"}, affinity, "low")
    own = {"labels": {"team": "a"}, "resources": {"limits": {"memory": "1Gi"}}}
    job = built(scan("app", job=own), settings=settings)
    assert job["metadata"]["labels"].items() >= {"kueue.x-k8s.io/queue-name": "scans", "team": "a"}.items()
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {"requests": {"cpu": "1", "memory": "128Mi"}, "limits": {"memory": "1Gi"}}


def test_keys_from_a_secret_reach_the_scanner() -> None:
    job = built(scan("app"), settings=SETTINGS.model_copy(update={"scanner_env_secret": "keys"}))
    assert job["spec"]["template"]["spec"]["containers"][0]["envFrom"] == [{"secretRef": {"name": "keys"}}]


def test_where_webhooks_may_go_is_up_to_the_operator() -> None:
    allowed = built(scan("app"), settings=SETTINGS.model_copy(update={"webhook_internal": "10.0.0.0/8,alerts.svc"}))
    assert request_in(allowed)["webhookInternal"] == ["10.0.0.0/8", "alerts.svc"]
    assert "webhookInternal" not in request_in(built(scan("app")))


def test_an_unknown_pack_cannot_be_requested() -> None:
    with pytest.raises(UnknownPackError, match="nope"):
        built(scan("app", rules={"packs": ["nope"]}))


def test_an_unreadable_spec_has_no_job() -> None:
    broken = Scan.parse(scan_body(attempts="many"))
    assert broken.spec is None
    with pytest.raises(ValueError, match="cannot be read"):
        jobs.build_request(broken, 1, resolve(scan().readable_spec, {}, {}, SETTINGS), SETTINGS)


def test_secrets_reach_the_pod_and_never_the_request() -> None:
    """The kubelet reads them, so that the operator needs no right for Secrets; one that is missing holds no pod."""
    reference = {"name": "hooks", "key": "url"}
    notify = {
        "channels": [
            {"name": n, "type": "webhook", "secretRef": reference, "signingRef": {"name": "k", "key": n}}
            for n in ("a", "b")
        ]
    }
    job = built(scan("app", notify=notify))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    found = {
        entry["name"]: entry["valueFrom"]["secretKeyRef"]
        for entry in container["env"]
        if "secretKeyRef" in entry.get("valueFrom", {})
    }
    assert found == {
        "LOGSCAN_CHANNEL_1_SECRET": {**reference, "optional": True},
        "LOGSCAN_CHANNEL_1_SIGNING": {"name": "k", "key": "a", "optional": True},
        "LOGSCAN_CHANNEL_2_SECRET": {**reference, "optional": True},
        "LOGSCAN_CHANNEL_2_SIGNING": {"name": "k", "key": "b", "optional": True},
    }
    again = jobs.recorded(job)
    assert again is not None
    assert again.notify == scan("app", notify=notify).readable_spec.notify, "a later attempt has the same channels"


def test_a_tenants_scans_post_to_the_hosts_that_the_operator_names() -> None:
    use = SETTINGS.model_copy(update={"tenant_webhooks": "hooks.example.com, *.example.org"})
    notify = {"channels": [{"name": "a", "type": "slack", "secretRef": {"name": "s", "key": "k"}}]}
    own = built(scan("app", notify=notify), settings=use)
    theirs = built(Scan.parse(in_namespace(scan_body("app", notify=notify), "team-a")), settings=use)
    assert "webhookHosts" not in request_in(own)
    assert request_in(theirs)["webhookHosts"] == ["hooks.example.com", "*.example.org"]
