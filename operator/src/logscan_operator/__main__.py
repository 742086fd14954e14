"""`python -m logscan_operator`: run the operator until SIGTERM.

Its libraries take seconds of CPU time to import, and a multiple of that on a busy node. So signals are handled first,
then the kubelet's probes are answered (`starting`), and only then is the rest imported.

PID 1 of a container ignores SIGTERM unless it has set a handler (signal(7), kill(2)): a pod that is deleted while it
starts would stay until its grace period is over. Once kopf runs, it handles signals.
"""

import os
import signal
from types import FrameType
from typing import NoReturn


def main(arguments: list[str] | None = None) -> int:
    """Run the operator, or do what a flag asks for, and return the exit code; 0 too if a signal ends the start."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    import argparse

    from logscan_operator import __version__, starting

    parser = argparse.ArgumentParser(prog="logscan-operator", description="The operator of logscan.")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--check", action="store_true", help="check the settings and the access to Kubernetes and AWS, then exit"
    )
    if parser.parse_args(arguments).check:
        from logscan_operator import preflight

        return preflight.main()
    probes = starting.Probes.from_environment()
    from logscan_operator import service

    return service.main(probes)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    # Nothing is in hand yet. An exception, such as SystemExit, could be swallowed by whatever is being imported.
    os._exit(0)


if __name__ == "__main__":
    raise SystemExit(main())
