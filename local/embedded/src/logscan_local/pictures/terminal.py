"""A picture of a terminal: commands that were run on a stack, and what they printed."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from logscan_tools.polling import poll

WIDTH = 100  # characters
WAIT_SECONDS = 60
LOG = """\
2026-11-26T09:14:02Z INFO  order 1001 placed by customer 17
2026-11-26T09:14:03Z INFO  payment 1001 authorised
2026-11-26T09:20:41Z WARN  payment provider answered in 4100 ms
2026-11-26T09:20:42Z ERROR payment 1002 declined: card expired
2026-11-26T09:31:10Z ERROR stock of article 77 is negative
"""


@dataclass(frozen=True)
class Step:
    """A command.

    Attributes:
        command: What is typed; `NAME` is the first LogScan that the step before has listed.
        until: What it must print; until then it is repeated.
    """

    command: str
    until: str = ""


STEPS = (
    Step("aws s3 cp --no-progress checkout.log s3://logs/shop/checkout.log"),
    Step("kubectl logscan list", until="Succeeded"),
    Step("kubectl logscan results NAME"),
    Step("kubectl logscan scan s3://logs/shop/chekcout.log 2>&1"),
    Step("kubectl logscan list", until="Failed"),
    Step("kubectl logscan why NAME"),
)
NAME = re.compile(r"\b(?:checkout-log|cli)-\w+")


def picture(folder: Path, variables: Mapping[str, str]) -> str:
    """Return the picture, as SVG.

    Args:
        folder: Where the commands run; the log is written there.
        variables: What they need of the stack.
    """
    (folder / "checkout.log").write_text(LOG)
    console = Console(record=True, width=WIDTH, force_terminal=True, file=(folder / "terminal").open("w"))
    environment = {**os.environ, **variables, "COLUMNS": f"{WIDTH}", "FORCE_COLOR": "1"}
    for command, printed in _session(folder, environment):
        console.print(Text("$ ", style="bold green") + Text(command, style="bold"))
        console.print(Text.from_ansi(printed.rstrip()))
        console.print()
    drawn = console.export_svg(title="kubectl logscan", theme=MONOKAI)
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # they are on another server


def _session(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each command as it is typed, and what it printed."""
    name = ""
    for step in STEPS:
        command = step.command.replace("NAME", name)
        ask = partial(_printed, command, step.until, folder, environment)
        printed = poll(ask, WAIT_SECONDS, command)
        if found := NAME.search(printed):
            name = found[0]
        yield command.removesuffix(" 2>&1"), printed


def _printed(command: str, until: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Return what a command printed, or nothing if that is not what is waited for."""
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 and until in done.stdout else ""
