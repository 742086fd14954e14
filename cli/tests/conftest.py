"""Shared by all tests of the package."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from logscan_tools.paths import REPOSITORY

if TYPE_CHECKING:
    from places import Place

    from logscan_local.stack.stacks import Stack

pytest_plugins = ["logscan_local.testkit.fixtures"]

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


# What the tests import is what the commands run, and what is measured.
CODE = {name: os.environ[name] for name in ("PYTHONPATH", "COVERAGE_FILE") if name in os.environ}


def program(*arguments: str) -> list[str]:
    """Return a command as a process of its own; where coverage is measured, so is that of the process."""
    measured = ["-m", "coverage", "run", f"--rcfile={REPOSITORY / 'pyproject.toml'}"] if "COVERAGE_FILE" in CODE else []
    return [sys.executable, *measured, "-m", "kubectl_logscan", *arguments]


def in_terminal(arguments: list[str], columns: int, **variables: str) -> str:
    """Return what a command shows in a terminal of that width, without bold and colors."""
    ours, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "TERM": "xterm",
        "NO_COLOR": "1",
        **CODE,
        **variables,
    }
    shown = b""
    with subprocess.Popen(program(*arguments), stdin=its, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        with suppress(OSError):  # of Linux, once the other end is closed
            while part := os.read(ours, 65536):
                shown += part
        os.close(ours)
    assert process.returncode == 0, shown
    return re.sub(r"\x1b\[[\d;]*m", "", shown.decode())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what runs a command as a process of its own, without kubeconfig and credentials unless given."""

    def run(*arguments: str, stdin: str | None = None, **variables: str) -> Done:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "KUBECONFIG": str(tmp_path / "none"),
            "AWS_EC2_METADATA_DISABLED": "true",
            **CODE,
            **variables,
        }
        command = program(*arguments)
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=environment, timeout=120, check=False
        )

    return run


@pytest.fixture(scope="session")
def stack(nodeless_stack: "Stack") -> "Stack":
    from logscan_local.stack.install import install_crds

    install_crds(nodeless_stack.kubectl())
    nodeless_stack.kubectl().run("create", "namespace", nodeless_stack.kubectl().namespace)
    return nodeless_stack


@pytest.fixture
def place(stack: "Stack", run: Run) -> Iterator["Place"]:
    from places import Place  # late: it imports this module

    place = Place(stack, run)
    yield place
    place.kubectl.run("delete", "logscans", "--all")
