"""The scanner's service account, which carries an AWS role, is for the operator's Jobs alone: on a real API server."""

import json

import pytest
import yaml
from places import NewPlace, Place

from logscan_local.stack.kubectl import Kubectl, KubectlError, Object
from logscan_local.testkit.waiting import eventually
from logscan_tools.manifests import render

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator, pytest.mark.tools]
JOB_CONTROLLER = "system:serviceaccount:kube-system:job-controller"
JOBS = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]}
OWNER = {"apiVersion": "batch/v1", "kind": "Job", "name": "scan-1", "uid": "2f7c1c9e-0000-4000-8000-000000000000"}


def pod_spec(account: str, field: str = "serviceAccountName") -> Object:
    container = {"name": "scanner", "image": "anything"}
    return {field: account, "restartPolicy": "Never", "containers": [container]}


def lone_pod(account: str, owners: list[Object] | None = None, field: str = "serviceAccountName") -> Object:
    metadata = {"name": "tried", "ownerReferences": owners or []}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec(account, field)}


def job(account: str) -> Object:
    template = {"spec": pod_spec(account)}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "tried"}, "spec": {"template": template}}


def refused(kubectl: Kubectl, document: Object, *options: str) -> bool:
    """Return whether the API server would refuse an object; the admission policy must be what does."""
    said = ""
    try:
        kubectl.run("create", "--dry-run=server", "--filename=-", *options, stdin=json.dumps(document))
    except KubectlError as error:
        said = str(error)
    assert not said or "the service account logscan-scanner is reserved" in said, said
    return bool(said)


def guarded(place: Place) -> Kubectl:
    """Install the policy for a place and its other namespace, and return kubectl for that once the policy holds."""
    theirs = place.kubectl_in(place.others[0])
    place.furnish(theirs)
    values = [f"--set=watchNamespaces={{{theirs.namespace}}}", f"--namespace={place.namespace}"]
    documents = [document for document in yaml.safe_load_all(render(*values)) if document]
    place.kubectl.apply([d for d in documents if d["metadata"]["name"].startswith("logscan-scanner-account")])
    eventually(lambda: refused(theirs, job("logscan-scanner")), 60, "the admission policy to hold")
    return theirs


def test_nobody_but_the_operator_runs_anything_under_the_scanners_account(new_place: NewPlace) -> None:
    place = new_place(others=1, fake_kubelet=False)
    theirs = guarded(place)
    operator = f"--as=system:serviceaccount:{place.namespace}:logscan-operator"
    for kubectl in (place.kubectl, theirs):
        kubectl.apply(bound("logscan-operator", f"{place.namespace}:logscan-operator", JOBS))
        assert refused(kubectl, job("logscan-scanner"))
        assert not refused(kubectl, job("default"))
        assert not refused(kubectl, job("logscan-scanner"), operator)
        assert refused(kubectl, lone_pod("logscan-scanner"))
        assert refused(kubectl, lone_pod("logscan-scanner", field="serviceAccount")), "the old name of the field"
        assert refused(kubectl, lone_pod("logscan-scanner", [OWNER])), "an owner that only the user names"
        assert not refused(kubectl, lone_pod("logscan-scanner", [OWNER]), f"--as={JOB_CONTROLLER}")
        assert refused(kubectl, lone_pod("logscan-scanner"), f"--as={JOB_CONTROLLER}")
    with pytest.raises(KubectlError, match="tokens of the service account logscan-scanner"):
        theirs.run("create", "token", "logscan-scanner")
    assert theirs.run("create", "token", "default")


def test_a_pod_of_a_scan_cannot_be_made_to_run_something_else(new_place: NewPlace) -> None:
    place = new_place(others=1, fake_kubelet=False)
    theirs = guarded(place)
    operator = f"{place.namespace}:logscan-operator"
    theirs.apply(bound("logscan-operator", operator, JOBS))
    by_operator = f"--as=system:serviceaccount:{operator}"
    theirs.run("create", "--filename=-", by_operator, stdin=json.dumps(job("logscan-scanner")))
    (pod,) = eventually(lambda: theirs.get("pods")["items"], 30, "the Job controller's pod")
    name = pod["metadata"]["name"]
    theirs.run("annotate", "pod", name, "note=x")
    for way in (["set", "image", f"pod/{name}", "scanner=mine"], ["debug", name, "--image=mine"]):
        with pytest.raises(KubectlError, match="cannot be changed"):
            theirs.run(*way)


def bound(name: str, account: str, rule: Object) -> list[Object]:
    """Return a Role and its binding to a service account, given as `namespace:name`."""
    group, metadata = {"apiVersion": "rbac.authorization.k8s.io/v1"}, {"metadata": {"name": name}}
    namespace, _, who = account.partition(":")
    subject = {"kind": "ServiceAccount", "name": who, "namespace": namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    return [
        {**group, **metadata, "kind": "Role", "rules": [rule]},
        {**group, **metadata, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]},
    ]
