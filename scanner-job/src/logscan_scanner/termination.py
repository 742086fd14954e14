"""How the process ends: the pod's termination message, and SIGTERM. Imports nothing large."""

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from logscan_api.exitcodes import ExitCode
from logscan_api.text import cut, printable

DEFAULT_PATH = "/dev/termination-log"
PATH_VARIABLE = "LOGSCAN_TERMINATION_PATH"
MESSAGE_BYTES = 1024
STOPPED = "stopped by a signal before the scan was done"
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def leave_message(code: ExitCode, message: str) -> None:
    """Write the pod's termination message, which the operator copies to the LogScan's status."""
    document = {"code": int(code), "reason": str(code.reason), "message": cut(printable(message), MESSAGE_BYTES)}
    path = Path(os.environ.get(PATH_VARIABLE, DEFAULT_PATH))
    try:
        path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"could not write the termination message to {path}: {error}\n")


def end_on_signals() -> None:
    """Let SIGTERM and SIGINT end the process at once, so that the scan is tried again.

    Nothing is lost: the row is written as a whole or not at all, and S3 drops the parts of an upload that was not
    finished (terraform/s3.tf).
    """
    for number in SIGNALS:
        signal.signal(number, _end)


def end() -> NoReturn:
    """Write the message of a scan that a signal stopped, and exit with the code that repeats it."""
    leave_message(ExitCode.TRY_AGAIN, STOPPED)
    os._exit(ExitCode.TRY_AGAIN)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    end()  # an exception would not do: botocore retries the call that it interrupts, and imports may swallow it
