"""One container of a pod: started by a runtime, followed, stopped, restarted, its state as Kubernetes tells it."""

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path

from logscan_local.stack.node.objects import Object, now
from logscan_local.stack.node.runtime import EXIT_CANNOT_START, Ending, Launch, Running, Runtime, StartFailedError

TERMINATION_LOG_BYTES = 4096
WRITABLE_BY_ALL = 0o666
FALLBACK_LINES = 80
FALLBACK_BYTES = 2048
BACKOFF_FIRST_SECONDS = 10.0
BACKOFF_MOST_SECONDS = 300.0
BACKOFF_FORGIVEN_SECONDS = 600.0


@dataclass
class Container:
    """A container of a pod and what has become of it."""

    spec: Object
    run: Running | None = None
    image_id: str = ""
    waiting: tuple[str, str] | None = ("ContainerCreating", "")
    started_at: str | None = None
    began: float = 0.0
    terminated: Object | None = None
    last_terminated: Object | None = None
    restarts: int = 0
    started: bool = False
    ready: bool = False
    backoff_until: float = 0.0
    backoff: float = 0.0

    @property
    def name(self) -> str:
        """Return the container's name."""
        return str(self.spec["name"])

    @property
    def running(self) -> bool:
        """Return whether it runs."""
        return self.run is not None and not self.run.ending.done()

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
            "imageID": self.image_id,
            "containerID": self.run.identifier if self.run else "",
            "ready": self.ready and self.started and self.running,
            "started": self.started and self.running,
            "restartCount": self.restarts,
            "state": state,
            "lastState": {"terminated": self.last_terminated} if self.last_terminated else {},
        }


async def start(container: Container, launch: Launch, termination: Path, runtime: Runtime, clock: float) -> None:
    """Start a container.

    Args:
        container: The container; its state becomes running, or terminated if its program cannot be run.
        launch: What to start.
        termination: The file for its last words.
        runtime: What starts it.
        clock: The loop's time.

    Raises:
        ContainerConfigError: It asks for something that the runtime does not have.
    """
    _make_files(launch.log, termination)
    container.started_at, container.began = now(), clock
    try:
        container.run = await runtime.start(launch)
    except StartFailedError as error:
        container.terminated = _terminated(container, EXIT_CANNOT_START, "StartError", str(error))
    container.waiting = None


def _make_files(log: Path, termination: Path) -> None:
    for path in (log, termination):
        path.parent.mkdir(parents=True, exist_ok=True)
    termination.write_bytes(b"")
    termination.chmod(WRITABLE_BY_ALL)


def finish(container: Container, log: Path, termination: Path) -> None:
    """Record how a container ended, after it did.

    Args:
        container: The container.
        log: The file with its output.
        termination: The file with its last words.
    """
    if container.run is None:
        raise RuntimeError(f"container {container.name} was not started")
    ending = container.run.ending.result()
    words = _last_words(container.spec, ending, log, termination)
    container.terminated = _terminated(container, ending.exit_code, _reason(ending), words)
    container.run, container.started = None, False


def schedule_restart(container: Container, clock: float) -> None:
    """Put an ended container into its back-off: none the first time, then 10 s doubling up to 5 minutes."""
    container.last_terminated, container.terminated = container.terminated, None
    if clock - container.began > BACKOFF_FORGIVEN_SECONDS:
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
    if container.run is None or not container.running:
        return
    await container.run.signal(signal.SIGTERM)
    await asyncio.wait([container.run.ending], timeout=grace_seconds)
    if container.running:
        await container.run.signal(signal.SIGKILL)
        await asyncio.wait([container.run.ending])


def _reason(ending: Ending) -> str:
    if ending.oom_killed:
        return "OOMKilled"
    return "Completed" if ending.exit_code == 0 else "Error"


def _terminated(container: Container, code: int, reason: str, message: str) -> Object:
    state: Object = {"exitCode": code, "reason": reason, "startedAt": container.started_at, "finishedAt": now()}
    if container.run is not None:
        state["containerID"] = container.run.identifier
    return {**state, "message": message} if message else state


def _last_words(spec: Object, ending: Ending, log: Path, termination: Path) -> str:
    text = termination.read_bytes()[-TERMINATION_LOG_BYTES:].decode(errors="replace")
    if not text and ending.exit_code and spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
        lines = log.read_text(errors="replace").splitlines()[-FALLBACK_LINES:]
        text = "\n".join(lines)[-FALLBACK_BYTES:]
    return text
