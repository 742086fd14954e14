"""What the end of an attempt means."""

import json

import pytest
from objects import NOW, SETTINGS, job, job_body, pod_body, scan, stamp

from logscan_api.errors import MalformedResultError, UntrustedResultError
from logscan_api.exitcodes import ExitCode, Reason
from logscan_api.incomplete import Incomplete
from logscan_api.statuses import LogScanStatus, Phase, ResultRef
from logscan_local.testkit.results import RESULT
from logscan_operator.items import Object
from logscan_operator.jobs import build_request
from logscan_operator.outcomes import (
    NOT_STARTED,
    Failure,
    Finding,
    after_failure,
    backoff_seconds,
    conclude,
    explain,
    explain_pending,
    may_have,
    result_of,
)
from logscan_operator.resolving import resolve
from logscan_operator.scanjobs import ScanJob

RUNNING = {"phase": "Running", "attempts": 1, "startTime": stamp(-65), "result": {"table": "t", "pk": "p", "sk": "s"}}


def concluded(
    ended: ScanJob | None,
    pods: list[Object],
    result: Finding = None,
    attempts: int = 3,
) -> LogScanStatus:
    return conclude(scan(status=RUNNING), ended, pods, result, attempts, SETTINGS, NOW)


def words(code: int, message: str) -> str:
    return json.dumps({"code": code, "reason": "x", "message": message})


def test_a_row_is_success_whatever_became_of_the_job() -> None:
    for ended in (job(ended="Complete"), job(ended="Failed"), None):
        status = concluded(ended, [pod_body(70)], RESULT)
        assert (status.phase, status.reason) == (Phase.SUCCEEDED, Reason.COMPLETED)
        assert status.message == "3 of 4 lines matched"
        assert status.duration == "1m5s"
        assert status.summary is not None
        assert [top.rule for top in status.summary.top_rules] == ["error"]


def test_a_job_of_which_no_status_told_counts_as_an_attempt() -> None:
    """The process that created it was killed before the write; a later run must not take the Job for its own."""
    for result, phase in ((RESULT, Phase.SUCCEEDED), (None, Phase.FAILED)):
        status = conclude(scan(), job(ended="Failed"), [pod_body(66)], result, 3, SETTINGS, NOW)
        assert (status.phase, status.attempts, status.job and status.job.name) == (phase, 1, "a-1")


def test_what_an_earlier_scan_found_is_said_to_be_its() -> None:
    status = concluded(
        job(ended="Complete"), [], RESULT.model_copy(update={"scan": "before", "scan_uid": "uid-before"})
    )
    assert status.result is not None
    assert (status.phase, status.result.taken_from) == (Phase.SUCCEEDED, "before")
    assert status.message == "3 of 4 lines matched; found by the earlier scan before"
    own = concluded(job(ended="Complete"), [], RESULT)
    assert own.result is not None
    assert own.result.taken_from is None


def test_a_row_that_is_not_believed_is_no_result_and_the_scan_is_tried_again() -> None:
    forged = UntrustedResultError("the row is not signed")
    status = concluded(job(ended="Complete"), [], forged)
    assert (status.phase, status.summary, status.retry_time) == (Phase.QUEUED, None, stamp(10))
    assert "the row is not signed" in (status.message or "")
    last = concluded(job(ended="Complete"), [], forged, attempts=1)
    assert (last.phase, last.reason, last.summary) == (Phase.FAILED, Reason.RESULT_UNTRUSTED, None)


def test_a_row_that_is_not_believed_does_not_hide_why_the_pod_failed() -> None:
    status = concluded(job(ended="Failed"), [pod_body(66, words(66, "no such key"))], UntrustedResultError("forged"))
    assert (status.phase, status.reason) == (Phase.FAILED, Reason.OBJECT_NOT_FOUND)


OWN = "S#U:uid-a#0123456789abcdef"
OBJECT = "logscan#O#logs#a.log"


@pytest.mark.parametrize("prior", [None, 3])
def test_the_row_that_a_request_names_is_the_scans(prior: int | None) -> None:
    wanted = scan(status={"priorAttempts": prior} if prior else {})
    request = build_request(wanted, 4, resolve(wanted.readable_spec, {}, {}, SETTINGS), SETTINGS)
    assert may_have(wanted, request.result)


