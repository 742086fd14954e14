"""`top` on a real API server and the AWS emulator's queue, in a terminal of its own."""

import fcntl
import io
import os
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from conftest import CODE, program
from places import FOUND, Place
from rich.console import Console

from kubectl_logscan.snapshots import shown, taken
from logscan_local.testkit.waiting import eventually

NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)
NAME = "kube-apiserver-log-517cd85756539ffc3598a3243276398c"
SCANS = [
    {
        "metadata": {"name": f"{NAME}-{number}"},
        "spec": {"source": {"s3": {"bucket": "logs", "key": "deep/\x1b[2Jfolder/app.log"}}},
        "status": {
            "phase": "Running",
            "startTime": "2026-11-27T14:59:00Z",
            "objects": {"total": 10, "done": number, "skipped": 0, "failed": 0},
        },
    }
    for number in range(9)
] + [
    {"metadata": {"name": "new"}, "spec": {"source": {"s3": {"bucket": "logs", "key": "n"}}}},
    {
        "metadata": {"name": "over"},
        "spec": {"source": {"s3": {"bucket": "logs", "key": "n"}}},
        "status": {**FOUND, "completionTime": "2026-11-27T14:59:30Z"},
    },
]


@pytest.mark.parametrize(("columns", "rows"), [(40, 12), (60, 24), (80, 24), (200, 50)])
def test_it_fits_into_the_terminal(columns: int, rows: int) -> None:
    found = taken(SCANS, "logscan.fifo: 3 messages wait, 0 are being read, the oldest for 7 seconds", NOW)
    assert (found.phases, found.ended) == ({"Running": 9, "Pending": 1, "Succeeded": 1}, 1)
    out = io.StringIO()
    Console(file=out, width=columns, force_terminal=False).print(shown(found, columns, rows))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    assert "\x1b" not in out.getvalue()
    assert sum("60 s" in line for line in lines) == min(9, max(1, rows - 8))


class Terminal:
    """A command in a pseudo-terminal, and what it wrote."""

    def __init__(self, ours: int, process: "subprocess.Popen[bytes]") -> None:
        self.process, self._ours, self.written = process, ours, b""

    def size(self, columns: int) -> None:
        """Give the terminal another size; the kernel tells the command by a signal."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def shows(self, text: bytes) -> bool:
        """Read what there is, and return whether a text was written."""
        while select.select([self._ours], [], [], 0.1)[0]:
            try:
                part = os.read(self._ours, 65536)
            except OSError:  # of Linux, once the other end is closed
                break
            if not part:
                break
            self.written += part
        return text in self.written


@contextmanager
def terminal(arguments: list[str], columns: int, **variables: str) -> Iterator[Terminal]:
    ours, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", **CODE, **variables}
    # What a shell starts in the background ignores SIGINT, and so does all that it starts.
    command = ["env", "--default-signal=INT", *program(*arguments)]
    before = termios.tcgetattr(its)
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment) as process:
        try:
            yield Terminal(ours, process)
            assert termios.tcgetattr(its) == before
        finally:
            process.kill()
            os.close(its)
            os.close(ours)


@pytest.mark.controlplane
def test_it_draws_again_and_ctrl_c_restores_the_terminal(place: Place) -> None:
    place.scan("first", {"phase": "Running", "startTime": "2026-11-27T14:59:00Z"})
    command = ["top", "--every", "0.5", "--namespace", place.kubectl.namespace]
    with terminal(command, 60, **place.environment) as found:
        eventually(lambda: found.shows(b"first"), 60, "the first scan")
        assert b"\x1b[?1049h" in found.written  # the other screen
        assert b"OBJECT" not in found.written
        place.scan("second", {"phase": "Running", "startTime": "2026-11-27T14:59:00Z"})
        eventually(lambda: found.shows(b"second"), 60, "the second scan")
        found.size(120)
        eventually(lambda: found.shows(b"OBJECT"), 60, "the column for which there is room now")
        found.process.send_signal(signal.SIGINT)
        eventually(lambda: found.shows(b"\x1b[?1049l") and b"\x1b[?25h" in found.written, 60, "the screen of before")
        assert found.process.wait(60) == 0


@pytest.mark.controlplane
def test_a_snapshot_is_plain(place: Place) -> None:
    place.scan("first", {"phase": "Running", "startTime": "2026-11-27T14:59:00Z"})
    done = place.logscan("top", "--once", "--queue", place.state.resources.queue_url)
    assert done.returncode == 0, done.stderr
    assert "first" in done.stdout
    assert "messages wait" in done.stdout
    assert "\x1b" not in done.stdout
