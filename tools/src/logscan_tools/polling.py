"""Waiting for a condition: the one loop behind every wait of tools, stack and tests."""

import time
from collections.abc import Callable
from typing import TypeVar

from logscan_tools.errors import ToolError

INTERVAL_SECONDS = 0.1

T = TypeVar("T")


class NotReachedError(ToolError):
    """A condition did not hold in time.

    Attributes:
        last: What the check returned last.
    """

    def __init__(self, message: str, last: object) -> None:
        super().__init__(message)
        self.last = last


def poll(check: Callable[[], T], seconds: float, what: str, interval: float = INTERVAL_SECONDS) -> T:
    """Return the first true value of a check, which is made at least once.

    Args:
        check: Returns something true once the condition holds. What it raises ends the wait.
        seconds: How long to wait.
        what: The condition, for the error: `the operator to lead`.
        interval: Seconds between two checks.

    Raises:
        NotReachedError: The condition did not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not (value := check()):
        if time.monotonic() > deadline:
            raise NotReachedError(f"waited {seconds:.0f} s for {what}", value)
        time.sleep(interval)
    return value
