"""A cluster that is not ours to start or stop, as the end-to-end tests see it: kind, or a real one.

Its state file says where everything is: that of a stack, with a `kubeconfig` besides.
"""

import json
from pathlib import Path

from logscan_local.cluster import Kubectl
from logscan_local.install import NAMESPACE
from logscan_local.stack import State


class Elsewhere:
    """What `Stack` offers of a cluster that is up."""

    def __init__(self, path: Path) -> None:
        """Prepare.

        Args:
            path: The state file.
        """
        self._path = path

    def state(self) -> State:
        """Return what the state file says."""
        document = json.loads(self._path.read_text())
        document.pop("kubeconfig")
        return State.from_json(document)

    def kubectl(self) -> Kubectl:
        """Return kubectl for this cluster."""
        document = json.loads(self._path.read_text())
        return Kubectl(Path(document["kubectl"]), Path(document["kubeconfig"]), NAMESPACE)
