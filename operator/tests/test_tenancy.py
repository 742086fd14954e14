"""What tenants may ask for: the operator and the chart's admission policy decide alike, on a real API server."""

import json
import subprocess
from typing import Any

import pytest
import yaml
from objects import SETTINGS, in_namespace, scan_body
from places import NewPlace, Place

from logscan_api.policies import LogScanPolicySpec
from logscan_local.stack.kubectl import Kubectl, KubectlError, Object
from logscan_local.testkit.waiting import eventually
from logscan_operator.items import RuleSet, Scan
from logscan_operator.resolving import resolve
from logscan_operator.settings import Settings
from logscan_operator.tenancy import refusal
from logscan_tools.manifests import render

TOPIC = "arn:aws:sns:eu-central-1:123456789012:team-a-alerts"
BUS = "arn:aws:events:eu-central-1:123456789012:event-bus/team-a-alerts"
LOOSE = {
    "tenantRecipients": "*@example.com, boss@example.org",
    "tenantTopics": "arn:aws:sns:eu-central-1:123456789012:team-a-*",
    "tenantWebhooks": "hooks.example.com,*.internal.example.com",
    "tenantEventBuses": "arn:aws:events:eu-central-1:123456789012:event-bus/team-a-*",
    "tenantSecrets": "logscan-*, hooks",
    "tenantJobFields": "resources,labels",
    "tenantCpuMost": 4,
    "tenantMemoryMost": "2Gi",
    "tenantAttemptsMost": 5,
    "tenantTimeoutSecondsMost": 7200,
    "tenantUnredacted": True,
}


def mail(*addresses: str) -> Object:
    return {"notify": {"email": {"to": list(addresses)}}}


def hook(url: str) -> Object:
    return {"notify": {"webhook": {"url": url}}}


def channel(kind: str, **fields: Any) -> Object:
    return {"notify": {"channels": [{"name": "c", "type": kind, **fields}]}}


def slack(secret: str) -> Object:
    return channel("slack", secretRef={"name": secret, "key": "url"})


def signed(secret: str) -> Object:
    by = {"name": "hooks", "key": "url"}
    return channel("webhook", secretRef=by, signingRef={"name": secret, "key": "key"})


def resources(**amounts: Any) -> Object:
    return {"job": {"resources": amounts}}


