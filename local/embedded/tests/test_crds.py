"""The CRDs on a real API server: what it accepts, what it refuses, and whether the refusal says what to do."""

import json
from typing import Any

import pytest
from crdcases import POLICY, SCAN, apply, changed, rule

from logscan_api.labels import shown_object
from logscan_api.statuses import LogScanStatus
from logscan_local.stack.install import install_crds
from logscan_local.stack.kubectl import Kubectl, KubectlError
from logscan_tools.paths import REPOSITORY

pytestmark = pytest.mark.controlplane

SAMPLES = REPOSITORY / "manifests" / "samples"


@pytest.fixture(scope="module")
def kubectl(bare_kubectl: Kubectl) -> Kubectl:
    install_crds(bare_kubectl)
    return bare_kubectl


def channels(*several: dict[str, Any]) -> dict[str, Any]:
    return {"notify": {"channels": [{"name": f"c{number}", **each} for number, each in enumerate(several)]}}


SECRET = {"name": "hooks", "key": "url"}
EVENT_BUS = "arn:aws:events:eu-central-1:111122223333:event-bus/default"
BY_SECRET = ("slack", "teams", "pagerduty", "alertmanager", "webhook")
SLACK = {"type": "slack", "secretRef": SECRET}
EVERY_CHANNEL: list[dict[str, Any]] = [
    {"type": "email", "to": ["a@b.example"], "when": "Always"},
    {"type": "sns", "topicArn": "arn:aws:sns:eu-central-1:111122223333:t", "minSeverity": "error"},
    {"type": "eventbridge", "eventBusArn": EVENT_BUS},
    *({"type": kind, "secretRef": SECRET} for kind in BY_SECRET),
    {"type": "webhook", "secretRef": SECRET, "signingRef": SECRET},
    {"type": "pagerduty", "secretRef": SECRET, "region": "eu"},
]
GOOD_ROLES = [
    "arn:aws:iam::444455556666:role/logs",
    "arn:aws-us-gov:iam::444455556666:role/logs_+=,.@-",
    f"arn:aws-cn:iam::444455556666:role/{'p' * 510}/{'r' * 64}",
    "arn:aws:iam::444455556666:role/service-role/#~/x",
]
BAD_ROLES = [
    "",
    "logs",
    "arn:aws:iam::44445555666:role/logs",
    "arn:aws:iam::444455556666:user/logs",
    "arn:aws:sts::444455556666:assumed-role/logs/session",
    "arn:aws:iam::444455556666:role/",
    f"arn:aws:iam::444455556666:role/{'r' * 65}",
    "arn:aws:iam::444455556666:role/*",
    "arn:aws:iam::444455556666:role/a b",
    "arn:aws:iam::444455556666:role/logs\n",
]
LACKING = {"email": "to", "sns": "topicArn", "eventbridge": "eventBusArn", "slack": "secretRef"}


def several(*objects: dict[str, Any]) -> dict[str, Any]:
    return changed(source={"s3": {"bucket": "logs", "objects": list(objects)}})


def where(fields: dict[str, Any]) -> dict[str, Any]:
    return {"name": "r", "where": fields}


