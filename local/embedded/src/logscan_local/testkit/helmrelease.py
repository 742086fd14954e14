"""Installs a released chart on an embedded stack with pods in containers, and scans with it."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from logscan_local.stack.aws import REGION, client
from logscan_local.stack.install import namespace, operator_diagnosis, operator_ready, secrets
from logscan_local.stack.kubectl import Kubectl
from logscan_local.stack.nodes import DOCKER, PodRuntime
from logscan_local.stack.ports import free_ports
from logscan_local.stack.stacks import Stack
from logscan_local.stack.state import State
from logscan_tools import binaries
from logscan_tools.errors import ToolError
from logscan_tools.manifests import NAMESPACE
from logscan_tools.polling import poll
from logscan_tools.release import checksums
from logscan_tools.release.commands import run
from logscan_tools.release.facts import IMAGES, Release

BUCKET_KEY = "rehearsal.log"
BODY = b"INFO fine\nERROR bad\nERROR worse\n"
SCAN_SECONDS = 120


def install_and_check(release: Release, say: Callable[[str], None]) -> None:
    """Pull the chart, install it, and have it scan an object.

    Raises:
        ToolError: The chart is another than the one built, or does not work.
    """
    stack = Stack("rehearsal", say, PodRuntime(DOCKER, release.version))
    with tempfile.TemporaryDirectory() as folder:
        try:
            state = stack.up(with_operator=False)
            chart = _pulled(release, Path(folder))
            _install(stack.kubectl(), state, chart, Path(folder))
            _uses_the_registry(stack.kubectl(), release)
            _scan(stack.kubectl(), state)
        except ToolError as error:
            raise ToolError(f"{error}; {operator_diagnosis(stack.kubectl(), stack.paths)}") from error
        finally:
            stack.down()


def _pulled(release: Release, folder: Path) -> Path:
    """Return the chart's archive from the registry, which must be the one that was built."""
    repository, _, version = release.chart.rpartition(":")
    command = [str(binaries.helm(print)), "pull", f"oci://{repository}", f"--version={version}"]
    run([*command, "--plain-http", f"--destination={folder}"])
    chart = folder / f"logscan-{version}.tgz"
    if checksums.digest(chart) != checksums.digest(release.folder / chart.name):
        raise ToolError("the chart in the registry is another than the one that was built")
    return chart


def _install(kubectl: Kubectl, state: State, chart: Path, folder: Path) -> None:
    kubectl.apply([namespace(), *secrets(state.resources)])
    values: dict[str, Any] = {
        "aws": {
            "region": REGION,
            "queueUrl": state.resources.queue_url,
            "table": state.resources.table,
            "endpointUrl": state.resources.endpoint,
        },
        "envSecret": "logscan-operator-aws",
        "scanner": {"envSecret": "logscan-scanner-aws"},
        "settings": {"receiveWaitSeconds": 1, "leaseSeconds": 3},
        "httpPort": free_ports(1)[0],
    }
    path = folder / "values.json"
    path.write_text(json.dumps(values))
    command = [str(binaries.helm(print)), "install", "logscan", str(chart), f"--namespace={NAMESPACE}"]
    command += [f"--values={path}", f"--kubeconfig={kubectl.kubeconfig}", "--wait", "--timeout=180s"]
    run(command, variables={"HOME": str(folder)})
    poll(lambda: operator_ready(kubectl), SCAN_SECONDS, "the operator's Deployment to be available")


def _uses_the_registry(kubectl: Kubectl, release: Release) -> None:
    template = kubectl.get("deployment", "logscan-operator")["spec"]["template"]["spec"]
    used = template["containers"][0]["image"]
    if not used.startswith(f"{release.registry}/{IMAGES[0]}@sha256:"):
        raise ToolError(f"the operator's image is {used}, which names no digest of the registry")


def _scan(kubectl: Kubectl, state: State) -> None:
    """Upload an object and wait until its two lines with errors are found."""
    client("s3", state.resources.endpoint).put_object(Bucket=state.resources.bucket, Key=BUCKET_KEY, Body=BODY)

    def matched() -> bool:
        scans = kubectl.get("logscans")["items"]
        return any(scan.get("status", {}).get("summary", {}).get("matchedLines") == 2 for scan in scans)

    poll(matched, SCAN_SECONDS, "the upload to be scanned")
