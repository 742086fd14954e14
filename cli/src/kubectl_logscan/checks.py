"""Checks that run side by side, each in its own time: one that fails or hangs stops no other."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kubectl_logscan.errors import CliError


class State(StrEnum):
    """What came of a check."""

    OK = "ok"
    PROBLEM = "problem"
    SKIPPED = "skipped"


class ProblemError(Exception):
    """A check found something wrong.

    Attributes:
        advice: What to do.
    """

    def __init__(self, message: str, advice: str) -> None:
        """Say what is wrong, and what to do."""
        super().__init__(message)
        self.advice = advice


class SkippedError(Exception):
    """A check could not be made, since something that it needs was not named."""


@dataclass(frozen=True)
class Outcome:
    """What came of a check.

    Attributes:
        check: Its name.
        state: Whether all is well.
        message: What was found.
        advice: What to do; empty if all is well, or the message says it.
    """

    check: str
    state: State
    message: str
    advice: str = ""


@dataclass(frozen=True)
class Check:
    """Something to find out.

    Attributes:
        name: What it is about.
        find: Returns what is well, or raises what is not.
        about: What answers it, for the message if nothing does.
    """

    name: str
    find: Callable[[], str]
    about: str


def run(checks: Sequence[Check], seconds: float) -> list[Outcome]:
    """Return what came of checks, in their order.

    Args:
        checks: The checks.
        seconds: How long to wait for all of them. One that has not ended then is a problem; its thread is left behind,
            and ends with the process.
    """
    found: dict[str, Outcome] = {}

    def one(check: Check) -> None:
        found[check.name] = outcome(check)

    threads = [threading.Thread(target=one, args=(check,), daemon=True) for check in checks]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [found.get(check.name) or _late(check, seconds) for check in checks]


def outcome(check: Check) -> Outcome:
    """Return what came of a check; whatever it raises is a problem."""
    try:
        return Outcome(check.name, State.OK, check.find())
    except SkippedError as skipped:
        return Outcome(check.name, State.SKIPPED, str(skipped))
    except ProblemError as problem:
        return Outcome(check.name, State.PROBLEM, str(problem), problem.advice)
    except CliError as error:
        return Outcome(check.name, State.PROBLEM, str(error))  # it says what to do
    except Exception as error:  # of any library, and no reason to leave the other checks out
        message = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return Outcome(check.name, State.PROBLEM, message, f"Check the connection to {check.about}.")


def _late(check: Check, seconds: float) -> Outcome:
    message = f"no answer from {check.about} in {seconds:.0f} seconds"
    return Outcome(check.name, State.PROBLEM, message, "Check the network, or wait longer with --timeout.")
