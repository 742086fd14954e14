"""What is released: its version, its commit, and where it is published."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from logscan_tools import version
from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY

IMAGES = ("logscan-operator", "logscan-scanner")


@dataclass(frozen=True)
class Release:
    """One release.

    Attributes:
        folder: Where its files are.
        registry: The registry of images and chart with a folder in it, such as `ghcr.io/owner`.
        source: The address of the repository for people, such as `https://github.com/owner/logscan`.
        version: logscan's version.
        revision: The commit.
        committed: When it was committed.
    """

    folder: Path
    registry: str
    source: str
    version: str
    revision: str
    committed: datetime

    @property
    def tag(self) -> str:
        """Return the name of the release's tag in Git."""
        return f"v{self.version}"

    @property
    def chart(self) -> str:
        """Return the chart's reference in the registry."""
        return f"{self.registry}/charts/logscan:{self.version}"

    @property
    def insecure(self) -> bool:
        """Return whether the registry is one on this machine, which speaks HTTP."""
        return self.registry.startswith(("127.0.0.1:", "localhost:"))

    def image(self, name: str) -> str:
        """Return the reference of an image of all platforms."""
        return f"{self.registry}/{name}:{self.version}"

    def download(self, name: str) -> str:
        """Return the address from which a file of the release is downloaded."""
        return f"{self.source}/releases/download/{self.tag}/{name}"


def this_release(folder: Path, registry: str, source: str) -> Release:
    """Return the release of the commit that is checked out.

    Raises:
        ToolError: This is no clone of the repository.
    """
    revision, seconds = _git("log", "-1", "--format=%H %ct").split()
    committed = datetime.fromtimestamp(int(seconds), UTC)
    folder.mkdir(parents=True, exist_ok=True)
    return Release(folder.resolve(), registry, source.rstrip("/"), version.current(), revision, committed)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    if done.returncode != 0:
        raise ToolError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
