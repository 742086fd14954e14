"""The interface of a container runtime. There are two: processes of this machine, and a Docker-compatible engine."""

import asyncio
from collections.abc import Mapping
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
    """Everything that a runtime needs to start a container.

    Attributes:
        name: A name that is unique to this start of the container.
        labels: The container's and the pod's names.
        image: The image's reference.
        hostname: The pod's name.
        command: The pod's `command`; None for the image's entry point.
        args: The pod's `args`; None for the image's, where `command` is not set either.
        env: Variables in addition to those of the image.
        mounts: Its mounts.
        security: Its user and capabilities.
        memory_limit: Bytes that its processes may use together.
        cpu_limit: CPUs that they may use together.
        log: The file for its output.
        scratch: A folder for files of the runtime.
    """

    name: str
    labels: Mapping[str, str]
    image: str
    hostname: str
    command: tuple[str, ...] | None
    args: tuple[str, ...] | None
    env: Mapping[str, str]
    mounts: tuple[Mount, ...]
    security: Security
    memory_limit: int | None
    cpu_limit: float | None
    log: Path
    scratch: Path


@dataclass(frozen=True)
class ImageFacts:
    """What the node needs to know about an image.

    Attributes:
        identifier: Its ID, which changes with its content.
        user: Its user, unless the pod sets one: `UID[:GID]`, a name, or empty for root.
    """

    identifier: str
    user: str


@dataclass(frozen=True)
class Ending:
    """How a container ended."""

    exit_code: int
    oom_killed: bool


class ImageMissingError(Exception):
    """An image is not available; `reason` is for the container's status."""

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
        """Send it a signal, unless it has ended."""


class Runtime(Protocol):
    """Runs containers.

    Attributes:
        version: Name and version, for the Node's status.
        says: How pods run, for the Node's status.
    """

    version: str
    says: str

    async def image(self, reference: str, policy: str) -> ImageFacts:
        """Return the facts of an image, pulling it if its policy and the runtime allow.

        Raises:
            ImageMissingError: It is not available.
        """

    async def start(self, launch: Launch) -> Running:
        """Start a container.

        Raises:
            StartFailedError: Its program cannot be run.
            ContainerConfigError: It requires something that this runtime does not support.
        """

    async def clean(self) -> None:
        """Remove what this runtime's containers of an earlier run left behind."""

    async def aclose(self) -> None:
        """Close the connections."""
