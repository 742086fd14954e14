"""Pushes to and pulls from an OCI registry, with crane."""

from collections.abc import Sequence

from logscan_tools import binaries
from logscan_tools.release.commands import run
from logscan_tools.release.facts import Release


def crane(release: Release, *arguments: str) -> str:
    """Run crane and return its output.

    Raises:
        ToolError: It failed.
    """
    insecure = ["--insecure"] if release.insecure else []
    return run([str(binaries.pinned(binaries.CRANE, print)), *arguments, *insecure]).strip()


def digest(release: Release, reference: str) -> str:
    """Return the digest of an image or artifact in the registry, `sha256:...`.

    Raises:
        ToolError: The registry does not have it.
    """
    return crane(release, "digest", reference)


def push_image(release: Release, program: str, built: str, name: str, architecture: str) -> str:
    """Push an image of one architecture and return its digest.

    Args:
        release: The release.
        program: The tool that has built it.
        built: Its name there.
        name: Its name in the registry.
        architecture: As Go names it.

    Raises:
        ToolError: The registry refuses it.
    """
    target = f"{release.image(name)}-{architecture}"
    run([program, "tag", built, target])
    run([program, "push", target])
    return digest(release, target)


def push_index(release: Release, name: str, architectures: Sequence[str]) -> str:
    """Join the pushed images of several architectures under one name, and return its digest.

    Raises:
        ToolError: One was not pushed.
    """
    target = release.image(name)
    parts = [f"--manifest={target}-{architecture}" for architecture in architectures]
    crane(release, "index", "append", *parts, f"--tag={target}")
    return digest(release, target)
