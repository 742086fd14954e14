"""The runtime of a Docker-compatible engine: each container is one of the engine's, of an image that the engine has.

Containers share the machine's network, since the API server and the AWS emulator listen on its loopback address.
Everything else is theirs: file system, processes, users, limits by control group.
"""

import asyncio
import json
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiodocker import Docker, DockerError
from aiodocker.containers import DockerContainer
from aiodocker.stream import Stream

from logscan_local.stack.node.runtime import Ending, ImageFacts, ImageMissingError, Launch, StartFailedError

OWNER_LABEL = "dev.logscan.stack"
NANO = 1_000_000_000
NOT_FOUND, NOT_MODIFIED_STATES = 404, (404, 409)
KILLED = 128 + signal.SIGKILL
OOM_NOTICE_SECONDS = 1.0


class DockerRuntime:
    """Runs each container by an engine."""

    says = "pods run in containers"

    def __init__(self, engine: Docker, owner: str, version: str) -> None:
        """Prepare.

        Args:
            engine: The engine.
            owner: What tells this node's containers from those of others.
            version: The engine's name and version.
        """
        self.version = version
        self._engine = engine
        self._owner = owner

    @classmethod
    async def connect(cls, owner: str) -> "DockerRuntime":
        """Return the runtime of the engine that `DOCKER_HOST` names, or of the machine's own."""
        engine = Docker()
        answer = await engine.version()
        return cls(engine, owner, f"docker://{answer['Version']}")

    async def image(self, reference: str, policy: str) -> ImageFacts:
        """Return the facts of an image, pulling it where its policy says so."""
        if policy == "Always":
            await self._pull(reference)
        try:
            found = await self._engine.images.inspect(reference)
        except DockerError as error:
            if error.status != NOT_FOUND:
                raise
            if policy == "Never":
                message = f'Container image "{reference}" is not present with pull policy of Never'
                raise ImageMissingError("ErrImageNeverPull", message) from error
            await self._pull(reference)
            found = await self._engine.images.inspect(reference)
        return ImageFacts(found["Id"], found["Config"].get("User") or "")

    async def _pull(self, reference: str) -> None:
        try:
            await self._engine.images.pull(reference)
        except DockerError as error:
            message = (
                f'failed to pull image "{reference}": {error.message}; on this node images are built: `make images`'
            )
            raise ImageMissingError("ErrImagePull", message) from error

    async def start(self, launch: Launch) -> "DockerProcess":
        """Start a container; its output goes to its log from the first byte."""
        container: DockerContainer | None = None
        try:
            container = await self._engine.containers.create(container_config(launch, self._owner), name=launch.name)
            output = container.attach(stdout=True, stderr=True)
            await output.__aenter__()
            await container.start()
        except DockerError as error:
            if container is not None:
                await _remove(container)
            raise StartFailedError(error.message) from error
        return DockerProcess(container, output, launch.log)

    async def clean(self) -> None:
        """Remove the containers of an earlier run, never those of others."""
        filters = json.dumps({"label": [f"{OWNER_LABEL}={self._owner}"]})
        for container in await self._engine.containers.list(all=True, filters=filters):
            await _remove(container)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._engine.close()


class DockerProcess:
    """A started container of an engine."""

    def __init__(self, container: DockerContainer, output: Stream, log: Path) -> None:
        self.identifier = f"docker://{container.id}"
        self._container = container
        self.ending = asyncio.create_task(self._follow(output, log))

    async def signal(self, number: int) -> None:
        """Send a signal to the container's first process."""
        try:
            await self._container.kill(signal=signal.Signals(number).name)
        except DockerError as error:
            if error.status not in NOT_MODIFIED_STATES:  # it has ended by itself
                raise

    async def execute(self, command: Sequence[str]) -> int:
        """Run a command inside."""
        run = await self._container.exec(list(command), stdout=True, stderr=True)
        async with run.start(detach=False) as output:
            while await output.read_out() is not None:
                pass
        return int((await run.inspect())["ExitCode"])

    async def _follow(self, output: Stream, log: Path) -> Ending:
        with log.open("ab", buffering=0) as file:
            while (message := await output.read_out()) is not None:
                file.write(message.data)
        await output.close()
        await self._container.wait()
        state = await self._end_state()
        await _remove(self._container)
        return Ending(int(state["ExitCode"]), bool(state["OOMKilled"]))

    async def _end_state(self) -> dict[str, Any]:
        """Return the state of a container that has ended.

        The engine is told of a kill for lack of memory apart from the end of the process, and sometimes after it.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + OOM_NOTICE_SECONDS
        while True:
            state: dict[str, Any] = (await self._container.show())["State"]
            if state["OOMKilled"] or state["ExitCode"] != KILLED or clock() > deadline:
                return state
            await asyncio.sleep(OOM_NOTICE_SECONDS / 10)


def container_config(launch: Launch, owner: str) -> dict[str, Any]:
    """Return the body of the engine's `POST /containers/create` for a container.

    Args:
        launch: What to start.
        owner: The value of the label by which a node finds its containers again.
    """
    security = launch.security
    # A runtime takes the user's own group from the image's /etc/passwd where the pod names none.
    user = "" if security.uid is None else str(security.uid)
    if security.gid is not None:
        user = f"{user or 0}:{security.gid}"
    config: dict[str, Any] = {
        "Image": launch.image,
        "Hostname": launch.hostname,
        "User": user,
        "Env": [f"{name}={value}" for name, value in launch.env.items()],
        "Labels": {**launch.labels, OWNER_LABEL: owner},
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": _host_config(launch),
    }
    # As in a pod, a command replaces both entry point and arguments of the image, arguments alone only the latter.
    if launch.command is not None:
        config["Entrypoint"] = list(launch.command)
    if launch.args is not None:
        config["Cmd"] = list(launch.args)
    if launch.working_dir is not None:
        config["WorkingDir"] = launch.working_dir
    return config


def _host_config(launch: Launch) -> dict[str, Any]:
    security = launch.security
    config: dict[str, Any] = {
        "NetworkMode": "host",
        "LogConfig": {"Type": "none"},
        "ReadonlyRootfs": security.read_only_root,
        "Privileged": security.privileged,
        "CapDrop": list(security.drop),
        "CapAdd": list(security.add),
        "GroupAdd": [str(group) for group in security.groups],
        "SecurityOpt": [] if security.escalation else ["no-new-privileges"],
        "Mounts": [
            {"Type": "bind", "Source": str(mount.source), "Target": mount.target, "ReadOnly": mount.read_only}
            for mount in launch.mounts
        ],
    }
    if launch.memory_limit is not None:
        # Equal: no swap beside it, as in a pod.
        config |= {"Memory": launch.memory_limit, "MemorySwap": launch.memory_limit}
    if launch.cpu_limit is not None:
        config["NanoCpus"] = round(launch.cpu_limit * NANO)
    return config


async def _remove(container: DockerContainer) -> None:
    with suppress(DockerError):  # somebody else was faster
        await container.delete(force=True, v=True)
