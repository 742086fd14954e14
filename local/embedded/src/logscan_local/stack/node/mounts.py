"""Volumes at their mount paths, for a process that has no container around it.

On Linux a process gets a mount namespace of its own: volumes are bind-mounted where the pod wants them, a missing
mount point is made on an overlay over the nearest folder that exists, `/dev` gets a termination log, and a read-only
root is remounted read-only. Nothing of it is seen outside, nothing is left behind.

Where a machine has no such namespaces (another system, or a locked-down one) the paths cannot be real; then values
of the environment and arguments that start with a mount path are rewritten to the volume's folder instead.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from logscan_local.stack.node.runtime import Mount

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
OTHERS_MAY_ENTER = 0o001


def is_root() -> bool:
    """Return whether the node may run processes as other users."""
    return os.geteuid() == 0


@cache
def namespace_command() -> tuple[str, ...] | None:
    """Return the command that starts a process in a mount namespace of its own, or None where that is impossible."""
    if shutil.which("unshare") is None:
        return None
    user = () if is_root() else ("--user", "--map-root-user")
    command = ("unshare", *user, "--mount", "--propagation", "private", "--")
    probe = "mkdir -p up work && mount -t overlay overlay -o lowerdir=/run,upperdir=up,workdir=work /run"
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"logscan-probe-{os.getpid()}"  # noqa: S108 - removed at once
    folder.mkdir(exist_ok=True)
    try:
        tried = subprocess.run([*command, "sh", "-c", probe], cwd=folder, capture_output=True, check=False)
        return command if tried.returncode == 0 else None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wrap(
    command: list[str], mounts: Sequence[Mount], scratch: Path, read_only_root: bool, keep: Sequence[Path]
) -> list[str]:
    """Return a command line that runs another with its mounts in place.

    Args:
        command: What to run.
        mounts: What it shall see.
        scratch: Folder of the node for overlays.
        read_only_root: Whether everything but the mounts shall be read-only.
        keep: Folders that the command itself needs, which stay where they are even below a mount.

    Raises:
        ValueError: A mount point can be made only by changing the machine itself.
    """
    prefix = namespace_command()
    if prefix is None:
        return command
    kept = [Mount(path, str(path), read_only=True) for path in keep if _parent(str(path), mounts) is not None]
    script = _script([*mounts, *kept], scratch, read_only_root)
    return [*prefix, "sh", "-euc", f'{script}\nexec "$@"', "sh", *command]


def rewrite(text: str, mounts: Iterable[Mount]) -> str:
    """Return a value of the environment with a mount path at its start replaced by the node's own path."""
    for mount in sorted(mounts, key=lambda m: -len(m.target)):
        if text == mount.target or text.startswith(mount.target.rstrip("/") + "/"):
            return str(mount.source) + text[len(mount.target.rstrip("/")) :]
    return text


def opened(folders: Iterable[Path], scratch: Path) -> list[Mount]:
    """Return mounts that let any user reach folders that lie below one which others may not enter, such as /root.

    Each takes the closed folder's place; `wrap` then brings what it keeps back below it.

    Args:
        folders: What must be reached.
        scratch: Folder of the node for the new places.
    """
    closed = {path for folder in folders for path in folder.parents if not path.stat().st_mode & OTHERS_MAY_ENTER}
    found = []
    for number, path in enumerate(sorted(path for path in closed if not closed & set(path.parents))):
        place = scratch / f"opened-{number}"
        place.mkdir(parents=True, exist_ok=True, mode=0o755)
        found.append(Mount(place, str(path)))
    return found


def _script(mounts: Sequence[Mount], scratch: Path, read_only_root: bool) -> str:
    """Return the shell commands that put mounts in place.

    A mount below another goes into that one's folder first, and what would hide the node's own files goes last.
    """
    lines: list[str] = []
    overlays: dict[Path, str] = {}
    hiding = [mount for mount in mounts if Path(mount.target) in scratch.parents]
    ordered = sorted(mounts, key=lambda m: (m in hiding, -m.target.count("/")))
    for number, mount in enumerate(ordered):
        if mount.target.startswith("/dev/"):
            lines += _device_folder(scratch / "dev", mount)
            continue
        parent = _parent(mount.target, mounts)
        if parent is not None:
            lines += _bind(mount, str(parent.source / Path(mount.target).relative_to(parent.target)))
            continue
        target = Path(mount.target)
        if not target.exists():
            existing = next(p for p in target.parents if p.exists())
            if existing == Path("/"):
                raise ValueError(f"mountPath {target}: this node makes mount points below folders that exist, not in /")
            if existing not in overlays:
                overlays[existing] = str(scratch / f"overlay-{number}")
                lines += _overlay(existing, Path(overlays[existing]))
        lines += _bind(mount, mount.target)
    if read_only_root:  # last, since an overlay cannot keep its changes below a read-only mount
        lines += [f"mount -o remount,bind,ro {shlex.quote(str(path))}" for path in (*overlays, Path("/"))]
    return "\n".join(lines)


def _parent(target: str, mounts: Sequence[Mount]) -> Mount | None:
    """Return the innermost mount that a path lies below."""
    above = [m for m in mounts if Path(m.target) in Path(target).parents and m.target != "/"]
    return max(above, key=lambda m: m.target.count("/"), default=None)


def _overlay(lower: Path, folder: Path) -> list[str]:
    for name in ("upper", "work"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={lower},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    return [f"mount -t overlay overlay -o {shlex.quote(options)} {shlex.quote(str(lower))}"]


def _bind(mount: Mount, at: str) -> list[str]:
    source, target = shlex.quote(str(mount.source)), shlex.quote(at)
    make = f"mkdir -p {target}"
    if mount.source.is_file():
        make = f"mkdir -p {shlex.quote(str(Path(at).parent))}; [ -e {target} ] || : > {target}"
    lines = [make, f"mount --rbind {source} {target}"]
    return [*lines, f"mount -o remount,bind,ro {target}"] if mount.read_only else lines


def _device_folder(folder: Path, mount: Mount) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for device in DEVICES:
        (folder / device).touch()
        lines.append(f"mount --bind /dev/{device} {shlex.quote(str(folder / device))} 2>/dev/null || true")
    for link, to in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        if not (folder / link).is_symlink():
            (folder / link).symlink_to(to)
    (folder / "shm").mkdir(exist_ok=True)
    file = folder / Path(mount.target).name
    file.touch()
    lines.append(f"mount --bind {shlex.quote(str(mount.source))} {shlex.quote(str(file))}")
    return [*lines, f"mount --rbind {shlex.quote(str(folder))} /dev"]
