"""Runs the programs of a release."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY

SHOWN_LINES = 25


def run(command: Sequence[str], folder: Path = REPOSITORY, variables: Mapping[str, str] | None = None) -> str:
    """Run a program and return its standard output.

    Args:
        command: The program and its arguments.
        folder: Where it runs.
        variables: Environment variables beside those of this process.

    Raises:
        ToolError: It failed; with the end of its output.
    """
    environment = {**os.environ, **(variables or {})}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=folder, env=environment, errors="replace"
        )
    except OSError as error:
        raise ToolError(f"{command[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        words = "\n".join((done.stdout + done.stderr).splitlines()[-SHOWN_LINES:])
        raise ToolError(f"{Path(command[0]).name} {' '.join(command[1:3])} ended with {done.returncode}:\n{words}")
    return done.stdout
