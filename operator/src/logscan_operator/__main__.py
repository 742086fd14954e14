"""`python -m logscan_operator`: run the operator until SIGTERM.

What it is made of takes seconds of CPU time to import, and a multiple of that on a busy node. So signals are handled
and the kubelet's probes are answered first (`starting`), and only then the rest is imported.
"""

import argparse

from logscan_operator import __version__, starting


def main(arguments: list[str] | None = None) -> None:
    """Start the operator, or do what a flag asks for."""
    starting.end_on_signals()
    parser = argparse.ArgumentParser(prog="logscan-operator", description="The operator of logscan.")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--check", action="store_true", help="only tell whether it could work here")
    if parser.parse_args(arguments).check:
        from logscan_operator import preflight

        preflight.main()
    probes = starting.Probes.from_environment()
    from logscan_operator import service

    service.main(probes)


if __name__ == "__main__":
    main()