RULE = {"name": "mine", "pattern": "x"}
# What a LogScan asks for; whether it may by default; whether it may under LOOSE.
CASES: list[tuple[Object, bool, bool]] = [
    ({}, True, True),
    (mail("a@example.com"), False, True),
    (mail("a@example.com", "a@example.com.evil.org"), False, False),
    (mail("boss@example.org"), False, True),
    (mail("underboss@example.org"), False, False),
    ({"notify": {"sns": {"topicArn": TOPIC}}}, False, True),
    ({"notify": {"sns": {"topicArn": TOPIC.replace("team-a", "team-b")}}}, False, False),
    (hook("https://hooks.example.com/x"), False, True),
    (hook("https://HOOKS.example.com:8443/x?y=1"), False, True),
    (hook("https://a.internal.example.com"), False, True),
    (hook("https://hooks.example.com.evil.org/"), False, False),
    (hook("https://hooks.example.com@evil.org/"), False, False),
    (hook("https://evil.org/hooks.example.com"), False, False),
    (hook("https://evil.org#hooks.example.com"), False, False),
    (hook("https://[::1"), False, False),
    (channel("email", to=["a@example.com", "boss@example.org"]), False, True),
    (channel("email", to=["a@example.com", "a@example.org"]), False, False),
    (channel("sns", topicArn=TOPIC), False, True),
    (channel("sns", topicArn=TOPIC.replace("team-a", "team-b")), False, False),
    (channel("eventbridge", eventBusArn=BUS), False, True),
    (channel("eventbridge", eventBusArn=BUS.replace("team-a", "team-b")), False, False),
    (slack("hooks"), False, True),
    (slack("logscan-slack"), False, True),
    (slack("hooks2"), False, False),
    (slack("database"), False, False),
    (signed("hooks"), False, True),
    (signed("database"), False, False),
    ({"notify": {"channels": []}}, True, True),
    (resources(requests={"cpu": 2, "memory": "1Gi"}), True, True),
    (resources(limits={"cpu": "2001m"}), False, True),
    (resources(limits={"memory": "1025Mi"}), False, True),
    (resources(limits={"memory": "2147483649"}), False, False),
    (resources(requests={"cpu": "64"}), False, False),
    (resources(requests={"ephemeral-storage": "1Gi"}), False, False),
    (resources(limits={"nvidia.com/gpu": 1}), False, False),
    ({"job": {"labels": {"app": "payments"}}}, False, True),
    ({"job": {"priorityClassName": "system-node-critical"}}, False, False),
    ({"job": {"tolerations": [{"operator": "Exists"}]}}, False, False),
    ({"job": {"nodeSelector": {"pool": "x"}}}, False, False),
    ({"job": {"affinity": {"nodeAffinity": {}}}}, False, False),
    ({"attempts": 3}, True, True),
    ({"attempts": 4}, False, True),
    ({"attempts": 6}, False, False),
    ({"timeoutSeconds": 3600}, True, True),
    ({"timeoutSeconds": 7200}, False, True),
    ({"timeoutSeconds": 7201}, False, False),
    ({"rules": {"inline": [RULE]}}, True, True),
    ({"rules": {"inline": [RULE, {**RULE, "name": "bare", "redact": False}]}}, False, True),
]
BUCKETS = [("logs", True), ("shared", True), ("sharedx", False), ("team-a-", True), ("other", False)]
ROLES = [
    ("arn:aws:iam::444455556666:role/logs", True),
    ("arn:aws:iam::444455556666:role/logs2", False),
    ("arn:aws:iam::444455556666:role/team-a/x", True),
    ("arn:aws:iam::777788889999:role/logs", False),
    ("arn:aws:iam::444455556666:role/team-b/x", False),
]
ALLOWED_ROLES = [ROLES[0][0], "arn:aws:iam::444455556666:role/team-a/*"]
ALLOWED = {"team-a": ["logs", "shared", "team-a-*"]}


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def settings(**changes: Any) -> Settings:
    facts = {**SETTINGS.model_dump(), "watch_namespaces": ["team-a"], "unlisted_namespaces": "Allow"}
    return Settings(**{**facts, **{snake(name): value for name, value in changes.items()}})


def refused(spec: Object, use: Settings, namespace: str = "team-a", policy: Object | None = None) -> str | None:
    scan = Scan.parse(in_namespace(scan_body(**spec), namespace))
    assert scan.spec is not None, scan.problem
    policies = {"p": LogScanPolicySpec.model_validate(policy)} if policy else {}
    return refusal(scan, resolve(scan.spec, policies, {}, use), use)


@pytest.mark.parametrize("loose", [False, True])
@pytest.mark.parametrize(("spec", "usual", "wide"), CASES, ids=[json.dumps(case[0]) for case in CASES])
def test_what_a_tenant_may_ask_for(spec: Object, usual: bool, wide: bool, loose: bool) -> None:
    use = settings(**(LOOSE if loose else {}))
    assert (refused(spec, use) is None) == (wide if loose else usual)
    assert refused(spec, use, "logscan") is None, "who runs the operator may ask for anything"


@pytest.mark.parametrize(("spec", "usual", "wide"), CASES, ids=[json.dumps(case[0]) for case in CASES])
def test_a_policy_of_the_tenant_lends_no_more(spec: Object, usual: bool, wide: bool) -> None:
    policy = {"rules": {"packs": ["generic"]}, **spec}
    assert (refused({"rules": None}, settings(), policy=policy) is None) == usual


