"""How a command ends: exit codes, and errors of one line that say what to do.

CliError
├── UsageError      the command line or a file is wrong
├── ClusterError    the API server did not answer, or refused
│   └── UnansweredError  it may answer the next time
├── NotFoundError   what was asked for does not exist
├── AwsError        AWS did not answer, or refused
├── UnhealthyError  `doctor` found a problem, or `selftest` stopped
└── ScanFailedError a scan that was waited for did not succeed
"""

from enum import IntEnum


class Exit(IntEnum):
    """How a command ends.

    Attributes:
        meaning: What happened, for the documentation.
    """

    meaning: str

    def __new__(cls, number: int, meaning: str = "") -> "Exit":
        """Return a member with its number and its meaning; the default is for type checkers."""
        code = int.__new__(cls, number)
        code._value_ = number
        code.meaning = meaning
        return code

    OK = 0, "The command did what was asked."
    FOUND = 1, "`scan --fail-on` found a line of that severity or worse, or `rules test` found a rule that fails."
    USAGE = 2, "The command line, or a file that it names, is wrong."
    NOT_FOUND = 3, "The LogScan, row, report, message or file does not exist."
    CLUSTER = 4, "The API server did not answer, or refused."
    AWS = 5, "AWS did not answer, or refused."
    INCOMPLETE = 6, "`scan --fail-on` found no such line, but not all of the input was read or counted."
    FAILED = 7, "The scan that `scan --wait` waited for failed, was cancelled, or did not end in time."
    UNHEALTHY = 8, "`doctor` found a problem, or `selftest` did not get to its end."
    PARTIAL = 9, "`rules import` could not convert every rule; those that are left out are on standard error."
    INTERRUPTED = 130, "Interrupted with Ctrl-C."


class CliError(Exception):
    """An error that a person reads, on one line.

    Attributes:
        code: How the process ends.
    """

    code = Exit.USAGE


class UsageError(CliError):
    """The command line, or a file that it names, is wrong."""


class ClusterError(CliError):
    """The API server did not answer, or refused."""

    code = Exit.CLUSTER


class UnansweredError(ClusterError):
    """The API server did not answer, or cannot now; it may the next time."""


class NotFoundError(CliError):
    """What was asked for does not exist."""

    code = Exit.NOT_FOUND


class AwsError(CliError):
    """AWS did not answer, or refused."""

    code = Exit.AWS


class UnhealthyError(CliError):
    """Something of the installation does not work."""

    code = Exit.UNHEALTHY


class ScanFailedError(CliError):
    """A scan that was waited for did not succeed."""

    code = Exit.FAILED
