"""What a shell is told when a person presses the tabulator."""

import os
import subprocess
import sys

import pytest
from conftest import CODE

# The name of the program decides which variable the shell's script sets.
PROGRAM = "import sys; sys.argv = ['kubectl-logscan']; from kubectl_logscan.__main__ import main; main()"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("do", {"doctor"}),
        ("re", {"results", "report", "retry", "resume"}),
        ("rules import s", {"sigma-keywords"}),
        ("report --format s", {"sarif"}),
    ],
)
def test_bash_completes_commands_and_values(typed: str, expected: set[str]) -> None:
    words = f"kubectl-logscan {typed}"
    asked = {"_KUBECTL_LOGSCAN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    environment = {"PATH": os.environ["PATH"], **CODE, **asked}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert set(done.stdout.split()) == expected, done.stderr