@pytest.mark.parametrize(
    ("pk", "sk"),
    [
        ("team-b#O#logs#a.log", OWN),
        ("logscan#O#logs#b.log", OWN),
        ("logscan#P#logs#a.log", OWN),
        (OBJECT, "S#U:uid-b#0123456789abcdef"),
        (OBJECT, "S#E:abc#0123456789abcdef"),
        (OBJECT, f"{OWN}#Ruid-a:3"),
        (OBJECT, "LATEST"),
        ("", ""),
    ],
)
def test_no_row_of_another_scan_is_a_result(pk: str, sk: str) -> None:
    assert may_have(scan(), ResultRef(table="results", pk=OBJECT, sk=OWN))
    assert not may_have(scan(), ResultRef(table="results", pk=pk, sk=sk))


def test_an_incomplete_scan_says_what_was_not_counted() -> None:
    parts = [
        Incomplete(reason="MatchLimit", rule="slow", message="too many steps"),
        Incomplete(reason="Damaged", object="a.gz", message="cut off"),
    ]
    status = concluded(job(ended="Complete"), [], RESULT.model_copy(update={"incomplete": parts}))
    assert (status.phase, status.reason) == (Phase.SUCCEEDED, Reason.COMPLETED)
    assert status.message == (
        "3 of 4 lines matched; incomplete: MatchLimit (rule slow): too many steps, Damaged (a.gz): cut off"
    )
    assert status.summary is not None
    assert [(p.reason, p.rule, p.object) for p in status.summary.incomplete or []] == [
        ("MatchLimit", "slow", None),
        ("Damaged", None, "a.gz"),
    ]
    (partial,) = [condition for condition in status.conditions or [] if condition.type == "Partial"]
    assert (partial.status, partial.message) == ("True", "not all was read or counted: Damaged, MatchLimit")
    whole = concluded(job(ended="Complete"), [], RESULT)
    assert "Partial" not in {condition.type for condition in whole.conditions or []}


def test_where_the_findings_are_is_in_the_status() -> None:
    reports = {"report_uri": "s3://reports/f", "html_report_uri": "s3://reports/p"}
    status = concluded(job(ended="Complete"), [], RESULT.model_copy(update=reports))
    assert status.result == ResultRef(table="results", pk="p", sk="s", **reports)


def test_a_row_that_cannot_be_read_ends_the_scan() -> None:
    """Another attempt would find the same row, and end the same way."""
    status = concluded(job(ended="Complete"), [pod_body(0)], MalformedResultError("the row p, s: schema: must be 1"))
    assert (status.phase, status.reason) == (Phase.FAILED, Reason.RESULT_MISSING)
    assert "schema" in str(status.message)


@pytest.mark.parametrize("code", [code for code in ExitCode if code.permanent])
def test_permanent_exits_fail_at_once_with_the_scanners_words(code: ExitCode) -> None:
    status = concluded(job(ended="Failed", reason="PodFailurePolicy"), [pod_body(code, words(code, "no such key"))])
    assert (status.phase, status.reason, status.message) == (Phase.FAILED, code.reason, "no such key")
    conditions = {c.type: c.status for c in status.conditions or []}
    assert (conditions["Failed"], conditions["Complete"]) == ("True", "False")


@pytest.mark.parametrize("code", [ExitCode.TRY_AGAIN, ExitCode.INTERNAL_ERROR])
def test_other_exits_are_tried_again_until_the_attempts_are_used_up(code: ExitCode) -> None:
    pods = [pod_body(code, words(code, "slow down"))]
    status = concluded(job(ended="Failed"), pods)
    assert (status.phase, status.reason, status.attempts) == (Phase.QUEUED, Reason.BACKOFF, 1)
    assert status.retry_time == stamp(10)
    assert "slow down" in str(status.message)
    final = concluded(job("a", 3, ended="Failed"), pods)
    assert (final.phase, final.reason) == (Phase.FAILED, code.reason)
    assert final.message == "slow down (attempt 3 of 3)"


@pytest.mark.parametrize(
    ("ended", "pods", "reason", "permanent"),
    [
        (job(ended="Failed", reason="DeadlineExceeded"), [], Reason.DEADLINE_EXCEEDED, True),
        (job(ended="Failed"), [pod_body(137, reason="OOMKilled")], Reason.OUT_OF_MEMORY, True),
        (job(ended="Failed"), [pod_body(137, "killed")], Reason.JOB_FAILED, False),
        (job(ended="Failed"), [], Reason.JOB_FAILED, False),
        (job(ended="Failed"), [pod_body(1, "not json")], Reason.JOB_FAILED, False),
        (job(ended="Complete"), [pod_body(0)], Reason.RESULT_MISSING, False),
        (None, [], Reason.JOB_LOST, False),
    ],
)
def test_reasons(ended: ScanJob | None, pods: list[Object], reason: Reason, permanent: bool) -> None:
    failure = explain(ended, pods)
    assert (failure.reason, failure.permanent) == (reason, permanent)
    assert failure.message


