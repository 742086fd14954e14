"""Waiting in tests."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

POLL_SECONDS = 0.1

T = TypeVar("T")


def eventually(check: Callable[[], T], seconds: float = 30, what: str | Callable[[], str] = "the condition") -> T:
    """Return the first true value of a check; fail with the last value seen if no true one comes in time.

    `what` names the condition in the failure; a callable is called then, to describe what there is instead.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            name = what() if callable(what) else what
            pytest.fail(f"{name} did not hold within {seconds:.0f} s; last seen: {value!r}")
        time.sleep(POLL_SECONDS)
