"""The CRDs on a real API server: what it takes, what it refuses, and whether the refusal tells what to do."""

import copy
import json
from typing import Any

import pytest

from logscan_local.cluster import Kubectl, KubectlError
from logscan_local.install import install_crds
from logscan_local.paths import REPOSITORY

pytestmark = pytest.mark.controlplane

SAMPLES = REPOSITORY / "manifests" / "samples"
SCAN: dict[str, Any] = {
    "apiVersion": "logscan.dev/v1alpha1",
    "kind": "LogScan",
    "metadata": {"name": "scan"},
    "spec": {"source": {"s3": {"bucket": "logs", "key": "a.log"}}, "rules": {"packs": ["generic"]}},
}


@pytest.fixture(scope="module")
def kubectl(bare_kubectl: Kubectl) -> Kubectl:
    install_crds(bare_kubectl)
    return bare_kubectl


def changed(**changes: Any) -> dict[str, Any]:
    """Return the scan with dotted fields of its spec set; None removes one."""
    document = copy.deepcopy(SCAN)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = document["spec"]
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return document


def apply(kubectl: Kubectl, document: dict[str, Any], dry_run: bool = True) -> None:
    kubectl.run("apply", "--filename=-", *(["--dry-run=server"] if dry_run else []), stdin=json.dumps(document))


def rule(**fields: Any) -> dict[str, Any]:
    return {"name": "r", "pattern": "x", **fields}


@pytest.mark.parametrize(
    "document",
    [
        SCAN,
        changed(rules=None),
        changed(source__s3__bucket="My_Logs.Old"),
        changed(source__s3__bucket="B" * 255),
        changed(source__s3__key=None, source__s3__prefix="app/"),
        changed(source__s3__versionId="v", source__s3__etag="e", source__s3__sequencer="00AA", source__s3__size=5),
        changed(rules__inline=[rule(severity="critical", ignoreCase=True, exclude="y")]),
        changed(rules__inline=[rule(name=f"r{n}") for n in range(100)]),
        changed(limits={"maxBytes": 1, "maxLineBytes": 256}, attempts=10, timeoutSeconds=10, priority=-1000),
        changed(job={"resources": {"limits": {"memory": "1Gi"}}, "labels": {"kueue.x-k8s.io/queue-name": "q"}}),
    ],
)
def test_accepted(kubectl: Kubectl, document: dict[str, Any]) -> None:
    apply(kubectl, document)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (changed(source__s3__prefix="b/"), "set exactly one of key"),
        (changed(source__s3__key=None), "set exactly one of key"),
        (changed(source__s3__key=None, source__s3__prefix="b/", source__s3__etag="e"), "belong to one object"),
        (changed(source__s3__key=""), "spec.source.s3.key"),
        (changed(source__s3__bucket="no/bucket"), "spec.source.s3.bucket"),
        (changed(source__s3__bucket="..."), "spec.source.s3.bucket"),
        (changed(source__s3__bucket="b" * 256), "spec.source.s3.bucket"),
        (changed(rules={}), "name at least one pack or inline rule"),
        (changed(rules__inline=[rule(severity="fatal")]), 'supported values: "info", "warning", "error", "critical"'),
        (changed(rules__inline=[rule(pattern="")]), r"spec.rules.inline[0].pattern"),
        (changed(rules__inline=[rule(name=f"r{n}") for n in range(101)]), "must have at most 100 items"),
        (changed(rules__inline=[rule(), rule()]), "Duplicate value"),
        (changed(rules__inline=[rule(name="Not A Name")]), "spec.rules.inline[0].name"),
        (changed(attempts=0), "spec.attempts"),
        (changed(colour="red"), "spec.colour"),
    ],
)
def test_refused_with_advice(kubectl: Kubectl, document: dict[str, Any], words: str) -> None:
    with pytest.raises(KubectlError) as refusal:
        apply(kubectl, document)
    assert words in str(refusal.value)


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
    ):
        with pytest.raises(KubectlError, match="is immutable: delete the LogScan and create it again"):
            apply(kubectl, changed(**{field: value}))
    apply(kubectl, changed(cancel=True), dry_run=False)
    with pytest.raises(KubectlError, match="a cancelled scan stays cancelled"):
        apply(kubectl, changed(cancel=False))


def test_short_names_and_categories(kubectl: Kubectl) -> None:
    apply(kubectl, {**SCAN, "metadata": {"name": "named"}}, dry_run=False)
    for name in ("lscan", "logscan", "logscans"):
        assert "named" in kubectl.run("get", name, "--output=name")
    assert "logscan.logscan.dev/named" in kubectl.run("get", "all", "--output=name")
    assert "Where the logs are" in kubectl.run("explain", "logscan.spec")


def test_samples_are_accepted(kubectl: Kubectl) -> None:
    for path in SAMPLES.glob("*.yaml"):
        kubectl.run("apply", "--dry-run=server", f"--filename={path}")


def test_a_policy_that_scans_needs_rules(kubectl: Kubectl) -> None:
    policy = {**SCAN, "kind": "LogScanPolicy", "spec": {"priority": 1}}
    with pytest.raises(KubectlError, match="a policy that scans needs rules"):
        apply(kubectl, policy)
    apply(kubectl, {**policy, "spec": {"action": "Ignore"}})


def test_status_cannot_be_written_with_the_spec(kubectl: Kubectl) -> None:
    apply(kubectl, {**changed(), "metadata": {"name": "fresh"}, "status": {"phase": "Succeeded"}}, dry_run=False)
    assert kubectl.get("logscan", "fresh")["status"]["phase"] == "Pending"
