"""Where the stack keeps its files: one cache folder per user, one folder in it per stack."""

from dataclasses import dataclass
from pathlib import Path

from logscan_tools.paths import cache_root


@dataclass(frozen=True)
class StackPaths:
    """The files of one stack."""

    name: str

    @property
    def root(self) -> Path:
        """Folder of the stack; removed by `down`."""
        return cache_root() / "stacks" / self.name

    @property
    def logs(self) -> Path:
        """Folder with one log per process."""
        return self.root / "logs"

    @property
    def pki(self) -> Path:
        """Folder with certificates and keys."""
        return self.root / "pki"

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of the cluster's administrator."""
        return self.root / "kubeconfig"

    @property
    def audit(self) -> Path:
        """The API server's log of the operator's requests, a JSON object in each line."""
        return self.root / "audit.log"

    @property
    def pods(self) -> Path:
        """Folder with the volumes and logs of pods."""
        return self.root / "pods"

    @property
    def state(self) -> Path:
        """File with the stack's processes and ports."""
        return self.root / "state.json"
