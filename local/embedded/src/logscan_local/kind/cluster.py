"""What a kind cluster needs besides the chart: AWS resources in LocalStack, Secrets with its keys, and the bridge."""

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import yaml

from logscan_local.stack import aws
from logscan_local.stack.aws import FORWARDER_SOURCE, Resources
from logscan_local.stack.errors import StackError
from logscan_local.stack.install import namespace, secrets
from logscan_local.stack.kubectl import Kubectl, KubectlError, Object
from logscan_local.stack.state import State
from logscan_tools.paths import REPOSITORY

FOLDER = REPOSITORY / "local" / "kind"
CHECKSUM = "logscan.dev/checksum"
POLL_SECONDS = 1.0

Say = Callable[[str], None]


def make_resources(folder: Path, kubectl: Kubectl, endpoint: str, say: Say) -> str:
    """Make what is missing of AWS resources, namespace and Secrets, and return a checksum of the Secrets.

    LocalStack keeps nothing over a restart, whatever the state file says; so everything is asked for every time.

    Args:
        folder: The cluster's state folder.
        kubectl: The cluster.
        endpoint: Where LocalStack is.
        say: Called with a line that says what was done.

    Raises:
        KubectlError: The API server refused.
    """
    path = folder / "state.json"
    known = _known(path)
    resources = aws.create_all(endpoint, bridged=True, known=known)
    if known is None:
        say("made bucket, queues, table and users in LocalStack")
    elif (known.operator, known.scanner) != (resources.operator, resources.scanner):
        say("LocalStack had lost what was in it (it keeps nothing over a restart): made again, with new keys")
    State([], resources, kubectl.program, kubectl.kubeconfig).write(path)
    made = secrets(resources)
    kubectl.apply([namespace(), *made])
    return _checksum([secret["stringData"] for secret in made])


def bridge(image: str) -> list[Object]:
    """Return the bridge's ConfigMap and Deployment; another image or other code makes another pod.

    Args:
        image: The operator's image, which brings botocore.
    """
    code = {path.name: path.read_text() for path in (FOLDER / "bridge.py", *FORWARDER_SOURCE.rglob("*.py"))}
    (deployment,) = yaml.safe_load_all((FOLDER / "bridge.yaml").read_text())
    template = deployment["spec"]["template"]
    template["metadata"]["annotations"] = {CHECKSUM: _checksum(code)}
    template["spec"]["containers"][0]["image"] = image
    metadata = {"name": "bridge", "namespace": deployment["metadata"]["namespace"]}
    return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": code}, deployment]


def wait_for_server(kubectl: Kubectl, seconds: float, say: Say) -> None:
    """Wait until the API server is ready; a node that was restarted takes a minute.

    Raises:
        StackError: It was not ready in time; with its last words.
    """

    def problem() -> str:
        try:
            kubectl.run("get", "--raw=/readyz")
        except KubectlError as error:
            return str(error)
        return ""

    _wait("the API server", problem, "docker logs CLUSTER-control-plane", seconds, say)


def wait_for_localstack(endpoint: str, seconds: float, say: Say) -> None:
    """Wait until LocalStack answers; after a restart of the node its pod still counts as ready for a while.

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
    deadline, said = monotonic() + seconds, False
    while words := problem():
        if monotonic() > deadline:
            raise StackError(f"{what} was not ready after {seconds:.0f} s: {words}; `{look}` tells more")
        if not said:
            say(f"waiting for {what} ...")
            said = True
        sleep(POLL_SECONDS)


def _known(path: Path) -> Resources | None:
    """Return what the state file says, or None if there is none that can be read."""
    try:
        return State.read(path).resources
    except (OSError, ValueError, KeyError, TypeError):  # none, or of another version
        return None


def _checksum(document: object) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]
