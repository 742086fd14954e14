"""What a kind cluster needs beside the chart: AWS resources in LocalStack, Secrets with its keys, and the bridge."""

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import yaml

from logscan_local.stack import aws
from logscan_local.stack.aws import Resources
from logscan_local.stack.errors import StackError
from logscan_local.stack.install import namespace, secrets
from logscan_local.stack.kubectl import Kubectl, KubectlError, Object
from logscan_local.stack.state import State
from logscan_tools.paths import REPOSITORY
from logscan_tools.polling import NotReachedError, poll
from logscan_tools.terraform import archive

FOLDER = REPOSITORY / "local" / "kind"
CHECKSUM = "logscan.dev/checksum"
POLL_SECONDS = 1.0

Say = Callable[[str], None]


def make_resources(folder: Path, kubectl: Kubectl, endpoint: str, say: Say) -> str:
    """Create the missing AWS resources, namespace and Secrets, and return a checksum of the Secrets.

    LocalStack loses everything when it restarts, whatever the state file says; so each resource is looked up each time.

    Args:
        folder: The cluster's state folder.
        kubectl: The cluster.
        endpoint: Where LocalStack is.
        say: Called with each line of progress.

    Raises:
        KubectlError: The API server refused.
    """
    path = folder / "state.json"
    known = _known(path)
    resources = aws.create_all(endpoint, bridged=True, known=known)
    if known is None:
        say("created bucket, queues, table and users in LocalStack")
    elif (known.operator, known.scanner) != (resources.operator, resources.scanner):
        say("LocalStack had lost its resources, as it does when it restarts: created them again, with new keys")
    State([], resources, kubectl.program, kubectl.kubeconfig).write(path)
    made = secrets(resources)
    kubectl.apply([namespace(), *made])
    return _checksum([secret["stringData"] for secret in made])


def bridge(image: str) -> list[Object]:
    """Return the bridge's ConfigMap and Deployment; a change of the image or of the code replaces the pod.

    Args:
        image: The operator's image, which contains botocore.
    """
    code = {path.name: path.read_text() for path in (FOLDER / "bridge.py", *archive.SOURCE.rglob("*.py"))}
    (deployment,) = yaml.safe_load_all((FOLDER / "bridge.yaml").read_text())
    template = deployment["spec"]["template"]
    template["metadata"]["annotations"] = {CHECKSUM: _checksum(code)}
    template["spec"]["containers"][0]["image"] = image
    metadata = {"name": "bridge", "namespace": deployment["metadata"]["namespace"]}
    return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": code}, deployment]


def wait_for_server(kubectl: Kubectl, seconds: float, say: Say) -> None:
    """Wait until the API server is ready, which takes a minute after a restart of the node.

    Raises:
        StackError: It was not ready in time; with the last error.
    """

    def problem() -> str:
        try:
            kubectl.run("get", "--raw=/readyz")
        except KubectlError as error:
            return str(error)
        return ""

    _wait("the API server", problem, "docker logs CLUSTER-control-plane", seconds, say)


def wait_for_localstack(endpoint: str, seconds: float, say: Say) -> None:
    """Wait until LocalStack answers; after a restart of the node its pod is still marked as ready for a while.

    Raises:
        StackError: It did not answer in time.
    """

    def problem() -> str:
        try:
            with urllib.request.urlopen(f"{endpoint}/_localstack/health", timeout=5):  # noqa: S310 - loopback
                return ""
        except urllib.error.HTTPError:
            return ""
        except (OSError, http.client.HTTPException) as error:
            return str(getattr(error, "reason", error)) or type(error).__name__

    look = "kubectl --namespace localstack logs deployment/localstack"
    _wait(f"LocalStack at {endpoint}", problem, look, seconds, say)


def _wait(what: str, problem: Callable[[], str], look: str, seconds: float, say: Say) -> None:
    """Wait until there is no problem, or fail with the last one."""
    seen: list[str] = []

    def solved() -> bool:
        text = problem()
        if text and not seen:
            say(f"waiting for {what} ...")
        seen.append(text)
        return not text

    try:
        poll(solved, seconds, what, POLL_SECONDS)
    except NotReachedError as error:
        raise StackError(f"{what} was not ready after {seconds:.0f} s: {seen[-1]}; see `{look}`") from error


def _known(path: Path) -> Resources | None:
    """Return the resources in the state file, or None if it cannot be read."""
    try:
        return State.read(path).resources
    except (OSError, ValueError, KeyError, TypeError):  # missing, or written by another version
        return None


def _checksum(document: object) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]
