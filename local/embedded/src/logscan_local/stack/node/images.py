"""Images of the process runtime: names that stand for virtual environments on this machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logscan_local.stack.node.runtime import ImageMissingError, Launch

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Image:
    """What an image's name stands for.

    Attributes:
        environment: Virtual environment whose `bin` comes first on PATH.
        entrypoint: Command of a container that names none.
        user: As whom it runs if the pod does not say; empty for root.
        variables: Its variables besides PATH.
    """

    environment: Path
    entrypoint: tuple[str, ...]
    user: str
    variables: dict[str, str]

    @property
    def path(self) -> str:
        """Return the container's PATH."""
        return f"{self.environment / 'bin'}:{SYSTEM_PATH}"

    def to_json(self) -> dict[str, Any]:
        """Return the form for the node's file."""
        return {**vars(self), "environment": str(self.environment)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Image":
        """Return what `to_json` wrote."""
        places = {"environment": Path(document["environment"]), "entrypoint": tuple(document["entrypoint"])}
        return cls(**{**document, **places})


def repository(reference: str) -> str:
    """Return the last part of an image's name, without registry, tag and digest.

    `ghcr.io/logscan/logscan-operator:0.1.0@sha256:...` is `logscan-operator`.
    """
    return reference.split("@", 1)[0].rsplit("/", 1)[-1].split(":", 1)[0]


def find(images: dict[str, Image], reference: str, policy: str) -> Image:
    """Return what an image reference stands for.

    Raises:
        ImageMissingError: A node could not pull it.
    """
    image = images.get(repository(reference))
    if image is None:
        reason = "ErrImageNeverPull" if policy == "Never" else "ErrImagePull"
        raise ImageMissingError(
            reason, f"image {reference!r} is not on this node, which has {', '.join(sorted(images))}"
        )
    return image


def command_of(launch: Launch, image: Image) -> list[str]:
    """Return the command line of a container: its own command, else the image's entry point, then its arguments."""
    return [*(launch.command or image.entrypoint), *(launch.args or ())]