def test_a_rule_set_of_the_tenant_shows_no_more_than_its_own_rules_may() -> None:
    metadata = {"namespace": "team-a", "name": "s", "resourceVersion": "1"}
    bare = RuleSet.parse({"metadata": metadata, "spec": {"rules": [{**RULE, "redact": False}]}})
    body = in_namespace(scan_body(rules={"ruleSets": ["s"]}), "team-a")
    for use, may in ((settings(), False), (settings(**LOOSE), True)):
        scan = Scan.parse(body)
        assert (refusal(scan, resolve(scan.readable_spec, {}, {"s": bare}, use), use) is None) == may


def with_inventory(bucket: str) -> Object:
    """Return the source of a scan of a bucket that is allowed, with an inventory in another one."""
    allowed = next(name for name, may in BUCKETS if may)
    return {"source": {"s3": {"bucket": allowed, "inventory": {"bucket": bucket, "manifestKey": "manifest.json"}}}}


@pytest.mark.parametrize(("bucket", "may"), BUCKETS)
def test_which_buckets_a_tenant_may_scan(bucket: str, may: bool) -> None:
    source = {"source": {"s3": {"bucket": bucket, "key": "x"}}}
    assert (refused(source, settings(allowedBuckets=ALLOWED)) is None) == may
    assert (refused(with_inventory(bucket), settings(allowedBuckets=ALLOWED)) is None) == may
    assert refused(source, settings(allowedBuckets=ALLOWED, unlistedNamespaces="Deny"), "logscan") is None
    assert refused(source, settings(unlistedNamespaces="Deny")) is not None, "nothing is allowed unless it is listed"
    assert refused(source, settings(unlistedNamespaces="Allow")) is None


@pytest.mark.parametrize("namespace", ["team-a", "logscan"])
@pytest.mark.parametrize(("role", "may"), ROLES)
def test_which_roles_a_namespace_may_name(role: str, may: bool, namespace: str) -> None:
    """No namespace may name a role that is not listed for it, not even that of who runs the operator."""
    use = settings(allowedRoles={namespace: ALLOWED_ROLES})
    said = refused({"roleArn": role}, use, namespace)
    assert (said is None) == may
    assert said is None or said.startswith(f"roleArn: namespace {namespace} may not assume {role}; ask for it in allow")
    of_policy = refused({}, use, namespace, policy={"rules": {"packs": ["generic"]}, "roleArn": role})
    assert (of_policy is None) == may
    assert of_policy is None or of_policy.startswith("roleArn of the LogScanPolicy: ")
    elsewhere = settings(allowedRoles={"team-b": ["arn:*"]})
    for none in (settings(), elsewhere):
        assert refused({"roleArn": role}, none, namespace) is not None, "nothing is allowed unless it is listed"


