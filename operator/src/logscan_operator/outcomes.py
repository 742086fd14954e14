"""What a finished Job means for its scan. The row in DynamoDB decides; the Job and its pods explain."""

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from logscan_api.errors import MalformedResultError, UntrustedResultError
from logscan_api.exitcodes import ExitCode, Reason
from logscan_api.identity import partition_key, sort_key
from logscan_api.results import ScanResult
from logscan_api.statuses import LogScanStatus, ObjectCounts, Phase, ResultRef
from logscan_operator import statuses
from logscan_operator.conditions import Verdict
from logscan_operator.items import Object, Scan
from logscan_operator.scanjobs import ScanJob
from logscan_operator.settings import Settings


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed.

    Attributes:
        reason: Why, in a word.
        message: The same, for a person.
        permanent: Whether another attempt must fail the same way.
        told: Whether the scanner itself has notified of it.
    """

    reason: Reason
    message: str
    permanent: bool
    told: bool = False


NOT_STARTED = Failure(Reason.POD_NOT_STARTED, "no pod of the Job has started, and none says why", permanent=False)
# What a scan's row holds, or why that is not believed; None if there is no row.
Finding = ScanResult | MalformedResultError | UntrustedResultError | None
OUTCOME = re.compile(r"#([0-9a-f]{16})(#R[^#]*)?\Z")  # in a sort key; see `logscan_api.identity`
STARTING = ("ContainerCreating", "PodInitializing")
# What the kubelet says of an image that no waiting brings (pkg/kubelet/images/types.go).
NEVER_STARTS = ("ErrImageNeverPull", "InvalidImageName")


def conclude(
    scan: Scan,
    job: ScanJob | None,
    pods: list[Object],
    result: Finding,
    attempts: int,
    settings: Settings,
    now: datetime,
) -> LogScanStatus:
    """Return the status that follows from the end of an attempt.

    Args:
        scan: The LogScan.
        job: Its newest Job, or None if that has vanished.
        pods: The Job's pods that are still there.
        result: What the scanner found, or why that cannot be read or believed; None if it left no row.
        attempts: Jobs that the scan may have.
        settings: The operator's settings.
        now: The time.
    """
    if job is not None and (scan.status.attempts or 0) < job.attempt:
        # The process that created the Job was killed before it could say so.
        scan = replace(scan, status=statuses.running(scan, job, now))
    if isinstance(result, ScanResult):
        return _succeeded(scan, result, now)
    attempt = max(scan.status.attempts or 0, job.attempt if job else 0)
    return after_failure(scan, attempt, without_result(result, job, pods), attempts, settings, now, job)


def may_have(scan: Scan, ref: ResultRef) -> bool:
    """Return whether a row is of the scan's namespace, object and version, so that no forged Job lends another's.

    Rules and limits, which the key names by a hash, are those of the Job.
    """
    outcome = OUTCOME.search(ref.sk)
    if scan.spec is None or outcome is None:
        return False
    source = scan.spec.source.s3
    sort = sort_key(source, scan.uid, outcome[1], scan.by_hand, scan.status.prior_attempts)
    return (ref.pk, ref.sk) == (partition_key(scan.key[0], source, scan.uid), sort)


def without_result(
    result: MalformedResultError | UntrustedResultError | None, job: ScanJob | None, pods: list[Object]
) -> Failure:
    """Return why an attempt has no result.

    Args:
        result: Why its row cannot be read or believed; None if there is no row.
        job: Its Job, or None if that has vanished.
        pods: The Job's pods that are still there.
    """
    failure = explain(job, pods)
    if isinstance(result, MalformedResultError):  # its scanner was a newer one: another attempt would find the same row
        return Failure(Reason.RESULT_MISSING, str(result), permanent=True)
    if isinstance(result, UntrustedResultError) and job is not None and job.ended == "Complete":
        return Failure(Reason.RESULT_UNTRUSTED, str(result), permanent=False)  # the next scanner replaces it
    return failure


def after_failure(
    scan: Scan,
    attempt: int,
    failure: Failure,
    attempts: int,
    settings: Settings,
    now: datetime,
    job: ScanJob | None = None,
) -> LogScanStatus:
    """Return the status that follows from a failed attempt: another one will be made, or the scan has failed.

    Args:
        scan: The LogScan.
        attempt: Number of the attempt's Job.
        failure: Why it failed.
        attempts: Jobs that the scan may have.
        settings: The operator's settings.
        now: The time.
        job: The Job, whose memory and result count.
    """
    number = attempt - scan.prior_attempts
    if failure.reason is Reason.OUT_OF_MEMORY and job is not None and scan.status.memory_limit is None:
        more = job.memory.doubled(settings.scanner_memory_most) if job.memory else None
        if more is not None:
            message = f"{failure.message}; retrying with {more}"
            status = statuses.retrying(scan, attempt, failure.reason, message, now, now)
            return status.model_copy(update={"memory_limit": more})
    if failure.permanent or number >= attempts:
        text = failure.message if number <= 1 else f"{failure.message} (attempt {number} of {attempts})"
        verdict = Verdict(Phase.FAILED, failure.reason, text)
        return statuses.finished(scan, verdict, now, result=result_of(scan, job))
    at = now + timedelta(seconds=backoff_seconds(number, settings))
    return statuses.retrying(scan, attempt, failure.reason, failure.message, at, now)


def result_of(scan: Scan, job: ScanJob | None) -> ResultRef | None:
    """Return where a scan's row is, from its Job or else its status."""
    return job.result if job is not None and job.result is not None else scan.status.result


