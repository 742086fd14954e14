"""The scan engine's wheel, compiled on this machine, for what runs on this machine.

Cargo keeps what it has compiled in the crate's `target`: after `make setup` a wheel takes a second.
"""

import os
import subprocess
import sys
from pathlib import Path

from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY

ENGINE = REPOSITORY / "scanner-job" / "engine"


def build(folder: Path) -> Path:
    """Write the wheel into a folder and return its path.

    maturin names in it the oldest glibc that it runs on, and pip refuses it where that is not there.

    Args:
        folder: Where it goes; made if need be.

    Raises:
        ToolError: It could not be built; with the end of the output.
    """
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
