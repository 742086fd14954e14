"""One container as a process: start it, follow it, limit its memory, stop it, and tell its state.

A container's log is one file per start, as on a kubelet, each line prefixed with its time so that
`kubectl logs --timestamps` can tell; see `logs`.
"""

import asyncio
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from logscan_local.node.objects import Object, now

TERMINATION_LOG_BYTES = 4096
MEMORY_POLL_SECONDS = 0.1
BACKOFF_FIRST_SECONDS = 10.0
BACKOFF_MOST_SECONDS = 300.0
BACKOFF_FORGIVEN_SECONDS = 600.0


@dataclass
class Launch:
    """All that is needed to start a container.

    Attributes:
        command: Command line, already wrapped with its mounts.
        env: Whole environment of the process.
        cwd: Working directory.
        log: File that takes the output.
        termination: File that the container may write its last words to.
        memory_limit: Bytes that the container's processes may use together.
    """

    command: list[str]
    env: dict[str, str]
    cwd: Path
    log: Path
    termination: Path
    memory_limit: int | None


@dataclass
class Container:
    """A container of a pod and what has become of it."""

    spec: Object
    launch: Launch | None = None
    process: asyncio.subprocess.Process | None = None
    waiting: tuple[str, str] | None = ("ContainerCreating", "")
    started_at: str | None = None
    started: float = 0.0
    terminated: Object | None = None
    last_terminated: Object | None = None
    restarts: int = 0
    ready: bool = False
    backoff_until: float = 0.0
    backoff: float = 0.0
    oom_killed: bool = False
    watcher: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Return the container's name."""
        return str(self.spec["name"])

    @property
    def running(self) -> bool:
        """Return whether its process runs."""
        return self.process is not None and self.process.returncode is None

    def kill(self, number: int) -> None:
        """Send a signal to all processes of the container."""
        if self.process is None or not self.running:
            return
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return

    def log_path(self, folder: Path, previous: bool = False) -> Path:
        """Return the log of this start, or of the one before."""
        return folder / self.name / f"{max(self.restarts - (1 if previous else 0), 0)}.log"

    def status(self) -> Object:
        """Return the containerStatus as a kubelet writes it."""
        state: Object
        if self.terminated is not None:
            state = {"terminated": self.terminated}
        elif self.waiting is not None:
            state = {"waiting": {"reason": self.waiting[0], "message": self.waiting[1]}}
        else:
            state = {"running": {"startedAt": self.started_at}}
        return {
            "name": self.name,
            "image": self.spec["image"],
            "imageID": self.spec["image"],
            "ready": self.ready and self.running,
            "started": self.running,
            "restartCount": self.restarts,
            "state": state,
            "lastState": {"terminated": self.last_terminated} if self.last_terminated else {},
        }


async def start(container: Container, launch: Launch, clock: float) -> None:
    """Start a container's process.

    Args:
        container: The container; its state becomes running, or terminated if the command cannot be run.
        launch: What to start.
        clock: The loop's time.
    """
    launch.log.parent.mkdir(parents=True, exist_ok=True)
    launch.termination.write_bytes(b"")
    container.launch, container.waiting, container.terminated = launch, None, None
    container.started_at, container.started, container.oom_killed = now(), clock, False
    try:
        with launch.log.open("ab") as output:
            container.process = await asyncio.create_subprocess_exec(
                *launch.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=launch.env,
                cwd=launch.cwd,
                start_new_session=True,
            )
    except OSError as error:
        container.terminated = _terminated(container, 127, "StartError", str(error))
        return
    container.watcher = asyncio.create_task(_watch_memory(container))


def finish(container: Container) -> None:
    """Record how a container's process ended, after it did."""
    if container.process is None or container.launch is None or container.process.returncode is None:
        raise RuntimeError(f"container {container.name} has not ended")
    code = container.process.returncode
    exit_code = 128 - code if code < 0 else code
    reason = "OOMKilled" if container.oom_killed else "Completed" if exit_code == 0 else "Error"
    container.kill(signal.SIGKILL)
    container.terminated = _terminated(container, exit_code, reason, _last_words(container, exit_code))
    if container.watcher is not None:
        container.watcher.cancel()
    container.process = None


def schedule_restart(container: Container, clock: float) -> None:
    """Put an ended container into its back-off: none the first time, then 10 s doubling up to 5 minutes."""
    container.last_terminated, container.terminated = container.terminated, None
    if clock - container.started > BACKOFF_FORGIVEN_SECONDS:
        container.backoff = 0.0
    container.backoff_until = clock + container.backoff
    if container.backoff:
        message = f"back-off {container.backoff:.0f}s restarting failed container={container.name}"
        container.waiting = ("CrashLoopBackOff", message)
    else:
        container.waiting = ("ContainerCreating", "")
    container.backoff = min(max(container.backoff * 2, BACKOFF_FIRST_SECONDS), BACKOFF_MOST_SECONDS)
    container.restarts += 1


async def stop(container: Container, grace_seconds: float) -> None:
    """Stop a container: SIGTERM, then SIGKILL after the grace period."""
    if container.process is None or not container.running:
        return
    container.kill(signal.SIGTERM)
    try:
        await asyncio.wait_for(container.process.wait(), grace_seconds)
    except TimeoutError:
        container.kill(signal.SIGKILL)
        await container.process.wait()


def _terminated(container: Container, code: int, reason: str, message: str) -> Object:
    state: dict[str, Any] = {"exitCode": code, "reason": reason, "startedAt": container.started_at}
    state |= {"finishedAt": now(), "containerID": f"process://{container.name}-{container.restarts}"}
    return {**state, "message": message} if message else state


def _last_words(container: Container, exit_code: int) -> str:
    assert container.launch is not None  # noqa: S101 - narrowed by the caller
    text = container.launch.termination.read_bytes()[-TERMINATION_LOG_BYTES:].decode(errors="replace")
    if not text and exit_code and container.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
        lines = container.launch.log.read_text(errors="replace").splitlines()[-80:]
        text = "\n".join(lines)[-2048:]
    return text


async def _watch_memory(container: Container) -> None:
    """Kill the container when its processes together use more than its memory limit."""
    limit = container.launch.memory_limit if container.launch else None
    if limit is None or container.process is None:
        return
    pid = container.process.pid
    while container.running:
        if resident_bytes(pid) > limit:
            container.oom_killed = True
            container.kill(signal.SIGKILL)
        await asyncio.sleep(MEMORY_POLL_SECONDS)


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
