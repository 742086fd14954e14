"""`make pictures`: draw the terminal and the dashboard's panels from a stack that is started for it.

Needs the AWS CLI, and Prometheus (Debian: awscli, prometheus). Takes five minutes.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from logscan_local.pictures import activity, panels, terminal
from logscan_local.stack.stacks import Stack
from logscan_local.testkit.prometheus import PROGRAM, scraping
from logscan_tools.paths import REPOSITORY

PICTURES = REPOSITORY / "docs" / "pictures"
SECONDS = 240


def main() -> int:
    """Draw the pictures and return the exit code."""
    programs = {name: shutil.which(name) for name in (PROGRAM, "aws")}
    if missing := [name for name, path in programs.items() if path is None]:
        print(f"{', '.join(missing)}: not installed (Debian: apt-get install awscli prometheus)", file=sys.stderr)
        return 1
    stack = Stack("pictures", print)
    try:
        with tempfile.TemporaryDirectory() as name:
            _draw(stack, f"{programs[PROGRAM]}", Path(name))
    finally:
        stack.down()
    return 0


def _draw(stack: Stack, prometheus: str, folder: Path) -> None:
    state = stack.up()
    kubectl = stack.kubectl()
    (folder / "kubectl").symlink_to(shutil.which(kubectl.program) or kubectl.program)
    path = f"{folder}:{REPOSITORY / '.venv' / 'bin'}"
    shown = terminal.picture(folder, {**stack.environment(), "PATH": f"{path}:{os.environ['PATH']}"})
    (PICTURES / "terminal.svg").write_text(shown)
    (folder / "prometheus").mkdir()
    with scraping(prometheus, kubectl, folder / "prometheus", {"groups": []}) as server:
        start = time.time()
        activity.upload_for(SECONDS, state, kubectl, stack.paths.logs)
        (PICTURES / "dashboard.svg").write_text(panels.picture(server, start, time.time()))


if __name__ == "__main__":
    raise SystemExit(main())