@pytest.mark.parametrize(
    "document",
    [
        SCAN,
        changed(rules=None),
        changed(source__s3__bucket="My_Logs.Old"),
        changed(source__s3__bucket="B" * 255),
        changed(source__s3__key=None, source__s3__prefix="app/"),
        changed(
            source__s3__key=None, source__s3__inventory={"manifestKey": "a/manifest.json"}, source__s3__maxObjects=5
        ),
        changed(
            source__s3__key=None, source__s3__prefix="a/", source__s3__inventory={"bucket": "b-1", "manifestKey": "m"}
        ),
        changed(source__s3__versionId="v", source__s3__etag="e", source__s3__sequencer="00AA", source__s3__size=5),
        changed(rules__inline=[rule(severity="critical", ignoreCase=True, exclude="y")]),
        changed(rules__inline=[rule(name=f"r{n}") for n in range(100)]),
        changed(rules__inline=[where({"level": ["error", "fatal"], "status": ">=500", "log.level": "!=info"})]),
        changed(rules__inline=[where({"code": 404, "mfa": True, "ms": 0.5, "any": [1, "x", False, 1.5]})]),
        changed(rules__inline=[rule(where={"level": "error"})]),
        changed(limits={"maxBytes": 1, "maxRecordBytes": 256}, attempts=10, timeoutSeconds=10, priority=-1000),
        changed(job={"resources": {"limits": {"memory": "1Gi"}}, "labels": {"kueue.x-k8s.io/queue-name": "q"}}),
        changed(records={"framing": "Multiline", "start": "^E"}),
        changed(records={"framing": "Json", "messageField": "log"}),
        changed(source__s3__key="ö" * 512),
        changed(ttlSecondsAfterFinished=0),
        changed(ttlSecondsAfterFinished=316224000),
        changed(ttlSecondsAfterFinished="never"),
        changed(**channels(*EVERY_CHANNEL)),
        *(changed(roleArn=arn) for arn in GOOD_ROLES),
    ],
)
def test_accepted(kubectl: Kubectl, document: dict[str, Any]) -> None:
    apply(kubectl, document)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (changed(source__s3__prefix="b/"), "set exactly one of key"),
        (
            changed(source__s3__key=None, source__s3__prefix="b/", source__s3__modifiedBefore="2026-11-25t22:00:00z"),
            "spec.source.s3.modifiedBefore",
        ),
        (changed(source__s3__key=None), "set exactly one of key"),
        (changed(source__s3__key=None, source__s3__prefix="b/", source__s3__etag="e"), "belong to one object"),
        (changed(source__s3__inventory={"manifestKey": "m"}), "set exactly one of key"),
        (changed(source__s3__key=None, source__s3__inventory={}), "spec.source.s3.inventory.manifestKey: Required"),
        (
            changed(source__s3__key=None, source__s3__inventory={"manifestKey": "ö" * 513}),
            "manifestKey has at most 1024",
        ),
        (changed(source__s3__include=["*"]), "remove them, or set prefix or inventory"),
        (changed(source__s3__key=""), "spec.source.s3.key"),
        (changed(source__s3__bucket="no/bucket"), "spec.source.s3.bucket"),
        (changed(source__s3__bucket="..."), "spec.source.s3.bucket"),
        (changed(source__s3__bucket="b" * 256), "spec.source.s3.bucket"),
        (changed(rules={}), "name at least one pack, rule set or inline rule"),
        (changed(rules__inline=[rule(severity="fatal")]), 'supported values: "info", "warning", "error", "critical"'),
        (changed(rules__inline=[rule(pattern="")]), r"spec.rules.inline[0].pattern"),
        (changed(rules__inline=[{"name": "r"}]), "spec.rules.inline[0].pattern: Required value"),
        (changed(rules__inline=[where({})]), "spec.rules.inline[0].where"),
        (changed(rules__inline=[where({"a": "x" * 257})]), "spec.rules.inline[0].where.a: Too long"),
        (changed(rules__inline=[where({"a": ["x"] * 51})]), "spec.rules.inline[0].where.a: Too many"),
        (changed(rules__inline=[where({"a": ["x" * 257]})]), "spec.rules.inline[0].where.a[0]: Too long"),
        (changed(rules__inline=[where({"a": [["x"]]})]), "spec.rules.inline[0].where.a[0]: Too many"),
        (changed(rules__inline=[where({"a": {"b": "x"}})]), "spec.rules.inline[0].where.a: Too many"),
        (changed(rules__inline=[where({f"f{n}": "x" for n in range(9)})]), "spec.rules.inline[0].where: Too many"),
        (changed(rules__inline=[rule(name=f"r{n}") for n in range(101)]), "must have at most 100 items"),
        (changed(rules__inline=[rule(), rule()]), "Duplicate value"),
        (changed(rules__inline=[rule(name="Not A Name")]), "spec.rules.inline[0].name"),
        (changed(records={"framing": "Multiline"}), "set start"),
        (changed(records={"start": "^E"}), "set start"),
        (changed(records={"framing": "Xml"}), "spec.records.framing"),
        (changed(attempts=0), "spec.attempts"),
        (changed(colour="red"), "spec.colour"),
        (changed(source__s3__key="ö" * 513), "key has at most 1024 bytes (UTF-8), as in S3"),
        (changed(source__s3__versionId="ö" * 513), "versionId has at most 1024 bytes"),
        (several({"key": "a"}, {"key": "ö" * 513}), "key and versionId of each object have at most 1024 bytes"),
        (several({"key": "a", "versionId": "ö" * 513}), "key and versionId of each object have at most 1024 bytes"),
        (changed(ttlSecondsAfterFinished=999999999999), "set seconds, from 0 to 316224000 (ten years), or never"),
        (changed(ttlSecondsAfterFinished=-1), "or never"),
        (changed(ttlSecondsAfterFinished="forever"), "or never"),
        (changed(notify={"webhook": {"url": "https://größe"}}), "spec.notify.webhook.url"),
        *((changed(**channels({"type": t})), f"needs {field}; no other may have it") for t, field in LACKING.items()),
        *((changed(**channels({"type": t, "to": ["a@b.example"]})), "needs secretRef") for t in BY_SECRET),
        (changed(**channels({**SLACK, "to": ["a@b.example"]})), "email needs to; no other"),
        (changed(**channels({**SLACK, "signingRef": SECRET})), "only a channel of the type webhook"),
        (changed(**channels({**SLACK, "region": "eu"})), "only a channel of the type pagerduty"),
        (changed(**channels({**SLACK, "url": "https://x"})), "unknown field"),
        (changed(**channels({**SLACK, "type": "irc"})), "Unsupported value"),
        (changed(**channels({**SLACK, "secretRef": {"name": "a/b", "key": "k"}})), "secretRef.name"),
        (changed(**channels({**SLACK, "secretRef": {"name": "a", "key": "../x"}})), "secretRef.key"),
        (changed(**channels(*[SLACK] * 11)), "must have at most 10 items"),
        (changed(notify={"channels": [{**SLACK, "name": "c"}] * 2}), "Duplicate value"),
        (changed(notify={"email": {"to": ["größe@example.com"]}}), "spec.notify.email.to[0]"),
        *((changed(roleArn=arn), "spec.roleArn: Invalid value") for arn in BAD_ROLES),
    ],
)
def test_refused_with_advice(kubectl: Kubectl, document: dict[str, Any], words: str) -> None:
    with pytest.raises(KubectlError) as refusal:
        apply(kubectl, document)
    assert words in str(refusal.value)


