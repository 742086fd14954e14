"""Waits for a Deployment and reports why it is not ready, from its pods, their events and their logs.

`kubectl rollout status` does not say what it is waiting for.
"""

from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Any

from logscan_local.kind.deployments import TAIL_LINES, DeploymentState, deployment_state, log_commands
from logscan_local.stack.errors import StackError
from logscan_local.stack.kubectl import Kubectl, KubectlError, Object

POLL_SECONDS = 1.0
SAY_SECONDS = 30.0
PULL_SECONDS = 1800.0


def wait(kubectl: Kubectl, name: str, seconds: float, say: Callable[[str], None]) -> None:
    """Wait until a Deployment is rolled out.

    Args:
        kubectl: The cluster and the namespace.
        name: The Deployment.
        seconds: How long to wait, not counting the time of image pulls.
        say: Called with a line of progress at each change, and every 30 seconds.

    Raises:
        StackError: It was not ready in time, or cannot become ready; with pods, events and logs.
    """
    started = last = said = monotonic()
    left, reported = seconds, ""
    while True:
        now, look = monotonic(), _look(kubectl, name)
        if look.ready:
            return
        left -= 0 if look.pulling else now - last
        last = now
        if look.message != reported or now - said > SAY_SECONDS:
            say(f"{name}, {now - started:.0f} s: {look.message}")
            said, reported = now, look.message
        if look.hopeless or left < 0 or now - started > seconds + PULL_SECONDS:
            late = "cannot become ready" if look.hopeless else f"was not ready after {now - started:.0f} s"
            raise StackError(f"{name} {late}: {look.message}\n{_diagnosis(kubectl, name)}")
        sleep(POLL_SECONDS)


def _look(kubectl: Kubectl, name: str) -> DeploymentState:
    try:
        deployment = kubectl.get("deployment", name)
        selector = _selector(deployment)
        sets, pods = (kubectl.get(kind, selector)["items"] for kind in ("replicasets", "pods"))
        return deployment_state(deployment, sets, pods, kubectl.get("events")["items"])
    except KubectlError as error:  # the API server may be restarting
        return DeploymentState(message=str(error))


def _selector(deployment: Object) -> str:
    labels: dict[str, Any] = deployment["spec"]["selector"]["matchLabels"]
    return "--selector=" + ",".join(f"{key}={value}" for key, value in labels.items())


def _diagnosis(kubectl: Kubectl, name: str) -> str:
    """Return the output of the commands that a person would run next, each with its command line."""
    try:
        pods = kubectl.get("pods", _selector(kubectl.get("deployment", name)))["items"]
    except KubectlError as error:
        return str(error)
    asked = [["get", "pods", "--output=wide"], ["get", "events", "--sort-by=.metadata.creationTimestamp"]]
    return "\n".join(_shown(kubectl, command) for command in [*asked, *log_commands(pods)])


def _shown(kubectl: Kubectl, command: Sequence[str]) -> str:
    try:
        lines = kubectl.run(*command).splitlines()[-TAIL_LINES:]
    except KubectlError as error:
        lines = str(error).splitlines()
    shown = "\n".join(f"    {line}" for line in lines or ["(nothing)"])
    return f"kubectl --namespace {kubectl.namespace} {' '.join(command)}\n{shown}"