def backoff_seconds(attempt: int, settings: Settings) -> float:
    """Return the delay after a failed attempt: doubled each time, up to the most."""
    return float(min(settings.retry_first_seconds * 2 ** min(attempt - 1, 30), settings.retry_most_seconds))


def explain(job: ScanJob | None, pods: list[Object]) -> Failure:
    """Return why an attempt left no row."""
    if job is None:
        return Failure(Reason.JOB_LOST, "the Job was deleted before it finished", permanent=False)
    if job.reason == "DeadlineExceeded":
        return Failure(Reason.DEADLINE_EXCEEDED, "the scan took longer than timeoutSeconds", permanent=True)
    if any(pod["status"].get("reason") == "Evicted" for pod in pods):
        return Failure(Reason.EVICTED, "the node evicted the scan's pod", permanent=False)
    for state in _terminated(pods):
        failure = _from_exit(state)
        if failure is not None:
            return failure
    if job.ended == "Complete":
        message = (
            "the scanner succeeded, but its row is not in DynamoDB: check the table, and whether the row was deleted"
        )
        return Failure(Reason.RESULT_MISSING, message, permanent=False)
    message = job.message or "the Job failed and its pods are gone"
    return Failure(Reason.JOB_FAILED, message, permanent=False)


def explain_pending(pods: list[Object], not_created: str | None = None) -> Failure | None:
    """Return why no pod of a Job has started, or None if one has.

    Args:
        pods: The Job's pods.
        not_created: Why the Job controller could create none, if that is known.
    """
    for pod in pods:
        status = pod["status"]
        if status.get("phase") not in (None, "Pending"):
            return None
        for condition in status.get("conditions", []):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                message = f"no node takes the scan's pod: {condition.get('message', '')}"
                return Failure(Reason.UNSCHEDULABLE, message, permanent=False)
        for container in status.get("containerStatuses", []):
            waiting = container.get("state", {}).get("waiting", {})
            word = waiting.get("reason", "ContainerCreating")
            text = f"{word}: {waiting.get('message', '')}"
            if "Image" in word:
                return Failure(Reason.IMAGE_PULL_FAILED, text, word in NEVER_STARTS)
            if word not in STARTING:
                return Failure(Reason.POD_NOT_STARTED, text, permanent=False)
    return Failure(Reason.POD_NOT_STARTED, not_created, permanent=False) if not_created else NOT_STARTED


def _terminated(pods: list[Object]) -> list[Object]:
    """Return the last states of ended scanner containers, the newest pod first."""
    newest = sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)
    states = [c.get("state", {}).get("terminated") for p in newest for c in p["status"].get("containerStatuses", [])]
    return [state for state in states if state]


def _from_exit(state: Object) -> Failure | None:
    if state.get("reason") == "OOMKilled":
        message = "the scanner used more memory than its limit: raise spec.job.resources.limits.memory"
        return Failure(Reason.OUT_OF_MEMORY, message, permanent=True)
    number = state["exitCode"]
    if number == 0:
        return None
    try:
        code = ExitCode(number)
    except ValueError:
        words = f"the scanner ended with exit code {number} ({state.get('reason', 'no reason')})"
        return Failure(Reason.JOB_FAILED, words, permanent=False)
    told = code.permanent and code is not ExitCode.BAD_REQUEST  # of which it read no channels
    return Failure(code.reason, _last_words(state) or f"exit code {number}", code.permanent, told)


def _last_words(state: Object) -> str:
    """Return the message in a container's termination message, or its text if the scanner did not write it."""
    text = str(state.get("message", ""))
    try:
        document = json.loads(text)
        return str(document["message"])
    except (ValueError, KeyError, TypeError):
        return text[:500]


def _succeeded(scan: Scan, result: ScanResult, now: datetime) -> LogScanStatus:
    counts = result.object_counts
    found = f"{result.matched_lines} of {result.lines} lines matched"
    if counts is not None:
        found += f" in {counts.finished - counts.failed} of {counts.total} objects"
    if result.incomplete:
        found += f"; incomplete: {result.incomplete_text}"
    earlier = result.scan if result.scan_uid != scan.uid else None
    if earlier:
        found += f"; found by the earlier scan {earlier}"
    reports = {"report_uri": result.report_uri, "html_report_uri": result.html_report_uri}
    ref = result.ref.model_copy(update={**reports, "taken_from": earlier})
    verdict = _all_failed(counts) or Verdict(Phase.SUCCEEDED, Reason.COMPLETED, found)
    status = statuses.finished(scan, verdict, now, result.summary(), ref)
    return status.model_copy(update={"objects": counts.shown()}) if counts is not None else status


def _all_failed(counts: ObjectCounts | None) -> Verdict | None:
    """Return the end of a scan none of whose objects could be read, with the first one's reason."""
    if counts is None or counts.failed < counts.total or not counts.failures:
        return None
    first = counts.failures[0]
    reason = Reason(first.reason) if first.reason in set(Reason) else Reason.JOB_FAILED  # of a newer scanner
    return Verdict(Phase.FAILED, reason, f"none of {counts.total} objects could be read; {first.key}: {first.message}")
