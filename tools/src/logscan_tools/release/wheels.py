"""Builds the wheels: ours in Python, and the engine's for each architecture, for Linux with glibc 2.28 or newer.

The engine is linked by zig, which brings the C library of each architecture (`tools/images/release.lock`).
"""

import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from logscan_tools.enginewheel import ENGINE
from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY
from logscan_tools.release.commands import run
from logscan_tools.release.facts import Release

PURE = ("crds", "operator", "scanner-job", "cli")
GLIBC = "manylinux_2_28"
# By the names of the architectures: the one of an ELF header (e_machine).
MACHINES = {"x86_64": 62, "aarch64": 183}


def build(release: Release, architectures: Sequence[str]) -> list[Path]:
    """Build all wheels into the release's folder and return their paths.

    Args:
        release: The release.
        architectures: For which of `MACHINES` the engine is built.

    Raises:
        ToolError: One could not be built, or holds code for another architecture.
    """
    stamp = {"SOURCE_DATE_EPOCH": str(int(release.committed.timestamp()))}
    for package in PURE:
        command = [sys.executable, "-m", "hatchling", "build", "--target=wheel", f"--directory={release.folder}"]
        run(command, REPOSITORY / package, stamp)
    for architecture in architectures:
        _build_engine(release, architecture, stamp)
    found = sorted(release.folder.glob("*.whl"))
    for path in found:
        check(path)
    return found


def buildable() -> list[str]:
    """Return the architectures for which this machine's Rust has a standard library."""
    root = Path(run(["rustc", "--print=sysroot"]).strip()) / "lib" / "rustlib"
    return [name for name in MACHINES if (root / _target(name)).is_dir()]


def _target(architecture: str) -> str:
    return f"{architecture}-unknown-linux-gnu"


def _build_engine(release: Release, architecture: str, variables: dict[str, str]) -> None:
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    command = [str(programs / "maturin"), "build", "--quiet", "--release", "--zig", f"--compatibility={GLIBC}"]
    command += [f"--target={_target(architecture)}", f"--out={release.folder}"]
    run(command, ENGINE, {**variables, "PATH": path, "CARGO_ZIGBUILD_PYTHON_PATH": str(_zig_python())})


def _zig_python() -> Path:
    """Return the interpreter of the environment that has zig."""
    path = REPOSITORY / ".venv-release" / "bin" / "python"
    if subprocess.run([str(path), "-m", "ziglang", "version"], capture_output=True, check=False).returncode != 0:
        raise ToolError("zig is not in .venv-release: run make release-tools")
    return path


def check(wheel: Path) -> None:
    """Check that a wheel has the licence, and that each shared object in it is for the architecture in its name.

    Raises:
        ToolError: One is not, a wheel for one architecture has none, or the licence is missing.
    """
    tag = wheel.stem.rsplit("-", 1)[-1]
    wanted = next((number for name, number in MACHINES.items() if tag.endswith(name)), None)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        found = {name: machine(archive.read(name)) for name in names if name.endswith(".so")}
    wrong = [name for name, number in found.items() if number != wanted]
    if wrong or (wanted is not None) != bool(found):
        raise ToolError(f"{wheel.name}: {', '.join(wrong) or 'its shared object'} is not for {tag}")
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        raise ToolError(f"{wheel.name} lacks the licence")


def machine(content: bytes) -> int:
    """Return the architecture of an ELF file as its header numbers it (`man 5 elf`), or 0 for another file."""
    if content[:4] != b"\x7fELF":
        return 0
    return int.from_bytes(content[18:20], "little" if content[5] == 1 else "big")