@pytest.mark.parametrize("amount", ["256e6", "268435456000m", "1.", ".5Gi", "1E", "+1", 1, 0])
def test_any_amount_that_a_pod_may_have_is_accepted(kubectl: Kubectl, amount: str | int) -> None:
    apply(kubectl, changed(job={"resources": {"requests": {"cpu": amount}, "limits": {"memory": amount}}}))


@pytest.mark.parametrize("amount", ["lots", "", "1KI", "1 Gi", "-1", -1, "1" * 65])
def test_any_other_amount_is_refused(kubectl: Kubectl, amount: str | int) -> None:
    with pytest.raises(KubectlError) as refusal:
        apply(kubectl, changed(job={"resources": {"limits": {"memory": amount}}}))
    assert "spec.job.resources.limits" in str(refusal.value)


def test_only_some_fields_may_change(kubectl: Kubectl) -> None:
    apply(kubectl, SCAN, dry_run=False)
    apply(kubectl, changed(suspend=True, priority=5, ttlSecondsAfterFinished=60), dry_run=False)
    for field, value in (
        ("source__s3__key", "b.log"),
        ("rules__packs", ["etcd"]),
        ("limits", {"maxBytes": 5}),
        ("attempts", 2),
        ("timeoutSeconds", 99),
        ("job", {"nodeSelector": {"a": "b"}}),
        ("roleArn", GOOD_ROLES[0]),
    ):
        immutable = f"spec.{field.split('__')[0]} is immutable: delete the LogScan and create it again"
        with pytest.raises(KubectlError, match=immutable):
            apply(kubectl, changed(**{field: value}))
    apply(kubectl, changed(cancel=True), dry_run=False)
    with pytest.raises(KubectlError, match="a cancelled scan stays cancelled"):
        apply(kubectl, changed(cancel=False))


def test_names_short_and_long(kubectl: Kubectl) -> None:
    apply(kubectl, {**SCAN, "metadata": {"name": "named"}}, dry_run=False)
    for name in ("lscan", "logscan", "logscans"):
        assert "named" in kubectl.run("get", name, "--output=name")
    assert "Where the logs are" in kubectl.run("explain", "logscan.spec")
    assert "a comparison such as `>=500`" in " ".join(kubectl.run("explain", "logscan.spec.rules.inline.where").split())


def test_everything_that_is_deleted_is_no_logscan(kubectl: Kubectl) -> None:
    apply(kubectl, {**SCAN, "metadata": {"name": "spared"}}, dry_run=False)
    kubectl.run("delete", "all", "--all")
    assert "spared" in kubectl.run("get", "logscan", "spared", "--output=name")
    kubectl.run("delete", "logscan", "spared")


def test_scans_are_found_by_phase_bucket_policy_and_reason(kubectl: Kubectl) -> None:
    for bucket in ("bucket-a", "bucket-b"):
        document = changed(source__s3__bucket=bucket)
        apply(kubectl, {**document, "metadata": {"name": f"in-{bucket}"}}, dry_run=False)
    patch = json.dumps({"status": {"phase": "Failed", "reason": "AccessDenied", "policy": "pol"}})
    kubectl.run("patch", "logscan", "in-bucket-b", "--subresource=status", "--type=merge", f"--patch={patch}")
    for selector in (
        "spec.source.s3.bucket=bucket-b",
        "status.phase=Failed",
        "status.reason=AccessDenied,status.phase!=Pending",
        "status.policy=pol",
    ):
        assert kubectl.run("get", "logscans", f"--field-selector={selector}", "-oname").split() == [
            "logscan.logscan.dev/in-bucket-b"
        ]
    apply(kubectl, {**POLICY, "metadata": {"name": "found"}}, dry_run=False)
    assert "found" in kubectl.run("get", "logscanpolicies", "--field-selector=spec.action=Scan", "-oname")


