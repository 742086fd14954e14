"""The Docker-compatible engine of this machine: whether one answers, and what of a stack it still runs."""

import asyncio
from collections.abc import Sequence

from aiodocker import Docker, DockerError

from logscan_local.stack.errors import StackError
from logscan_local.stack.node.docker_runtime import NOT_FOUND, DockerRuntime

HOW_TO_START = "start Docker, set DOCKER_HOST, or on Debian run tools/engine-up as root"
HOW_TO_BUILD = "run `make images`, or where no image can be pulled `make images BASE=local`"


class EngineError(StackError):
    """No engine answers, or it lacks an image; the message says what to do."""


def require(images: Sequence[str] = ()) -> None:
    """See that an engine answers and has images.

    Raises:
        EngineError: None answers, or an image is not there.
    """
    asyncio.run(_require(images))


def remove_containers(owner: str) -> None:
    """Remove what is left of a node's containers.

    Args:
        owner: The folder of the node's pods.
    """
    asyncio.run(_remove_containers(owner))


async def _require(images: Sequence[str]) -> None:
    try:
        async with Docker() as engine:
            await engine.version()
            for image in images:
                await _has(engine, image)
    except (ValueError, AssertionError, DockerError) as error:  # aiodocker asserts that it has found a socket
        reason = str(error) or "there is no socket"
        raise EngineError(f"no Docker-compatible engine answers ({reason}): {HOW_TO_START}") from error


async def _has(engine: Docker, image: str) -> None:
    try:
        await engine.images.inspect(image)
    except DockerError as error:
        if error.status != NOT_FOUND:
            raise
        raise EngineError(f"the engine has no image {image}: {HOW_TO_BUILD}") from error


async def _remove_containers(owner: str) -> None:
    runtime = await DockerRuntime.connect(owner)
    try:
        await runtime.clean()
    finally:
        await runtime.aclose()