def admitted(kubectl: Kubectl, kind: str, spec: Object) -> bool:
    """Return whether the API server would store an object; a refusal must be that of the admission policy."""
    metadata = {"name": "tried"}
    document = {"apiVersion": "logscan.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    said = ""
    try:
        kubectl.run("create", "--dry-run=server", "--filename=-", stdin=json.dumps(document))
    except KubectlError as error:
        said = str(error)
    assert not said or "ValidatingAdmissionPolicy" in said, said
    return not said


def install(place: Place, *values: str) -> None:
    """Install the chart's admission policies for a place and its other namespace, and wait until they hold."""
    watched = f"--set=watchNamespaces={{{place.others[0]}}}"
    documents = [d for d in yaml.safe_load_all(render(watched, f"--namespace={place.namespace}", *values)) if d]
    place.kubectl.apply([d for d in documents if d["kind"].startswith("ValidatingAdmissionPolicy")])
    theirs, bad = place.kubectl_in(place.others[0]), {"job": {"priorityClassName": "system-node-critical"}}
    eventually(lambda: not admitted(theirs, "LogScan", logscan(bad)), 60, "the admission policies to hold")


def logscan(spec: Object) -> Object:
    return {"source": {"s3": {"bucket": "logs", "key": "x"}}, "rules": {"packs": ["generic"]}, **spec}


@pytest.mark.controlplane
@pytest.mark.emulator
@pytest.mark.tools
@pytest.mark.parametrize("loose", [False, True])
def test_the_api_server_refuses_the_same(new_place: NewPlace, loose: bool) -> None:
    place = new_place(others=1)
    theirs = place.kubectl_in(place.others[0])
    place.furnish(theirs)
    wanted = LOOSE if loose else {}
    allowed = [f"--set-json=allowedBuckets={json.dumps({place.others[0]: ALLOWED['team-a']})}"]
    roles = {place.others[0]: ALLOWED_ROLES} if loose else {}
    allowed.append(f"--set-json=allowedRoles={json.dumps(roles)}")
    install(place, *allowed, f"--set-json=settings={json.dumps(wanted)}")
    for spec, usual, wide in CASES:
        may = wide if loose else usual
        assert admitted(theirs, "LogScan", logscan(spec)) == may, spec
        assert admitted(theirs, "LogScanPolicy", {"rules": {"packs": ["generic"]}, **spec}) == may, spec
        assert admitted(place.kubectl, "LogScan", logscan(spec)), spec
    bare = {"rules": [{**RULE, "redact": False}]}
    eventually(lambda: admitted(theirs, "LogScanRuleSet", bare) == loose, 60, "the policy for rule sets to hold")
    assert admitted(theirs, "LogScanRuleSet", {"rules": [RULE]})
    assert admitted(place.kubectl, "LogScanRuleSet", bare)
    for bucket, may in BUCKETS:
        source = {"source": {"s3": {"bucket": bucket, "key": "x"}}}
        assert admitted(theirs, "LogScan", logscan(source)) == may, bucket
        assert admitted(theirs, "LogScan", logscan(with_inventory(bucket))) == may, bucket
        assert admitted(place.kubectl, "LogScan", logscan(source)), bucket
    for role, listed in ROLES:
        for kind, rest in (("LogScan", logscan({})), ("LogScanPolicy", {"rules": {"packs": ["generic"]}})):
            assert admitted(theirs, kind, {**rest, "roleArn": role}) == (listed and loose), role
            assert not admitted(place.kubectl, kind, {**rest, "roleArn": role}), role


OLD_FIELDS: Object = {
    "email": {"to": ["a@example.com"]},
    "sns": {"topicArn": TOPIC},
    "webhook": {"url": "https://hooks.example.com/x"},
}


def warnings(kubectl: Kubectl, kind: str, spec: Object) -> str:
    """Return what the API server says of an object that it would store, as kubectl shows it."""
    document = {"apiVersion": "logscan.dev/v1alpha1", "kind": kind, "metadata": {"name": "old"}, "spec": spec}
    command = [str(kubectl.program), f"--kubeconfig={kubectl.kubeconfig}", f"--namespace={kubectl.namespace}"]
    command += ["create", "--dry-run=server", "--filename=-"]
    done = subprocess.run(command, input=json.dumps(document), capture_output=True, text=True, check=True)
    return done.stderr


@pytest.mark.controlplane
@pytest.mark.emulator
@pytest.mark.tools
def test_whoever_uses_a_deprecated_field_is_told_what_to_use(new_place: NewPlace) -> None:
    place = new_place(others=1)
    place.furnish(place.kubectl_in(place.others[0]))
    install(place)
    for kind, rest in (("LogScan", logscan({})), ("LogScanPolicy", {"rules": {"packs": ["generic"]}})):
        for name, value in OLD_FIELDS.items():
            spec = {**rest, "notify": {name: value}}
            said = f"spec.notify.{name} is deprecated: use a channel of the type {name} in spec.notify.channels"
            eventually(lambda: said in warnings(place.kubectl, kind, spec), 60, f"a warning about {name}")  # noqa: B023
        assert not warnings(place.kubectl, kind, {**rest, **slack("s")})