def test_words_of_a_newer_operator_are_taken(kubectl: Kubectl) -> None:
    apply(kubectl, {**SCAN, "metadata": {"name": "newer"}}, dry_run=False)
    top = {"rule": "r", "severity": "catastrophic", "lines": 1}
    counts = {"bytes": 1, "decompressedBytes": 1, "lines": 1, "matchedLines": 1, "bySeverity": {"catastrophic": 1}}
    summary = {**counts, "worstSeverity": "catastrophic", "topRules": [top]}
    condition = {"type": "Ready", "status": "False", "message": "m", "lastTransitionTime": "2026-11-26T00:00:00Z"}
    status = {"reason": "HeardOfTomorrow", "summary": summary, "conditions": [{**condition, "reason": "Tomorrow"}]}
    patch = json.dumps({"status": status})
    kubectl.run("patch", "logscan", "newer", "--subresource=status", "--type=merge", f"--patch={patch}")
    read = LogScanStatus.model_validate(kubectl.get("logscan", "newer")["status"])
    assert (read.reason, read.summary and read.summary.worst_severity) == ("HeardOfTomorrow", "catastrophic")


def test_a_long_key_leaves_the_wide_list_readable(kubectl: Kubectl) -> None:
    document = changed(source__s3__key="k" * 1024)
    apply(kubectl, {**document, "metadata": {"name": "long-key"}}, dry_run=False)
    patch = json.dumps({"status": {"object": shown_object("k" * 1024, None)}})
    kubectl.run("patch", "logscan", "long-key", "--subresource=status", "--type=merge", f"--patch={patch}")
    lines = kubectl.run("get", "logscans", "--output=wide").splitlines()
    assert any("kkk\N{HORIZONTAL ELLIPSIS}kkk" in line for line in lines)
    assert max(map(len, lines)) < 250


@pytest.mark.parametrize("document", [changed(rules={"inline": [rule()]}, notify={"email": {"to": ["a@b.c"]}}), POLICY])
def test_what_is_applied_again_is_unchanged(kubectl: Kubectl, document: dict[str, Any]) -> None:
    document = {**document, "metadata": {"name": "again"}}
    said = [apply(kubectl, document, dry_run=False).split()[-1] for _ in range(3)]
    assert said == ["created", "unchanged", "unchanged"]
    kubectl.run("diff", "--filename=-", stdin=json.dumps(document))
    stored = kubectl.get(document["kind"], "again")
    assert stored["spec"]["rules"]["inline"] == document["spec"]["rules"]["inline"]


def test_samples_are_accepted(kubectl: Kubectl) -> None:
    for path in SAMPLES.glob("*.yaml"):
        kubectl.run("apply", "--dry-run=server", f"--filename={path}")


def test_a_policy_may_name_a_role(kubectl: Kubectl) -> None:
    for arn in GOOD_ROLES:
        apply(kubectl, {**POLICY, "spec": {**POLICY["spec"], "roleArn": arn}})
    with pytest.raises(KubectlError, match=r"spec\.roleArn: Invalid value"):
        apply(kubectl, {**POLICY, "spec": {**POLICY["spec"], "roleArn": BAD_ROLES[-1]}})


def test_a_policy_that_scans_needs_rules(kubectl: Kubectl) -> None:
    policy = {**SCAN, "kind": "LogScanPolicy", "spec": {"priority": 1}}
    with pytest.raises(KubectlError, match="a policy that scans needs rules"):
        apply(kubectl, policy)
    with pytest.raises(KubectlError, match="name at least one pack, rule set or inline rule"):
        apply(kubectl, {**policy, "spec": {"rules": {}}})
    apply(kubectl, {**policy, "spec": {"action": "Ignore"}})


def test_status_cannot_be_written_with_the_spec(kubectl: Kubectl) -> None:
    apply(kubectl, {**changed(), "metadata": {"name": "fresh"}, "status": {"phase": "Succeeded"}}, dry_run=False)
    born = kubectl.get("logscan", "fresh")["status"]
    assert (born["phase"], born["reason"], born["observedGeneration"]) == ("Pending", "Waiting", -1)
    apply(kubectl, {**POLICY, "metadata": {"name": "fresh"}}, dry_run=False)
    assert kubectl.get("logscanpolicy", "fresh")["status"] == {"observedGeneration": -1}
