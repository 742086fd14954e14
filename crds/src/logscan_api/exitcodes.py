"""Why a LogScan is in its phase, and how the scanner's process ends.

A reason, or an exit code, is one line here. The Job's podFailurePolicy, the scanner's messages, the statuses and the
tables in docs/reasons.md and docs/exit-codes.md follow from it.

The numbers follow BSD's sysexits.h where it has a word for the case (64-78), so that they collide neither with a
shell's own codes (1, 2, 126-165) nor with a process killed by a signal (128 + n).
"""

from enum import IntEnum, StrEnum


class Reason(StrEnum):
    """Why a LogScan is in its phase; the machine-readable half of `status.message`.

    Attributes:
        phases: The phases that it explains.
        advice: What to do about it, for the documentation.
    """

    phases: tuple[str, ...]
    advice: str

    def __new__(cls, word: str, phases: str = "", advice: str = "") -> "Reason":
        """Return a member with its word, its phases (separated by spaces) and its advice.

        The defaults are for type checkers, which take `Reason("NoRules")` for a call of this.
        """
        reason = str.__new__(cls, word)
        reason._value_ = word
        reason.phases = tuple(phases.split())
        reason.advice = advice
        return reason

    # waiting
    WAITING = "Waiting", "Pending", "Wait. If it stays, no operator is running."
    CONCURRENCY_LIMIT = "ConcurrencyLimit", "Queued", "Wait, or raise the limit if the queue never empties."
    NAMESPACE_LIMIT = "NamespaceLimit", "Queued", "Wait, or raise the limit if the queue never empties."
    POLICY_LIMIT = "PolicyLimit", "Queued", "Wait, or raise the limit if the queue never empties."
    BACKFILL_LIMIT = (
        "BackfillLimit",
        "Queued",
        "Wait: LogScans under a prefix leave slots and the API server to others. If those are idle, raise "
        "`backfillShare` or `backfillObjectsPerSecond`; the message says which.",
    )
    BACKOFF = "Backoff", "Queued", "Wait. An attempt failed, or no Job can be created now; the message says which."
    QUOTA_EXCEEDED = "QuotaExceeded", "Queued", "The message is the API server's; see Quotas and admission."
    REFUSED = "Refused", "Queued", "The message is the API server's; see Quotas and admission."
    JOB_CONFLICT = (
        "JobConflict",
        "Queued",
        "A Job that the operator did not make has the name of the scan's: delete it, or rename the LogScan.",
    )
    QUEUED_BY_KUEUE = "QueuedByKueue", "Queued", "Wait; `kubectl describe workload` shows what Kueue waits for."
    RULE_SET_NOT_READY = (
        "RuleSetNotReady",
        "Queued",
        "The message names the LogScanRuleSet: create it, or correct it. The scan then starts within a minute.",
    )
    SUSPENDED = "Suspended", "Suspended", "Set `spec.suspend` to false."
    SUSPENDED_BY_OTHER = (
        "SuspendedByOther",
        "Suspended",
        'Somebody suspended the Job: `kubectl patch job NAME -p \'{"spec":{"suspend":false}}\'`.',
    )
    # working
    JOB_CREATED = "JobCreated", "Running", "`kubectl logs -f job/NAME` shows the progress."
    BACKFILLING = (
        "Backfilling",
        "Running",
        "`status.objects` and `status.listing` show the progress; `kubectl get logscans` shows the LogScans that work.",
    )
    # ended well
    COMPLETED = "Completed", "Succeeded", "See `status.summary`, and the row named in `status.result`."
    # ended by a person
    CANCELLED = "Cancelled", "Cancelled", "Nothing: `spec.cancel` asked for it."
    # not scanned because of a change to the object
    SUPERSEDED = "Superseded", "Cancelled Failed", "Nothing: the object changed, and its new version has its own scan."
    # ended badly
    INVALID_SPEC = "InvalidSpec", "Failed", "The message names the field."
    NO_RULES = "NoRules", "Failed", "Set `spec.rules`, or create a LogScanPolicy with rules that matches the object."
    NOT_ALLOWED = (
        "NotAllowed",
        "Failed",
        "The message names the field and the operator's setting; leave the field out, or ask who runs the operator.",
    )
    INVALID_REQUEST = (
        "InvalidRequest",
        "Failed",
        "The message names the field. Do operator and scanner have the same version?",
    )
    INVALID_RULE = "InvalidRule", "Failed", "The message names the rule and the position in it."
    OBJECT_NOT_FOUND = "ObjectNotFound", "Failed", "Check the bucket, the key and the version."
    ACCESS_DENIED = (
        "AccessDenied",
        "Failed",
        "Grant the scanner's role what `terraform/modules/documents/policies/scanner.json.tftpl` lists.",
    )
    ROLE_NOT_ASSUMED = (
        "RoleNotAssumed",
        "Failed",
        "The message names the role and the external id; `docs/accounts.md` has the policies that are needed.",
    )
    INVALID_INVENTORY = (
        "InvalidInventory",
        "Queued Failed",
        "The message says what is wrong with which file; create the LogScan again with another manifest.",
    )
    ARCHIVED = "Archived", "Failed", "Restore the object, then create the LogScan again."
    KEY_UNAVAILABLE = "KeyUnavailable", "Failed", "Enable the object's KMS key, or allow the scanner's role to use it."
    UNSUPPORTED_FORMAT = (
        "UnsupportedFormat",
        "Failed",
        "The object is not a log; the message says what it looks like, and what to do.",
    )
    OUT_OF_MEMORY = (
        "OutOfMemory",
        "Failed",
        "Raise `spec.job.resources.limits.memory`; the scan was retried once with twice the memory.",
    )
    DEADLINE_EXCEEDED = "DeadlineExceeded", "Failed", "Raise `spec.timeoutSeconds`."
    UNSCHEDULABLE = (
        "Unschedulable",
        "Running Failed",
        "The message is the scheduler's: why no node fits.",
    )
    IMAGE_PULL_FAILED = "ImagePullFailed", "Running Failed", "The message is the kubelet's; check image and registry."
    POD_NOT_STARTED = "PodNotStarted", "Running Failed", "The message is the kubelet's or the Job controller's."
    EVICTED = "Evicted", "Failed", "All attempts failed; look at the node's memory and disk."
    TRY_AGAIN_LATER = (
        "TryAgainLater",
        "Failed",
        "All attempts failed; the message has the last error.",
    )
    INTERNAL_ERROR = (
        "InternalError",
        "Failed",
        "All attempts failed; please report the message, and the log of the pod or of the operator.",
    )
    JOB_FAILED = "JobFailed", "Failed", "All attempts failed; the message is the Job's."
    JOB_LOST = "JobLost", "Failed", "All attempts failed: somebody deletes the Jobs before they end."
    RESULT_MISSING = (
        "ResultMissing",
        "Failed",
        "The scanner succeeded, but its row is missing or a newer version wrote it: check the table.",
    )
    RESULT_UNTRUSTED = (
        "ResultUntrusted",
        "Failed",
        "All attempts failed: the row is not signed for this scan; find out who may write the table, and whether the "
        "signing key was changed.",
    )


