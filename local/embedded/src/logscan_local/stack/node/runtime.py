"""What the node asks of a container runtime. Two exist: processes of this machine, and a Docker-compatible engine."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from logscan_local.stack.node.security import Security

EXIT_CANNOT_START = 128


@dataclass(frozen=True)
class Mount:
    """A folder or file of the node that a container sees at a path."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Launch:
    """All that a runtime needs to start a container.

    Attributes:
        name: A name that no other start of a container has.
        labels: Which container of which pod it is.
        image: The image's reference.
        hostname: The pod's name.
        command: The pod's `command`; None for the image's entry point.
        args: The pod's `args`; None for the image's, where `command` is not set either.
        env: Variables beside those of the image.
        working_dir: Where it starts; None for the image's.
        mounts: What it sees besides its image.
        security: As whom, and with which rights.
        memory_limit: Bytes that its processes may use together.
        cpu_limit: Processors that they may use together.
        log: File that takes its output.
        scratch: Folder for what the runtime itself needs.
    """

    name: str
    labels: Mapping[str, str]
    image: str
    hostname: str
    command: tuple[str, ...] | None
    args: tuple[str, ...] | None
    env: Mapping[str, str]
    working_dir: str | None
    mounts: tuple[Mount, ...]
    security: Security
    memory_limit: int | None
    cpu_limit: float | None
    log: Path
    scratch: Path


@dataclass(frozen=True)
class ImageFacts:
    """What the node must know of an image.

    Attributes:
        identifier: What tells it from a later image of the same name.
        user: As whom it runs if the pod does not say: `UID[:GID]`, a name, or nothing for root.
    """

    identifier: str
    user: str


@dataclass(frozen=True)
class Ending:
    """How a container ended."""

    exit_code: int
    oom_killed: bool


class ImageMissingError(Exception):
    """An image is not to be had; `reason` is that of the container's status."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StartFailedError(Exception):
    """A container could not be started."""


class Running(Protocol):
    """A container that was started."""

    identifier: str
    ending: asyncio.Task[Ending]

    async def signal(self, number: int) -> None:
        """Send it a signal; nothing happens if it has ended."""

    async def execute(self, command: Sequence[str]) -> int:
        """Run a command inside and return its exit code."""


class Runtime(Protocol):
    """Runs containers.

    Attributes:
        version: Name and version, as a Node's status tells them.
        says: How pods run, for the Node's status.
    """

    version: str
    says: str

    async def image(self, reference: str, policy: str) -> ImageFacts:
        """Return the facts of an image, pulling it if its policy and the runtime allow.

        Raises:
            ImageMissingError: It is not to be had.
        """

    async def start(self, launch: Launch) -> Running:
        """Start a container.

        Raises:
            StartFailedError: Its program cannot be run.
            ContainerConfigError: It asks for something that this runtime does not have.
        """

    async def clean(self) -> None:
        """Remove what this runtime's containers of an earlier run left behind."""

    async def aclose(self) -> None:
        """Let go of connections."""
