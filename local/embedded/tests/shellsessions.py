"""A shell in which the commands of a page run one after the other, as somebody would type them."""

import os
import queue
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread


class Session:
    """A running bash: variables, functions and background processes stay from command to command."""

    def __init__(self, shell: "subprocess.Popen[str]") -> None:
        self._shell = shell
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._status = 0
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def run(self, command: str, seconds: float) -> tuple[int, str]:
        """Return the exit status and the output of a command, errors included.

        Args:
            command: The command; `$?` is the status of the one before.
            seconds: How long it may take.

        Raises:
            TimeoutError: It took longer.
        """
        mark = f"--{uuid.uuid4()}"
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"(exit {self._status})\n{{ {command}\n}} </dev/null\nprintf '\\n%s %s\\n' {mark} $?\n")
        self._shell.stdin.flush()
        printed: list[str] = []
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(end - time.monotonic(), 0))
            except queue.Empty:
                raise TimeoutError(f"{command}\ntook more than {seconds:g} s:\n{''.join(printed)}") from None
            if line is None:
                raise RuntimeError(f"{command}\nended the shell:\n{''.join(printed)}")
            if line.startswith(mark):
                self._status = int(line.split()[1])
                return self._status, "".join(printed)
            printed.append(line)

    def kill(self) -> None:
        """Kill the shell and what it started in the background."""
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._reader.join()

    def _read(self) -> None:
        assert self._shell.stdout is not None
        for line in self._shell.stdout:
            self._lines.put(line)
        self._lines.put(None)


@contextmanager
def session(folder: Path, variables: Mapping[str, str]) -> Iterator[Session]:
    """Yield a shell in a folder; at the end it is killed with what it started in the background.

    Args:
        folder: Where it starts.
        variables: Variables besides those of this process.
    """
    with subprocess.Popen(
        ["bash", "--noprofile", "--norc"],
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as shell:
        made = Session(shell)
        try:
            yield made
        finally:
            made.kill()
