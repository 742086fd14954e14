"""The runtime without containers: each is a process of this machine, in a mount namespace of its own where possible.

Network, processes and CPU time are the machine's. Where the node is root a process runs as the user that its pod names
and drops the rights that its pod drops; elsewhere it runs as whoever runs the node.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from logscan_local.stack.node import mounts
from logscan_local.stack.node.environment import ContainerConfigError
from logscan_local.stack.node.images import Image, command_of, find
from logscan_local.stack.node.runtime import Ending, ImageFacts, Launch, StartFailedError
from logscan_local.stack.node.security import Security

MEMORY_POLL_SECONDS = 0.1
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


class ProcessRuntime:
    """Runs each container as a process."""

    version = "process://1"
    says = "pods run as processes"

    def __init__(self, images: dict[str, Image]) -> None:
        """Prepare.

        Args:
            images: What the names of images stand for.
        """
        self._images = images

    async def image(self, reference: str, policy: str) -> ImageFacts:
        """Return the facts of an image."""
        image = find(self._images, reference, policy)
        return ImageFacts(str(image.environment.name), image.user)

    async def start(self, launch: Launch) -> "Process":
        """Start a process."""
        image = find(self._images, launch.image, "Never")
        env, command = _variables(launch, image), command_of(launch, image)
        if mounts.namespace_command() is None:
            env = {name: mounts.rewrite(value, launch.mounts) for name, value in env.items()}
            command = [mounts.rewrite(part, launch.mounts) for part in command]
            env |= _kubeconfig(launch)
        else:
            command = _wrapped(command, launch, image)
        try:
            with launch.log.open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                    env=env,
                    cwd=launch.working_dir or "/",
                    start_new_session=True,
                )
        except OSError as error:
            raise StartFailedError(str(error)) from error
        return Process(process, env, launch.memory_limit)

    async def clean(self) -> None:
        """Do nothing: processes end with the node."""

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""


class Process:
    """A container that is a process, and all that it started."""

    def __init__(self, process: asyncio.subprocess.Process, env: dict[str, str], memory_limit: int | None) -> None:
        self.identifier = f"process://{process.pid}"
        self._process = process
        self._env = env
        self.ending = asyncio.create_task(self._follow(memory_limit))

    async def signal(self, number: int) -> None:
        """Send a signal to all its processes."""
        self._kill(number)

    async def execute(self, command: Sequence[str]) -> int:
        """Run a command with its environment, though not within its mounts."""
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*command, env=self._env, stdout=quiet, stderr=quiet)
        return await process.wait()

    async def _follow(self, memory_limit: int | None) -> Ending:
        killed = asyncio.create_task(self._enforce(memory_limit)) if memory_limit is not None else None
        code = await self._process.wait()
        self._kill(signal.SIGKILL)
        if killed is not None and not killed.done():
            killed.cancel()
        oom_killed = killed is not None and killed.done() and not killed.cancelled()
        return Ending(128 - code if code < 0 else code, oom_killed)

    async def _enforce(self, limit: int) -> None:
        """Kill the container when its processes together use more than their limit."""
        while True:
            await asyncio.sleep(MEMORY_POLL_SECONDS)
            if resident_bytes(self._process.pid) > limit:
                self._kill(signal.SIGKILL)
                return

    def _kill(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def identity_command(wanted: Security, image_user: str) -> list[str]:
    """Return the command that starts a program as a container's user and without its dropped rights.

    Args:
        wanted: The container's decisions.
        image_user: The user of its image: `UID[:GID]`, or nothing for root.
    """
    if os.geteuid() != 0:
        return []
    image_uid, _, image_gid = image_user.partition(":")
    uid = wanted.uid if wanted.uid is not None else int(image_uid or 0)
    gid = wanted.gid if wanted.gid is not None else int(image_gid or 0)
    groups = f"--groups={','.join(map(str, wanted.groups))}" if wanted.groups else "--clear-groups"
    command = ["setpriv", f"--reuid={uid}", f"--regid={gid}", groups]
    if not wanted.escalation:
        command.append("--no-new-privs")
    if "ALL" in wanted.drop:
        command += ["--inh-caps=-all", "--bounding-set=-all"]
    return [*command, "--"]


def _wrapped(command: list[str], launch: Launch, image: Image) -> list[str]:
    """Return a command line with a container's mounts in place, as its user."""
    needed = [image.environment, Path(sys.base_prefix)]
    opened = mounts.opened(needed, launch.scratch) if mounts.is_root() else []
    places = [*launch.mounts, *opened]
    as_user = [*identity_command(launch.security, image.user), *command]
    try:
        return mounts.wrap(as_user, places, launch.scratch, launch.security.read_only_root, needed)
    except ValueError as error:
        raise ContainerConfigError(str(error)) from error


def _variables(launch: Launch, image: Image) -> dict[str, str]:
    """Return a container's whole environment: what a container runtime gives, the image's, the pod's."""
    return {"HOME": "/", "HOSTNAME": launch.hostname, **image.variables, "PATH": image.path, **launch.env}


def _kubeconfig(launch: Launch) -> dict[str, str]:
    """Return a KUBECONFIG for processes that cannot see the service account at its well-known path."""
    source = next((m.source for m in launch.mounts if m.target == SERVICE_ACCOUNT), None)
    if source is None:
        return {}
    launch.scratch.mkdir(parents=True, exist_ok=True)
    path = launch.scratch / "kubeconfig"
    server = f"https://{launch.env['KUBERNETES_SERVICE_HOST']}:{launch.env['KUBERNETES_SERVICE_PORT']}"
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: pod\n"
        f"clusters: [{{name: c, cluster: {{server: '{server}', certificate-authority: '{source / 'ca.crt'}'}}}}]\n"
        f"users: [{{name: u, user: {{tokenFile: '{source / 'token'}'}}}}]\n"
        "contexts: [{name: pod, context: {cluster: c, user: u}}]\n"
    )
    return {"KUBECONFIG": str(path)}


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process and its descendants in bytes; 0 when it is gone."""
    try:
        process = psutil.Process(pid)
        return sum(_resident(p) for p in [process, *process.children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
