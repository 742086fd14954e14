"""The process in a LogScan's Job: `LOGSCAN_REQUEST` in, a row in DynamoDB and an exit code out.

Signals are handled first and what reads, matches and reports is imported then: it takes a while, in which SIGTERM
would be lost, since PID 1 of a container ignores it for as long as it has set no handler (kill(2)).
"""

import gc
import signal


def main() -> None:
    """Run a scan, or what the arguments ask for, and end the process."""
    gc.disable()  # until the scan: what is imported stays, and looking for what does not takes a sixth of the start
    early: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: early.append(number))
    from logscan_scanner import termination

    termination.end_on_signals()
    if early:
        termination.end()
    import logging
    import os
    import sys

    from logscan_scanner import program

    code = program.main()
    sys.stdout.flush()
    logging.shutdown()
    # At once: a thread that still waits for S3 must not hold the pod after SIGTERM.
    os._exit(code)


if __name__ == "__main__":
    main()
