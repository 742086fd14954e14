"""Why a LogScan is in its phase, what the operator does next, and what to do: from its spec and status alone.

What to do about a reason is in `logscan_api.exitcodes`, from which docs/troubleshooting.md takes it too.
"""

from dataclasses import dataclass
from typing import Any

from logscan_api.exitcodes import Reason
from logscan_api.statuses import Phase
from logscan_api.text import printable

STARTING = (Reason.UNSCHEDULABLE, Reason.IMAGE_PULL_FAILED, Reason.POD_NOT_STARTED)


@dataclass(frozen=True)
class Explanation:
    """Why a LogScan is in its phase.

    Attributes:
        phase: The phase.
        reason: The reason, in one word.
        message: The same, in the operator's sentence.
        next: What the operator does next.
        advice: What to do.
    """

    phase: str
    reason: str
    message: str
    next: str
    advice: str


def explain(scan: dict[str, Any]) -> Explanation:
    """Return why a LogScan is in its phase.

    Args:
        scan: The LogScan, as the API server has it.
    """
    status, name = scan.get("status") or {}, scan["metadata"]["name"]
    phase, reason = status.get("phase", Phase.PENDING), status.get("reason", Reason.WAITING)
    advice = _advice(reason, name, status)
    message = printable(status.get("message", ""))
    return Explanation(str(phase), str(reason), message, _next(scan, str(phase), str(reason)), advice)


def _advice(reason: str, name: str, status: dict[str, Any]) -> str:
    if reason not in list(Reason):
        return f"This kubectl-logscan does not know the reason {reason}: install the version of the operator."
    advice = Reason(reason).advice
    job = status.get("job", {}).get("name")
    if job:
        advice = advice.replace("job/NAME", f"job/{job}").replace("patch job NAME", f"patch job {job}")
    if reason == Reason.SUSPENDED:
        advice = f"`kubectl logscan resume {name}`."
    if status.get("phase") == Phase.FAILED and reason != Reason.SUPERSEDED:
        advice += f" Then run it again: `kubectl logscan retry {name}`."
    return advice


def _next(scan: dict[str, Any], phase: str, reason: str) -> str:
    """Return what the operator does next."""
    status, spec = scan.get("status") or {}, scan.get("spec", {})
    if phase == Phase.PENDING:
        return "It reads the LogScan, and creates its Job or puts it into the queue."
    if phase == Phase.QUEUED:
        return _next_of_queued(status, reason)
    if phase == Phase.RUNNING:
        return _next_of_running(status, reason)
    if phase == Phase.SUSPENDED:
        return "Nothing, until the LogScan is no longer suspended; the scan then starts from the beginning."
    ttl = spec.get("ttlSecondsAfterFinished")
    if ttl == "never":
        return "Nothing: the scan has ended, and the LogScan is kept."
    kept = f"{ttl} seconds after it ended" if ttl is not None else "after the operator's default time"
    return f"It deletes the LogScan {kept}; the row in DynamoDB stays."


def _next_of_queued(status: dict[str, Any], reason: str) -> str:
    if retry := status.get("retryTime"):
        return f"It creates a Job at {retry} or later, as soon as there is a free slot."
    if reason == Reason.JOB_CONFLICT:
        return "It creates the Job as soon as no other Job has its name."
    if reason == Reason.QUEUED_BY_KUEUE:
        return "Nothing: Kueue starts the Job."
    return "It creates the Job as soon as there is a free slot; scans of higher priority come first, then older ones."


def _next_of_running(status: dict[str, Any], reason: str) -> str:
    if reason in STARTING:
        return "It waits for the pod to start, and ends the attempt after the time in its setting pendingSeconds."
    return f"It waits for the Job, and then takes over the result or tries again (attempt {_attempt(status)})."


def _attempt(status: dict[str, Any]) -> int:
    return max(1, (status.get("attempts") or 0) - (status.get("priorAttempts") or 0))