class ExitCode(IntEnum):
    """How the scanner's process ends.

    Attributes:
        reason: The reason that a LogScan shows for this exit.
        permanent: Whether running the same scan again must end the same way.
        meaning: What happened, for the documentation.
    """

    reason: Reason
    permanent: bool
    meaning: str

    def __new__(
        cls, number: int, reason: Reason = Reason.COMPLETED, permanent: bool = False, meaning: str = ""
    ) -> "ExitCode":
        """Return a member with its number and what follows from it; the defaults are for type checkers, as above."""
        code = int.__new__(cls, number)
        code._value_ = number
        code.reason = reason
        code.permanent = permanent
        code.meaning = meaning
        return code

    DONE = 0, Reason.COMPLETED, False, "The row is written."
    BAD_REQUEST = 64, Reason.INVALID_REQUEST, True, "The request cannot be read."
    INVALID_RULE = 65, Reason.INVALID_RULE, True, "A rule's expression cannot be compiled."
    OBJECT_NOT_FOUND = 66, Reason.OBJECT_NOT_FOUND, True, "The object, version, bucket or prefix does not exist."
    SUPERSEDED = 67, Reason.SUPERSEDED, True, "The object was overwritten or deleted since the scan was requested."
    ACCESS_DENIED = 68, Reason.ACCESS_DENIED, True, "AWS denied a call; the message says which."
    ARCHIVED = 69, Reason.ARCHIVED, True, "The object is in an archive class and must be restored first."
    INTERNAL_ERROR = 70, Reason.INTERNAL_ERROR, False, "An unexpected error."
    TRY_AGAIN = 75, Reason.TRY_AGAIN_LATER, False, "Throttling, the network, missing credentials, or SIGTERM."
    UNSUPPORTED_FORMAT = 76, Reason.UNSUPPORTED_FORMAT, True, "The object is binary content of another kind, not a log."
    KEY_UNAVAILABLE = 77, Reason.KEY_UNAVAILABLE, True, "The object's KMS key is disabled, deleted or not allowed."
    ROLE_NOT_ASSUMED = 78, Reason.ROLE_NOT_ASSUMED, True, "The role of the LogScan cannot be assumed."


def permanent_codes() -> list[int]:
    """Return the codes on which a Job must fail at once (for its podFailurePolicy)."""
    return [int(code) for code in ExitCode if code.permanent]
