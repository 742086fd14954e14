"""`python -m oracle logs DIR`, or `python -m oracle fuzz`; `--help` lists the options."""

import argparse
import sys
from pathlib import Path

from oracle import fuzzing, logs


def main() -> int:
    """Read the command line, run, and return the exit status: 1 where a count differs."""
    parser = argparse.ArgumentParser(prog="oracle", description="Compares the engine's counts with those of grep -P.")
    commands = parser.add_subparsers(dest="command", required=True)
    on_logs = commands.add_parser("logs", help="on the log files of a folder")
    on_logs.add_argument("folder", type=Path)
    on_logs.add_argument("--rules", type=int, default=300, help="rules cut out of each log (default 300)")
    on_logs.add_argument("--megabytes", type=float, default=4, help="bytes taken of each log, in MB (default 4)")
    on_logs.add_argument("--seed", type=int, default=1)
    at_random = commands.add_parser("fuzz", help="on random rules and lines, until a count differs")
    at_random.add_argument("--rules", type=int, help="end after so many (default: never)")
    at_random.add_argument("--seed", type=int, default=1)
    at_random.add_argument("--shown", type=int, default=5, help="differences that are made small (default 5)")
    options = parser.parse_args()
    if options.command == "fuzz":
        return fuzzing.run(options.seed, options.rules, options.shown)
    return logs.run(options.folder, options.rules, int(options.megabytes * 1_000_000), options.seed)


if __name__ == "__main__":
    sys.exit(main())
