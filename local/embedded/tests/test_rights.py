"""The operator's rights: all are used, none is missing, and without any of them something is denied.

What it asks for is in the API server's audit log.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from logscan_local.stack import aws
from logscan_local.stack.kubectl import Kubectl, Object
from logscan_local.stack.stacks import Stack
from logscan_local.testkit.waiting import eventually
from logscan_tools.manifests import INSTALL

pytestmark = pytest.mark.stack

(ROLE,) = [
    document
    for document in yaml.safe_load_all(INSTALL.read_text())
    if (document["kind"], document["metadata"]["name"]) == ("Role", "logscan-operator")
]
RULES: list[Object] = ROLE["rules"]
NOWHERE = {"job": {"nodeSelector": {"no-such": "node"}}}

Right = tuple[str, str, str]  # group, resource with subresource, verb


class Audit:
    """What the operator asked of the API server."""

    def __init__(self, stack: Stack) -> None:
        self._path = stack.paths.audit
        self._from = self._path.stat().st_size

    def requests(self) -> Iterator[dict[str, Any]]:
        """Yield what was logged since this object was made."""
        with self._path.open() as file:
            file.seek(self._from)
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)

    def used(self) -> set[Right]:
        return set().union(*(rights_of(r) for r in self.requests() if "objectRef" in r))

    def denied(self) -> set[Right]:
        return {right_of(r) for r in self.requests() if "objectRef" in r and r["responseStatus"]["code"] == 403}


def right_of(request: dict[str, Any]) -> Right:
    target = request["objectRef"]
    resource = "/".join(filter(None, [target.get("resource"), target.get("subresource")]))
    return target.get("apiGroup", ""), resource, request["verb"]


def rights_of(request: dict[str, Any]) -> set[Right]:
    """Return the rights that a request took: an apply that creates takes the right to create as well."""
    group, resource, verb = right_of(request)
    created = verb == "patch" and request.get("responseStatus", {}).get("code") == 201
    return {(group, resource, verb), *([(group, resource, "create")] if created else [])}


def rights_in(rule: Object) -> set[Right]:
    return {(g, r, v) for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}


@pytest.fixture(scope="module")
def kubectl(full_stack: Stack) -> Kubectl:
    return full_stack.kubectl()


def scan(kubectl: Kubectl, name: str, **spec: Any) -> None:
    """Apply a LogScan of an object that is not there."""
    source = {"s3": {"bucket": aws.BUCKET, "key": f"{name}.log"}}
    body = {"source": source, "rules": {"packs": ["generic"]}, "attempts": 1, **spec}
    document = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", "metadata": {"name": name}, "spec": body}
    kubectl.run("apply", "--filename=-", stdin=json.dumps(document))


def rule_set(name: str) -> Object:
    """Return a LogScanRuleSet."""
    spec = {"rules": [{"name": "late", "pattern": "late", "matches": ["late"]}]}
    return {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanRuleSet", "metadata": {"name": name}, "spec": spec}


def phase(kubectl: Kubectl, name: str, wanted: str) -> None:
    def reached() -> bool:
        found = json.loads(kubectl.run("get", "logscan", name, "--ignore-not-found", "-ojson") or "{}")
        return bool(found.get("status", {}).get("phase") == wanted)

    eventually(reached, 60, f"{name} to be {wanted}")


def change(kubectl: Kubectl, name: str, **spec: Any) -> None:
    kubectl.run("patch", "logscan", name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")


def restart(kubectl: Kubectl) -> None:
    """Let another operator start, one that finds no Lease."""
    kubectl.run("delete", "lease", "logscan-operator", "--ignore-not-found")
    kubectl.run("delete", "pods", "--selector=app.kubernetes.io/component=operator", "--wait=false", "--now")


def use_everything(kubectl: Kubectl, stack: Stack) -> None:
    """Bring about all that an operator does in its life."""
    state = stack.state()
    assert state is not None
    kubectl.run("delete", "logscanpolicy", "default", "--ignore-not-found")
    restart(kubectl)
    aws.client("s3", state.resources.endpoint).put_object(Bucket=aws.BUCKET, Key="rights.log", Body=b"ERROR x\n")
    scan(kubectl, "rights-fails", ttlSecondsAfterFinished=1)
    # A Job of that name which is nobody's: the operator has to look whose it is.
    foreign = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "rights-foreign-1"},
        "spec": {"suspend": True, "template": _pod()},
    }
    kubectl.apply([foreign, rule_set("rights")])
    scan(kubectl, "rights-foreign")
    # No pod may be created for it: why is in an Event of its Job alone.
    scan(kubectl, "rights-refused", job={"priorityClassName": "no-such-class"})
    for name in ("rights-suspended", "rights-cancelled"):
        scan(kubectl, name, **NOWHERE)
        phase(kubectl, name, "Running")
    change(kubectl, "rights-suspended", suspend=True)
    phase(kubectl, "rights-suspended", "Suspended")
    change(kubectl, "rights-cancelled", cancel=True)
    phase(kubectl, "rights-cancelled", "Cancelled")
    eventually(lambda: kubectl.get("logscan", "rights-refused")["status"]["reason"] == "Refused", 60, "the refusal")
    eventually(lambda: "rights-fails" not in kubectl.run("get", "logscans", "-oname"), 60, "the TTL to pass")


def _pod() -> Object:
    container = {
        "name": "none",
        "image": "none",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"spec": {"restartPolicy": "Never", "securityContext": security, "containers": [container]}}


def test_every_right_is_used_and_none_is_missing(kubectl: Kubectl, full_stack: Stack) -> None:
    audit = Audit(full_stack)
    use_everything(kubectl, full_stack)
    granted = set[Right]().union(*(rights_in(r) for r in kubectl.get("role", "logscan-operator")["rules"]))

    def unused() -> set[Right]:
        return granted - audit.used()

    # A message that the operator held when it was killed comes again after its visibility timeout.
    eventually(lambda: not unused(), aws.VISIBILITY_SECONDS + 60, lambda: f"a use of each of {sorted(unused())}")
    assert audit.used() == granted
    assert audit.denied() == set()


@pytest.mark.parametrize("number", range(len(RULES)))
def test_without_a_rule_the_operator_is_denied_something(number: int, kubectl: Kubectl, full_stack: Stack) -> None:
    role = kubectl.get("role", "logscan-operator")
    rules = role["rules"]
    assert rules == RULES, "the stack has the rules of the manifest"
    metadata = {"name": "logscan-operator", "namespace": kubectl.namespace}
    least = {"apiVersion": role["apiVersion"], "kind": "Role", "metadata": metadata}
    state = full_stack.state()
    assert state is not None
    audit = Audit(full_stack)
    try:
        kubectl.apply([{**least, "rules": [r for n, r in enumerate(rules) if n != number]}])
        restart(kubectl)
        body = f"ERROR without {number}\n".encode()
        s3 = aws.client("s3", state.resources.endpoint)
        s3.put_object(Bucket=aws.BUCKET, Key=f"uploaded-{number}.log", Body=body)
        scan(kubectl, f"without-{number}")
        spec = {"priority": -500, "match": {"keys": ["none"]}, "rules": {"packs": ["generic"]}}
        policy = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy", "metadata": {"name": f"no-{number}"}}
        kubectl.apply([{**policy, "spec": spec}, rule_set(f"no-{number}")])
        eventually(lambda: audit.denied() & rights_in(rules[number]), 60, f"a denial without {rules[number]}")
    finally:
        kubectl.apply([{**least, "rules": rules}])
    assert audit.denied() <= rights_in(rules[number])
