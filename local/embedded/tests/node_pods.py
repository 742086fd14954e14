"""Pods that tests run on the embedded node."""

import json
import os
from typing import Any

import pytest

from logscan_local.stack.kubectl import Kubectl, Object
from logscan_local.stack.node import mounts
from logscan_local.stack.nodes import DOCKER
from logscan_local.testkit.fixtures import wanted_runtime
from logscan_local.testkit.waiting import eventually
from logscan_tools.imagebuild import LOCAL_BASE

RUNTIME = wanted_runtime()


CONTAINERS = RUNTIME.kind == DOCKER


# An image with Python and nothing of ours.
IMAGE = os.environ.get("LOGSCAN_TEST_BASE", LOCAL_BASE) if CONTAINERS else "registry/python:3"


RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
MOUNTS = pytest.mark.skipif(
    not CONTAINERS and mounts.namespace_command() is None,
    reason="this machine gives a process no mount namespace of its own",
)
USERS = pytest.mark.skipif(
    not CONTAINERS and not (mounts.is_root() and mounts.namespace_command()),
    reason="only root may run processes as other users",
)
only_containers = pytest.mark.skipif(not CONTAINERS, reason="shows what an engine does for a container")


class Pods:
    """Creates pods of an image with Python."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl

    def create(self, name: str, code: str, container: Object | None = None, **spec: Any) -> str:
        """Create a pod whose container runs some Python."""
        run = {"name": "c", "image": IMAGE, "command": ["python3", "-c", code], **(container or {})}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}
        self.apply({**pod, "spec": {"restartPolicy": "Never", "containers": [run], **spec}})
        return name

    def apply(self, document: Object) -> None:
        """Apply an object."""
        self.kubectl.run("apply", "--filename=-", stdin=json.dumps(document))

    def until(self, name: str, phase: str) -> Object:
        """Return a pod once it has a phase."""

        def reached() -> Object:
            pod = self.kubectl.get("pod", name)
            return pod if pod["status"].get("phase") == phase else {}

        return eventually(reached, 20, f"pod {name} to be {phase}")

    def state(self, name: str) -> Object:
        """Return the state of a pod's container."""
        statuses = self.kubectl.get("pod", name)["status"].get("containerStatuses", [{"state": {}}])
        state: Object = statuses[0]["state"]
        return state
