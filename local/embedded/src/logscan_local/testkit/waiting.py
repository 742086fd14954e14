"""Waiting in tests."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from logscan_tools.polling import NotReachedError, poll

T = TypeVar("T")


def eventually(check: Callable[[], T], seconds: float = 30, what: str | Callable[[], str] = "the condition") -> T:
    """Return the first true value of a check; fail the test if none comes in time.

    Args:
        check: Returns something true once the condition holds.
        seconds: How long to wait; generous, since a busy machine is no failure.
        what: The condition, for the failure. A function is called when the test fails, to describe the state then.
    """
    try:
        return poll(check, seconds, what if isinstance(what, str) else "the condition")
    except NotReachedError as error:
        described = f"{error}, last seen: {error.last!r}" if isinstance(what, str) else f"{error}: {what()}"
        pytest.fail(described)
