"""Builds the scan engine's wheel on this machine, for use on this machine.

Cargo keeps what it has compiled in the crate's `target`: after `make setup` a wheel takes a second.
`LOGSCAN_ENGINE_WHEEL` names one that is there already, for machines without cargo.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY

ENGINE = REPOSITORY / "scanner-job" / "engine"


def build(folder: Path) -> Path:
    """Write the wheel into a folder and return its path.

    maturin writes the oldest glibc that it supports into its name, and pip refuses it on an older one.

    Args:
        folder: The folder, created if it is missing.

    Raises:
        ToolError: It could not be built; with the end of the output.
    """
    if given := os.environ.get("LOGSCAN_ENGINE_WHEEL"):
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(given, folder))
    programs = Path(sys.executable).parent
    command = [str(programs / "maturin"), "build", "--quiet", "--release", f"--interpreter={sys.executable}"]
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    done = subprocess.run(
        [*command, f"--out={folder}"], capture_output=True, text=True, check=False, cwd=ENGINE, env=environment
    )
    if done.returncode != 0:
        words = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        raise ToolError(f"maturin build ended with {done.returncode}:\n{words}")
    (wheel,) = folder.glob("logscan_engine-*.whl")
    return wheel
