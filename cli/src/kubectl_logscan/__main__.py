"""`kubectl logscan`: runs a command; an error is one line, and its kind is the exit code."""

import os
import sys

from kubectl_logscan.app import app
from kubectl_logscan.errors import CliError, Exit
from logscan_api.text import printable


def main() -> None:
    """Run a command and end the process."""
    try:
        app()
    except CliError as error:
        sys.stderr.write(f"error: {printable(str(error))}\n")
        raise SystemExit(error.code) from None
    except BrokenPipeError:  # such as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(Exit.OK) from None


if __name__ == "__main__":
    main()
