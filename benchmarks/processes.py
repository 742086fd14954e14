"""What a command takes: seconds, seconds of all processors, and memory."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A process's highest memory counts what it was before it became another program (Linux, `exec_mmap`): the benchmark's
# own, where that starts it. So something small does.
LAUNCHER = """
import json, os, subprocess, sys, time
begin = time.perf_counter()
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
took = time.perf_counter() - begin
with open(sys.argv[1], "w") as file:
    json.dump([os.waitstatus_to_exitcode(status), took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss], file)
process.returncode = 0
"""


@dataclass(frozen=True)
class Run:
    """A command that has ended.

    Attributes:
        seconds: From its start to its end.
        cpu_seconds: Of all processors, its children's included.
        resident: The most that it had in memory, in MiB.
        output: What it printed.
    """

    seconds: float
    cpu_seconds: float
    resident: float
    output: bytes


def run(command: Sequence[str], environment: Mapping[str, str]) -> Run:
    """Run a command.

    Raises:
        RuntimeError: It failed.
    """
    with tempfile.NamedTemporaryFile(prefix="logscan-bench-") as told:
        launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, told.name, *command]
        done = subprocess.run(launcher, env=environment, capture_output=True, check=True)
        status, seconds, cpu_seconds, kibibytes = json.loads(Path(told.name).read_text())
    if status:
        raise RuntimeError(f"{command[0]} ended with {status}: {done.stderr.decode()[-1000:]}")
    return Run(seconds, cpu_seconds, kibibytes / 1024, done.stdout)
