"""Where the stack keeps its files: one cache folder per user, one folder in it per stack."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]


def cache_root() -> Path:
    """Return the cache folder: `LOGSCAN_CACHE` unless it is empty, else `logscan` in the user's cache directory."""
    if chosen := os.environ.get("LOGSCAN_CACHE"):
        return Path(chosen).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "logscan"


def platform_name() -> tuple[str, str]:
    """Return operating system and architecture in Go's words, such as `("linux", "amd64")`."""
    machine = platform.machine().lower()
    return platform.system().lower(), {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


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