@pytest.mark.parametrize(("limit", "raised"), [("256e6", "512000000"), ("268435456000m", "512Mi"), ("1Gi", None)])
def test_any_quantity_that_a_pod_may_have_is_doubled(limit: str, raised: str | None) -> None:
    body = job_body("a", ended="Failed")
    body["spec"]["template"] = {"spec": {"containers": [{"resources": {"limits": {"memory": limit}}}]}}
    status = concluded(ScanJob.parse(body), [pod_body(137, reason="OOMKilled")])
    assert status.memory_limit == raised
    assert status.phase is (Phase.QUEUED if raised else Phase.FAILED)


def test_last_words_that_are_no_json_are_told_as_they_are() -> None:
    assert explain(job(ended="Failed"), [pod_body(66, "plain words")]).message == "plain words"
    assert explain(job(ended="Failed"), [pod_body(66)]).message == "exit code 66"


def test_the_newest_pod_explains() -> None:
    old, new = pod_body(70, words(70, "old")), pod_body(66, words(66, "new"))
    old["metadata"]["creationTimestamp"] = stamp(-100)
    assert explain(job(ended="Failed"), [old, new]).message == "new"


def waiting_pod(word: str) -> Object:
    container = {"state": {"waiting": {"reason": word, "message": "m"}}}
    return {
        "metadata": {"creationTimestamp": stamp()},
        "status": {"phase": "Pending", "containerStatuses": [container]},
    }


@pytest.mark.parametrize(
    ("word", "reason", "permanent"),
    [
        ("ErrImageNeverPull", Reason.IMAGE_PULL_FAILED, True),
        ("InvalidImageName", Reason.IMAGE_PULL_FAILED, True),
        ("ErrImagePull", Reason.IMAGE_PULL_FAILED, False),
        ("ImagePullBackOff", Reason.IMAGE_PULL_FAILED, False),
        ("CreateContainerConfigError", Reason.POD_NOT_STARTED, False),
    ],
)
def test_why_a_pod_has_not_started(word: str, reason: Reason, permanent: bool) -> None:
    failure = explain_pending([waiting_pod(word)])
    assert failure == Failure(reason, f"{word}: m", permanent)


def test_a_pod_that_just_takes_its_time_has_not_failed() -> None:
    assert explain_pending([waiting_pod("ContainerCreating")]) is NOT_STARTED
    assert explain_pending([]) is NOT_STARTED
    assert explain_pending([{"status": {"phase": "Running"}}]) is None
    refused = explain_pending([], "Error creating: no")
    assert refused == Failure(Reason.POD_NOT_STARTED, "Error creating: no", permanent=False)


def test_a_node_that_is_missing_uses_up_attempts_not_the_scan() -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "no disk: ssd"}
    failure = explain_pending([{"status": {"phase": "Pending", "conditions": [condition]}}])
    assert failure is not None
    first = after_failure(scan(status=RUNNING), 1, failure, 2, SETTINGS, NOW)
    assert (first.phase, first.reason, first.attempts) == (Phase.QUEUED, Reason.BACKOFF, 1)
    last = after_failure(scan(status=RUNNING), 2, failure, 2, SETTINGS, NOW)
    assert (last.phase, last.reason) == (Phase.FAILED, Reason.UNSCHEDULABLE)
    assert str(last.message).endswith("no disk: ssd (attempt 2 of 2)")


def test_attempts_of_another_run_count_from_its_first_job() -> None:
    again = scan(status={**RUNNING, "attempts": 4, "priorAttempts": 3})
    status = conclude(again, job(attempt=4, ended="Failed"), [], None, 3, SETTINGS, NOW)
    assert (status.phase, status.attempts, status.retry_time) == (Phase.QUEUED, 4, stamp(10))
    assert str(status.message).startswith("attempt 1 failed")


def test_backoff_doubles_up_to_the_most() -> None:
    assert [backoff_seconds(n, SETTINGS) for n in (1, 2, 3)] == [10, 20, 40]
    assert backoff_seconds(20_000, SETTINGS) == SETTINGS.retry_most_seconds


def test_where_the_row_is() -> None:
    assert result_of(scan(), job()) == job().result
    assert result_of(scan(status=RUNNING), None) is not None
    assert result_of(scan(), None) is None
