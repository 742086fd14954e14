"""`python -m logscan_operator`: run the operator until SIGTERM.

What it is made of takes seconds of CPU time to import, and a multiple of that on a busy node. So signals are handled
first, then the kubelet's probes are answered (`starting`), and only then the rest is imported.

As PID 1 of a container a process that has set no handler ignores SIGTERM, so a pod deleted while it starts would hang
until its grace period is over (signal(7), kill(2)).
"""

import os
import signal
from types import FrameType
from typing import NoReturn


def main(arguments: list[str] | None = None) -> None:
    """Start the operator, or do what a flag asks for. SIGTERM and SIGINT end a start at once, with code 0."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    import argparse

    from logscan_operator import __version__, starting

    parser = argparse.ArgumentParser(prog="logscan-operator", description="The operator of logscan.")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--check", action="store_true", help="only tell whether it could work here")
    if parser.parse_args(arguments).check:
        from logscan_operator import preflight

        preflight.main()
    probes = starting.Probes.from_environment()
    from logscan_operator import service

    service.main(probes)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    # Nothing is in hand yet, and an exception could be swallowed by whatever is being imported.
    os._exit(0)


if __name__ == "__main__":
    main()
