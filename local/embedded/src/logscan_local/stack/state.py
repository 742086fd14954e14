"""The state file of a cluster: where everything is, for commands and tests that run later."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logscan_local.stack.aws import Resources
from logscan_local.stack.kubectl import Kubectl
from logscan_local.stack.nodes import AS_PROCESSES, PodRuntime
from logscan_local.stack.processes import Part
from logscan_tools.manifests import NAMESPACE


@dataclass(frozen=True)
class State:
    """A running cluster.

    Attributes:
        parts: The processes of the embedded stack; empty for a cluster that was not started here.
        resources: The AWS resources.
        kubectl: The program.
        kubeconfig: The kubeconfig of the cluster's administrator.
        runtime: How the embedded stack runs pods.
    """

    parts: list[Part]
    resources: Resources
    kubectl: Path
    kubeconfig: Path
    runtime: PodRuntime = AS_PROCESSES

    @classmethod
    def read(cls, path: Path) -> "State":
        """Return the content of a state file.

        Raises:
            OSError: The file cannot be read.
            ValueError, KeyError, TypeError: Another version wrote it.
        """
        return cls.from_json(json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        """Write a state file, such that a reader finds the old content or the new one, never a part."""
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(self.to_json(), indent=2))
        unfinished.replace(path)

    def to_json(self) -> dict[str, Any]:
        """Return the content of the state file."""
        return {
            "parts": [part.to_json() for part in self.parts],
            "resources": self.resources.to_json(),
            "kubectl": str(self.kubectl),
            "kubeconfig": str(self.kubeconfig),
            "runtime": vars(self.runtime),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "State":
        """Return the state that `to_json` described."""
        return cls(
            parts=[Part(**part) for part in document["parts"]],
            resources=Resources.from_json(document["resources"]),
            kubectl=Path(document["kubectl"]),
            kubeconfig=Path(document["kubeconfig"]),
            runtime=PodRuntime(**document.get("runtime", {})),
        )

    def client(self) -> Kubectl:
        """Return kubectl for this cluster, in logscan's namespace."""
        return Kubectl(self.kubectl, self.kubeconfig, NAMESPACE)
