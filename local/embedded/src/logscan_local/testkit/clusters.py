"""The clusters on which the end-to-end tests run: an embedded stack, kind, or a real one."""

from pathlib import Path
from typing import Protocol

from logscan_local.stack.kubectl import Kubectl
from logscan_local.stack.state import State


class Cluster(Protocol):
    """A running cluster with logscan installed, as tests see it."""

    def state(self) -> State | None:
        """Return the addresses and keys, or None if the cluster is down."""

    def kubectl(self) -> Kubectl:
        """Return kubectl for this cluster."""


class ExternalCluster:
    """A cluster that the tests neither start nor stop, described by a state file."""

    def __init__(self, path: Path) -> None:
        """Take the path of the state file; nothing is read yet."""
        self._path = path

    def state(self) -> State:
        """Return the content of the state file."""
        return State.read(self._path)

    def kubectl(self) -> Kubectl:
        """Return kubectl for this cluster."""
        return self.state().client()
