"""Processes that tests send signals to, also as the first process of a PID namespace, as in a container."""

import shutil
import signal
import subprocess
from pathlib import Path

from logscan_local.testkit.waiting import eventually

AS_PID_1 = ["unshare", "--user", "--pid", "--fork", "--kill-child"]


def can_run(prefix: list[str]) -> bool:
    """Return whether a command that runs another one, such as unshare, works on this machine."""
    return shutil.which(prefix[0]) is not None and subprocess.run([*prefix, "true"], check=False).returncode == 0


def pid_within(process: "subprocess.Popen[bytes]") -> int:
    """Return the number of the process that unshare has started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return int(eventually(lambda: children.read_text().split(), 30, "unshare to start the program")[0])


def catches_sigterm(pid: int) -> bool:
    """Return whether a process has set a handler for SIGTERM (proc(5), SigCgt)."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")]
    return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
