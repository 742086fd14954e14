"""Waiting for a Deployment, and saying why it does not get ready: what its pods, their events and their logs tell.

`kubectl rollout status` says that it waits, never for what.
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
        seconds: How long at the most, apart from the time in which an image is pulled.
        say: Called with a line of progress when it changes what is waited for, and now and then.

    Raises:
        StackError: It was not ready in time, or never will be; with what its pods, events and logs tell.
    """
    started = last = said = monotonic()
    left, told = seconds, ""
    while True:
        now, look = monotonic(), _look(kubectl, name)
        if look.ready:
            return
        left -= 0 if look.pulling else now - last
        last = now
        if look.words != told or now - said > SAY_SECONDS:
            say(f"{name}, {now - started:.0f} s: {look.words}")
            said, told = now, look.words
        if look.hopeless or left < 0 or now - started > seconds + PULL_SECONDS:
            late = "will not get ready" if look.hopeless else f"was not ready after {now - started:.0f} s"
            raise StackError(f"{name} {late}: {look.words}\n{_exhibits(kubectl, name)}")
        sleep(POLL_SECONDS)


def _look(kubectl: Kubectl, name: str) -> DeploymentState:
    try:
        deployment = kubectl.get("deployment", name)
        selector = _selector(deployment)
        sets, pods = (kubectl.get(kind, selector)["items"] for kind in ("replicasets", "pods"))
        return deployment_state(deployment, sets, pods, kubectl.get("events")["items"])
    except KubectlError as error:  # the API server may be restarting
        return DeploymentState(words=str(error))


def _selector(deployment: Object) -> str:
    labels: dict[str, Any] = deployment["spec"]["selector"]["matchLabels"]
    return "--selector=" + ",".join(f"{key}={value}" for key, value in labels.items())


def _exhibits(kubectl: Kubectl, name: str) -> str:
    """Return what a person would look at next, each with the command that shows it."""
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
