"""Images of the embedded node: names that stand for virtual environments on this machine."""

from dataclasses import dataclass
from pathlib import Path

from logscan_local.node.objects import Object


@dataclass(frozen=True)
class Image:
    """What an image's name stands for.

    Attributes:
        environment: Virtual environment whose `bin` comes first on PATH.
        entrypoint: Command of a container that names none.
    """

    environment: Path
    entrypoint: tuple[str, ...]

    @property
    def path(self) -> str:
        """Return the container's PATH."""
        return f"{self.environment / 'bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def repository(reference: str) -> str:
    """Return the last part of an image's name, without registry, tag and digest.

    `ghcr.io/logscan/logscan-operator:0.1.0@sha256:...` is `logscan-operator`.
    """
    return reference.split("@", 1)[0].rsplit("/", 1)[-1].split(":", 1)[0]


def find(images: dict[str, Image], reference: str) -> Image | None:
    """Return what an image reference stands for, or None when a node could not pull it."""
    return images.get(repository(reference))


def command_of(container: Object, image: Image) -> list[str]:
    """Return the command line of a container: its own command, else the image's entrypoint, then its arguments."""
    return [*(container.get("command") or image.entrypoint), *container.get("args", [])]
