"""What GitOps tools make of LogScans and policies, by their own code: kstatus (Flux) and Argo CD's three-way diff."""

import copy
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from logscan_local.stack.install import install_crds
from logscan_local.stack.kubectl import Kubectl, Object
from logscan_tools import binaries
from logscan_tools.paths import REPOSITORY

pytestmark = [pytest.mark.controlplane, pytest.mark.tools]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
NOTIFY = {"email": {"to": ["a@example.com"]}, "webhook": {"url": "https://example.com/x"}}
TOLERATION = {"key": "scans", "operator": "Exists"}
FULL: Object = {
    "apiVersion": "logscan.dev/v1alpha1",
    "kind": "LogScan",
    "metadata": {"name": "full"},
    "spec": {
        "source": {"s3": {"bucket": "logs", "key": "a.log"}},
        "rules": {"packs": ["generic"], "inline": [{"name": "a", "pattern": "A"}, {"name": "b", "pattern": "B"}]},
        "notify": NOTIFY,
        "job": {"tolerations": [TOLERATION], "resources": {"limits": {"memory": "1Gi"}}},
        "ttlSecondsAfterFinished": "never",
    },
}


def samples() -> Iterator[Object]:
    """Yield every custom resource that ships as a sample, and one that uses nearly every field."""
    for path in sorted((REPOSITORY / "manifests" / "samples").glob("*.yaml")):
        found = yaml.safe_load_all(path.read_text())
        yield from (document for document in found if document["apiVersion"] == FULL["apiVersion"])
    yield FULL
    yield {**FULL, "kind": "LogScanPolicy", "spec": {k: FULL["spec"][k] for k in ("rules", "notify", "job")}}


SAMPLES = list(samples())


@pytest.fixture(scope="module")
def kubectl(bare_kubectl: Kubectl) -> Kubectl:
    install_crds(bare_kubectl)
    return bare_kubectl


def gitops(document: Any, *arguments: str) -> str:
    program = str(binaries.pinned(binaries.GITOPS, lambda _: None))
    done = subprocess.run(
        [program, *arguments], input=json.dumps(document), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def applied(kubectl: Kubectl, document: Object) -> Object:
    """Apply an object as Argo CD does, by `kubectl apply`, and return what is stored."""
    kubectl.run("apply", "--filename=-", stdin=json.dumps(document))
    return kubectl.get(document["kind"], document["metadata"]["name"])


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s['kind']}-{s['metadata']['name']}")
def test_what_is_in_git_is_in_sync(kubectl: Kubectl, sample: Object) -> None:
    document = copy.deepcopy(sample)
    document["metadata"]["namespace"] = kubectl.namespace
    live = applied(kubectl, document)
    last = json.loads(live["metadata"]["annotations"].pop(LAST_APPLIED))
    last["metadata"].pop("annotations")
    assert gitops({"lastApplied": last, "config": document, "live": live}, "drift") == "{}"
    document["spec"]["priority"] = 7
    patch = json.loads(gitops({"lastApplied": last, "config": document, "live": live}, "drift"))
    assert patch == {"spec": {"priority": 7}}, "a change is seen"


@pytest.mark.parametrize("kind", ["LogScan", "LogScanPolicy"])
def test_what_nobody_has_looked_at_is_in_progress(kubectl: Kubectl, kind: str) -> None:
    (document,) = [s for s in SAMPLES if s["metadata"]["name"] == "full" and s["kind"] == kind]
    live = applied(kubectl, {**document, "metadata": {"name": "born"}})
    assert gitops(live, "status").startswith("InProgress: ")


def condition(kind: str, status: str) -> Object:
    words = {"reason": "Because", "message": "because", "lastTransitionTime": "2026-11-26T00:00:00Z"}
    return {"type": kind, "status": status, **words}


@pytest.mark.parametrize(
    ("conditions", "verdict"),
    [
        ([("Ready", "False"), ("Reconciling", "True")], "InProgress"),
        ([("Ready", "True"), ("Reconciling", "False"), ("Stalled", "False")], "Current"),
        ([("Ready", "False"), ("Reconciling", "False"), ("Stalled", "True")], "Failed"),
    ],
)
def test_the_schema_holds_what_kstatus_reads(kubectl: Kubectl, conditions: list[tuple[str, str]], verdict: str) -> None:
    applied(kubectl, {**FULL, "metadata": {"name": "told"}})
    generation = kubectl.get("logscan", "told")["metadata"]["generation"]
    status = {"observedGeneration": generation, "conditions": [condition(*one) for one in conditions]}
    patch = json.dumps({"status": status})
    kubectl.run("patch", "logscan", "told", "--subresource=status", "--type=merge", f"--patch={patch}")
    assert gitops(kubectl.get("logscan", "told"), "status").startswith(f"{verdict}: ")


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the health script that the documentation gives."""
    (text,) = re.findall(r"```lua\n(.*?)```", (REPOSITORY / "docs" / "gitops.md").read_text(), re.DOTALL)
    path = tmp_path_factory.mktemp("argo") / "health.lua"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (None, "Progressing: waits for the operator"),
        ({"observedGeneration": -1, "phase": "Pending"}, "Progressing: waits for the operator"),
        ({"phase": "Queued", "conditions": [("Ready", "False"), ("Reconciling", "True")]}, "Progressing: because"),
        ({"phase": "Suspended", "conditions": [("Ready", "False")]}, "Suspended: because"),
        ({"phase": "Succeeded", "conditions": [("Ready", "True")]}, "Healthy: because"),
        ({"phase": "Failed", "conditions": [("Ready", "False"), ("Stalled", "True")]}, "Degraded: because"),
        ({"conditions": [("Ready", "True")]}, "Healthy: because"),
        ({"observedGeneration": 1, "conditions": [("Ready", "True")]}, "Progressing: waits for the operator"),
    ],
)
def test_argos_health_by_the_documented_script(script: Path, status: Object | None, verdict: str) -> None:
    live = {**FULL, "metadata": {"name": "x", "generation": 2}}
    if status is not None:
        conditions = [condition(*one) for one in status.get("conditions", [])]
        live["status"] = {"observedGeneration": 2, **status, "conditions": conditions}
    assert gitops(live, "health", str(script)) == verdict
