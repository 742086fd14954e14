"""The stack's processes: detached from the terminal, and identified by PID and start time.

After a restart of the machine the PID alone may belong to another process.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from logscan_local.stack.errors import PartFailedError
from logscan_tools.polling import NotReachedError, poll

TAIL_LINES = 25
POLL_SECONDS = 0.05


# Children of this process, which must be waited for or they remain as zombies.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Part:
    """A process of the stack."""

    name: str
    pid: int
    started: float
    log: str

    @property
    def alive(self) -> bool:
        """Return whether this process is still running."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def to_json(self) -> dict[str, object]:
        """Return the form for the state file."""
        return asdict(self)


def start(name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Part:
    """Start a process that outlives this one, its output going to a log file.

    Raises:
        PartFailedError: The program could not be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **(env or {})}
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
    except OSError as error:
        raise PartFailedError(f"{name} could not be started: {error}") from error
    _children[process.pid] = process
    return Part(name, process.pid, psutil.Process(process.pid).create_time(), str(log))


def start_again(part: Part) -> Part:
    """Kill a part (-9), start the same program again, and return the new part.

    Raises:
        PartFailedError: The program could not be started.
    """
    command = psutil.Process(part.pid).cmdline()
    stop([part], grace_seconds=0)
    return start(part.name, command, Path(part.log))


def wait_ready(part: Part, ready: Callable[[], bool], seconds: float) -> None:
    """Wait until a part is ready.

    Raises:
        PartFailedError: It ended, or was not ready in time; with the tail of its log.
    """

    def is_ready() -> bool:
        if ready():
            return True
        if not part.alive:
            raise PartFailedError(f"{part.name} ended while starting; {tail(part)}")
        return False

    try:
        poll(is_ready, seconds, f"{part.name} to be ready", POLL_SECONDS)
    except NotReachedError as error:
        raise PartFailedError(f"{error}; {tail(part)}") from error


def tail(part: Part) -> str:
    """Return the last lines of a part's log, with its path."""
    try:
        lines = Path(part.log).read_text(errors="replace").splitlines()[-TAIL_LINES:]
    except OSError:
        lines = []
    return f"the end of {part.log}:\n" + "\n".join(f"    {line}" for line in lines)


def stop(parts: Sequence[Part], grace_seconds: float = 10) -> None:
    """Stop processes and their children: SIGTERM, then SIGKILL after the grace period."""
    groups = [part for part in parts if part.alive]
    for part in groups:
        _signal(part, signal.SIGTERM)

    def ended() -> bool:
        for part in groups:
            _reap(part)
        return not any(part.alive for part in groups)

    with suppress(NotReachedError):
        poll(ended, grace_seconds, "the processes to end", POLL_SECONDS)
    for part in parts:
        if part.alive:
            _signal(part, signal.SIGKILL)
        child = _children.pop(part.pid, None)
        if child is not None:
            child.wait()


def _signal(part: Part, number: int) -> None:
    try:
        os.killpg(part.pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _reap(part: Part) -> None:
    child = _children.get(part.pid)
    if child is not None and child.poll() is not None:
        del _children[part.pid]
