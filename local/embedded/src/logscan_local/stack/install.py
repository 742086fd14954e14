"""Installs logscan on the embedded cluster from the shipped manifests (`manifests/overlays/local`).

The addresses of the running stack, its AWS keys and a free port for the operator are added to them.
"""

import secrets as randomness
from collections.abc import Mapping
from typing import Any

import yaml

from logscan_local.stack.aws import REGION, SENDER, Resources
from logscan_local.stack.errors import StackError
from logscan_local.stack.kubectl import Kubectl, Object
from logscan_local.stack.paths import StackPaths
from logscan_local.stack.permissions import Credentials
from logscan_tools.errors import ToolError
from logscan_tools.manifests import NAMESPACE
from logscan_tools.paths import REPOSITORY
from logscan_tools.polling import poll

OVERLAY = REPOSITORY / "manifests" / "overlays" / "local"
CRDS = REPOSITORY / "crds"
SIGNING_KEYS = "logscan-signing-keys"
ESTABLISHED_SECONDS = 30
AVAILABLE_SECONDS = 90


def install(
    kubectl: Kubectl, resources: Resources, http_port: int, paths: StackPaths, images: Mapping[str, str]
) -> None:
    """Apply the manifests and return when the operator is ready.

    Args:
        kubectl: The cluster.
        resources: AWS.
        http_port: The operator's port.
        paths: The stack's files, for the operator's log.
        images: References of our images by name, instead of the manifests'.

    Raises:
        StackError: Something was refused or did not become ready; with the end of the operator's log.
    """
    install_crds(kubectl)
    manifests = list(yaml.safe_load_all(kubectl.run("kustomize", str(OVERLAY))))
    for document in manifests:
        complete(document, resources, http_port, images)
    kubectl.apply([namespace(), *secrets(resources), *missing_signing_keys(kubectl), *manifests])
    try:
        poll(lambda: operator_ready(kubectl), AVAILABLE_SECONDS, "the operator's Deployment to be available")
    except ToolError as error:
        raise StackError(f"{error}; {operator_diagnosis(kubectl, paths)}") from error


def install_crds(kubectl: Kubectl) -> None:
    """Apply the shipped CRDs and return when the API server serves them.

    Not with `kubectl wait`, which fails on a CRD that is too new to have conditions.

    Raises:
        StackError: They were refused or not established in time.
    """
    for path in sorted(CRDS.glob("*.yaml")):
        kubectl.run("apply", "--server-side", f"--filename={path}")
    names = [yaml.safe_load(path.read_text())["metadata"]["name"] for path in sorted(CRDS.glob("*.yaml"))]

    def established() -> bool:
        conditions = [kubectl.get("crd", name).get("status", {}).get("conditions") or [] for name in names]
        return all(any(c["type"] == "Established" and c["status"] == "True" for c in one) for one in conditions)

    poll(established, ESTABLISHED_SECONDS, "the CRDs to be established")


def operator_ready(kubectl: Kubectl) -> bool:
    """Return whether the operator's Deployment is available at its current generation."""
    deployment = kubectl.get("deployment", "logscan-operator")
    status = deployment.get("status", {})
    current = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return bool(current and status.get("updatedReplicas", 0) == status.get("availableReplicas", -1))


def complete(document: Object, resources: Resources, http_port: int, images: Mapping[str, str]) -> None:
    """Add the addresses and the port of a running stack to a manifest.

    Args:
        document: The manifest, changed in place.
        resources: AWS.
        http_port: The operator's port.
        images: References of our images by name, instead of the manifest's.
    """
    kind, name = document["kind"], document["metadata"]["name"]
    if (kind, name) == ("ConfigMap", "logscan-operator"):
        document["data"] |= {
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": resources.endpoint,
            "LOGSCAN_QUEUE_URLS": resources.queue_url,
            "LOGSCAN_TABLE": resources.table,
            "LOGSCAN_REPORTS_BUCKET": resources.reports_bucket,
            "LOGSCAN_MAIL_SENDER": SENDER,
        }
        document["data"]["LOGSCAN_SCANNER_IMAGE"] = images.get(
            "logscan-scanner", document["data"]["LOGSCAN_SCANNER_IMAGE"]
        )
    if (kind, name) == ("Deployment", "logscan-operator"):
        template: Any = document["spec"]["template"]
        # A change of the ConfigMap alone does not restart the pod.
        template["metadata"].setdefault("annotations", {})["logscan.dev/endpoint"] = resources.endpoint
        container = template["spec"]["containers"][0]
        container["image"] = images.get("logscan-operator", container["image"])
        # All pods of this node share one network, so 8080 may be in use.
        container["ports"] = [{"name": "http", "containerPort": http_port}]
        for variable in container["env"]:
            if variable["name"] == "LOGSCAN_HTTP_PORT":
                variable["value"] = str(http_port)


def namespace() -> Object:
    """Return the namespace, which enforces the Pod Security level `restricted`."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def secrets(resources: Resources, into: str = NAMESPACE) -> list[Object]:
    """Return the Secrets with the AWS keys of operator and scanner."""
    return [
        _secret("logscan-operator-aws", resources.operator, into),
        _secret("logscan-scanner-aws", resources.scanner, into),
    ]


def missing_signing_keys(kubectl: Kubectl) -> list[Object]:
    """Return the Secret with a new key that signs rows, or nothing if there is one: rows would lose their results."""
    if kubectl.run("get", "secret", SIGNING_KEYS, "--ignore-not-found", "--output=name"):
        return []
    metadata = {"name": SIGNING_KEYS, "namespace": NAMESPACE}
    data = {"current": randomness.token_hex(32)}
    return [{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}]


def _secret(name: str, credentials: Credentials, into: str) -> Object:
    metadata = {"name": name, "namespace": into}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": credentials.environment()}


def operator_diagnosis(kubectl: Kubectl, paths: StackPaths) -> str:
    """Return the state of the operator's pods and the end of its log."""
    pods = kubectl.run("get", "pods", "--output=wide")
    logs = sorted(paths.pods.glob("*/logs/operator/*.log"), key=lambda path: path.stat().st_mtime)
    tail = "\n".join(logs[-1].read_text(errors="replace").splitlines()[-20:]) if logs else "(no log)"
    return f"its pods:\n{pods}\nthe end of its log:\n{tail}"
