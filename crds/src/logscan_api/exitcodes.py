"""The exit codes of the scanner, and the reasons that a LogScan's status gives.

The numbers follow BSD's sysexits.h where it has a word for the case (64-78), so that they collide neither with
a shell's own codes (1, 2, 126-165) nor with a process killed by a signal (128 + n).
"""

from enum import IntEnum, StrEnum


class Reason(StrEnum):
    """Why a LogScan is in its phase; the machine-readable half of `status.message`."""

    # waiting
    WAITING = "Waiting"
    CONCURRENCY_LIMIT = "ConcurrencyLimit"
    NAMESPACE_LIMIT = "NamespaceLimit"
    POLICY_LIMIT = "PolicyLimit"
    SUSPENDED = "Suspended"
    BACKOFF = "Backoff"
    # the API server takes no Job of the scan now: a quota is used up, or an admission policy says no
    QUOTA_EXCEEDED = "QuotaExceeded"
    REFUSED = "Refused"
    # the Job exists, and something other than the operator suspended it
    QUEUED_BY_KUEUE = "QueuedByKueue"
    SUSPENDED_BY_OTHER = "SuspendedByOther"
    # working
    JOB_CREATED = "JobCreated"
    # ended well
    COMPLETED = "Completed"
    # ended by a person
    CANCELLED = "Cancelled"
    # ended because a newer version of the object came before it was scanned
    SUPERSEDED = "Superseded"
    # ended badly
    INVALID_SPEC = "InvalidSpec"
    NO_RULES = "NoRules"
    INVALID_REQUEST = "InvalidRequest"
    INVALID_RULE = "InvalidRule"
    OBJECT_NOT_FOUND = "ObjectNotFound"
    ACCESS_DENIED = "AccessDenied"
    ARCHIVED = "Archived"
    KEY_UNAVAILABLE = "KeyUnavailable"
    INTERNAL_ERROR = "InternalError"
    TRY_AGAIN_LATER = "TryAgainLater"
    OUT_OF_MEMORY = "OutOfMemory"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    UNSCHEDULABLE = "Unschedulable"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    POD_NOT_STARTED = "PodNotStarted"
    EVICTED = "Evicted"
    JOB_FAILED = "JobFailed"
    JOB_LOST = "JobLost"
    RESULT_MISSING = "ResultMissing"


class ExitCode(IntEnum):
    """How the scanner's process ends."""

    DONE = 0
    BAD_REQUEST = 64
    INVALID_RULE = 65
    OBJECT_NOT_FOUND = 66
    SUPERSEDED = 67
    ACCESS_DENIED = 68
    ARCHIVED = 69
    INTERNAL_ERROR = 70
    TRY_AGAIN = 75
    KEY_UNAVAILABLE = 77

    @property
    def reason(self) -> Reason:
        """Return the reason that a LogScan shows for this exit."""
        return _REASONS[self]

    @property
    def permanent(self) -> bool:
        """Return whether running the same scan again must end the same way."""
        return ExitCode.BAD_REQUEST <= self <= ExitCode.ARCHIVED or self is ExitCode.KEY_UNAVAILABLE


_REASONS = {
    ExitCode.DONE: Reason.COMPLETED,
    ExitCode.BAD_REQUEST: Reason.INVALID_REQUEST,
    ExitCode.INVALID_RULE: Reason.INVALID_RULE,
    ExitCode.OBJECT_NOT_FOUND: Reason.OBJECT_NOT_FOUND,
    ExitCode.SUPERSEDED: Reason.SUPERSEDED,
    ExitCode.ACCESS_DENIED: Reason.ACCESS_DENIED,
    ExitCode.ARCHIVED: Reason.ARCHIVED,
    ExitCode.INTERNAL_ERROR: Reason.INTERNAL_ERROR,
    ExitCode.TRY_AGAIN: Reason.TRY_AGAIN_LATER,
    ExitCode.KEY_UNAVAILABLE: Reason.KEY_UNAVAILABLE,
}


def permanent_codes() -> list[int]:
    """Return the codes on which a Job must fail at once (for its podFailurePolicy)."""
    return [int(code) for code in ExitCode if code.permanent]
