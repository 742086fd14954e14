"""The stack's own processes: started apart from the terminal, found again by pid and start time.

A pid alone may belong to somebody else after a restart of the machine, hence the start time beside it.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep

import psutil

from logscan_local.stack.errors import PartFailedError

TAIL_LINES = 25
POLL_SECONDS = 0.05


# Children of this very process: they must be waited for, or they stay as zombies.
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
        """Return whether the very process still runs."""
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


def wait_ready(part: Part, ready: Callable[[], bool], seconds: float) -> None:
    """Wait until a part is ready.

    Raises:
        PartFailedError: It ended, or was not ready in time; with the tail of its log.
    """
    deadline = monotonic() + seconds
    while not ready():
        if not part.alive:
            raise PartFailedError(f"{part.name} ended while starting; {tail(part)}")
        if monotonic() > deadline:
            raise PartFailedError(f"{part.name} was not ready after {seconds:.0f} s; {tail(part)}")
        sleep(POLL_SECONDS)


def tail(part: Part) -> str:
    """Return the last lines of a part's log, with its path."""
    try:
        lines = Path(part.log).read_text(errors="replace").splitlines()[-TAIL_LINES:]
    except OSError:
        lines = []
    return f"the end of {part.log}:\n" + "\n".join(f"    {line}" for line in lines)


def stop(parts: Sequence[Part], grace_seconds: float = 10) -> None:
    """Stop processes and what they started: SIGTERM, then SIGKILL after the grace period."""
    groups = [part for part in parts if part.alive]
    for part in groups:
        _signal(part, signal.SIGTERM)
    deadline = monotonic() + grace_seconds
    while any(part.alive for part in groups) and monotonic() < deadline:
        for part in groups:
            _reap(part)
        sleep(POLL_SECONDS)
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
