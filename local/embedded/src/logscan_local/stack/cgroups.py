"""What a process and all others of its control group have used, of either version of Linux' control groups."""

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PROCESSES = Path("/proc")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that the group of a process has used."""
    for group, file, unit in ((_group(pid, "cpuacct"), "cpuacct.usage", 1e-9), (_group(pid, ""), "cpu.stat", 1e-6)):
        if group is not None and (group / file).exists():
            # Version 1 has a number alone, version 2 a line `usage_usec NUMBER` first.
            return int((group / file).read_text().split("\n", 1)[0].split()[-1]) * unit
    raise FileNotFoundError(f"process {pid} is in no control group that counts CPU time")


def peak_bytes(pid: int) -> int:
    """Return the most memory that the group of a process has used at once, page cache included."""
    for group, file in ((_group(pid, "memory"), "memory.max_usage_in_bytes"), (_group(pid, ""), "memory.peak")):
        if group is not None and (group / file).exists():
            return int((group / file).read_text())
    raise FileNotFoundError(f"process {pid} is in no control group that counts memory")


def _group(pid: int, controller: str) -> Path | None:
    """Return the folder of a process's group; an empty controller means version 2."""
    for line in (PROCESSES / str(pid) / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return ROOT / controller / path.lstrip("/")
    return None
