"""Statuses: small, with conditions whose times mean something."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from objects import NOW, job, job_body, scan, scan_body, stamp

from logscan_api.exitcodes import Reason
from logscan_api.incomplete import Incomplete
from logscan_api.statuses import LogScanStatus, Phase
from logscan_local.testkit.results import RESULT
from logscan_operator import conditions, statuses
from logscan_operator.conditions import Verdict
from logscan_operator.items import Scan
from logscan_operator.scanjobs import ScanJob

ENDED = {
    "phase": "Failed",
    "reason": "JobFailed",
    "completionTime": stamp(-10),
    "attempts": 2,
    "summary": RESULT.summary().wire(),
    "result": {"table": "t", "pk": "p", "sk": "s"},
    "job": {"name": "a-2", "uid": "job-a-2"},
    "conditions": [{"type": "Failed", "status": "True", "reason": "x", "message": "", "lastTransitionTime": stamp()}],
}
DONE = Verdict(Phase.SUCCEEDED, Reason.COMPLETED, "fine")


def after(before: Scan, status: LogScanStatus) -> Scan:
    """Return a scan with another status."""
    return Scan(**{**before.__dict__, "status": status})


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    first = scan()
    waits = statuses.waiting(first, Verdict(Phase.QUEUED, Reason.CONCURRENCY_LIMIT, "busy"), NOW)
    later = NOW + timedelta(seconds=60)
    held = statuses.waiting(after(first, waits), Verdict(Phase.SUSPENDED, Reason.SUSPENDED, "held"), later)
    runs = statuses.running(after(first, held), job(), later)
    admitted = [next(c for c in s.conditions or [] if c.type == "Admitted") for s in (waits, held, runs)]
    assert [c.last_transition_time for c in admitted] == [stamp(), stamp(), stamp(60)]
    assert [c.reason for c in admitted] == ["ConcurrencyLimit", "Suspended", "JobCreated"]


def test_every_status_shows_what_is_scanned_in_short() -> None:
    long = scan(source={"s3": {"bucket": "logs", "prefix": "p" * 1024}})
    shown = statuses.running(long, job(), NOW).object
    assert shown is not None
    assert (len(shown), shown[-4:]) == (60, "ppp*")


def test_a_retry_keeps_the_first_start() -> None:
    first = scan(status={"phase": "Queued", "startTime": stamp(-100), "retryTime": stamp(-1), "attempts": 1})
    status = statuses.running(first, job(attempt=2), NOW)
    assert (status.start_time, status.retry_time, status.attempts) == (stamp(-100), None, 2)


def test_the_patch_removes_what_is_no_longer_said() -> None:
    before = LogScanStatus(phase=Phase.QUEUED, retry_time=stamp())
    after_it = LogScanStatus(phase=Phase.RUNNING)
    assert statuses.patch(before, after_it) == {"phase": "Running", "retryTime": None}


def test_a_final_status_is_below_five_kibibytes() -> None:
    rules = {f"rule-{n:0>58}": n + 1 for n in range(200)}
    part = Incomplete(reason="MaxDecompressedBytes", object="k" * 1024, message="m" * 999)
    facts = {"by_rule": rules, "severities": dict.fromkeys(rules, "critical"), "incomplete": [part] * 9}
    result = RESULT.model_copy(update=facts)
    long_job = job_body(attempt=10)
    ref = {"table": "t" * 64, "pk": "O#logs#" + "k" * 1024, "sk": "S#" + "v" * 64 + f"#R{'u' * 36}:10"}
    long_job["metadata"]["annotations"] = {"logscan.dev/result": json.dumps(ref)}
    longest = replace(ScanJob.parse(long_job), key=("logscan", "j" * 63))
    again = scan(retry="r" * 63, status={"phase": "Pending", "attempts": 9, "priorAttempts": 9})
    status = statuses.running(again, longest, NOW)
    final = statuses.finished(after(again, status), Verdict(Phase.FAILED, Reason.JOB_FAILED, "m" * 9999), NOW)
    short = final.model_copy(update={"summary": result.summary()})
    assert len(short.model_dump_json(by_alias=True, exclude_none=True)) < 5 * 1024
    assert len(str(final.message)) == statuses.MESSAGE_LENGTH


KSTATUS = ("Ready", "Reconciling", "Stalled")


@pytest.mark.parametrize(
    ("phase", "reason", "wanted"),
    [
        (Phase.PENDING, Reason.WAITING, ("False", "True", None)),
        (Phase.QUEUED, Reason.QUOTA_EXCEEDED, ("False", "True", None)),
        (Phase.RUNNING, Reason.JOB_CREATED, ("False", "True", None)),
        (Phase.SUSPENDED, Reason.SUSPENDED, ("False", None, None)),
        (Phase.SUCCEEDED, Reason.COMPLETED, ("True", None, None)),
        (Phase.FAILED, Reason.ACCESS_DENIED, ("False", None, "True")),
        (Phase.CANCELLED, Reason.CANCELLED, ("True", None, None)),
    ],
)
def test_what_kstatus_reads_follows_from_the_phase(
    phase: Phase, reason: Reason, wanted: tuple[str | None, ...]
) -> None:
    before = statuses.finished(scan(), Verdict(Phase.FAILED, Reason.JOB_FAILED, "no"), NOW)
    if not phase.finished:
        before = statuses.running(scan(), job(), NOW)
    found = {c.type: c for c in conditions.of(after(scan(), before), Verdict(phase, reason, "why"), {}, stamp())}
    assert tuple(found[kind].status if kind in found else None for kind in KSTATUS) == wanted
    assert {found[kind].reason for kind in KSTATUS if kind in found} == {str(reason)}


def test_a_scan_that_runs_again_starts_with_nothing_of_the_run_before() -> None:
    body = scan_body(retry="today", status=ENDED)
    again = statuses.reopened(Scan.parse(body), NOW)
    of_a_run = {
        "job",
        "policy",
        "result",
        "summary",
        "startTime",
        "completionTime",
        "duration",
        "retryTime",
        "refusals",
    }
    assert not again.wire().keys() & of_a_run
    assert again.last_handled_retry == "today"
    assert (again.phase, again.attempts, again.prior_attempts) == (Phase.PENDING, 2, 2)
    assert {c.type for c in again.conditions or []} == {"Ready", "Reconciling"}
    patch = statuses.patch(Scan.parse(body).status, again)
    assert {name for name, value in patch.items() if value is None} == {"completionTime", "summary", "result", "job"}


def test_another_change_of_a_finished_scan_changes_nothing_but_what_was_observed() -> None:
    body = scan_body(priority=3, status={**ENDED, "observedGeneration": 1})
    body["metadata"]["generation"] = 2
    changed = Scan.parse(body)
    assert not changed.finished
    assert statuses.reopened(changed, NOW) == changed.status.model_copy(update={"observed_generation": 2})


def test_a_token_belongs_to_the_run_whose_first_job_saw_it() -> None:
    first = Scan.parse(scan_body(retry="a"))
    runs = statuses.running(first, job(), NOW)
    assert runs.last_handled_retry == "a"
    changed = Scan.parse(scan_body(retry="b", status=runs.wire()))
    assert statuses.finished(changed, DONE, NOW).last_handled_retry == "a"
    assert statuses.finished(first, DONE, NOW).last_handled_retry == "a"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (59, "59s"), (125, "2m5s"), (3780, "1h3m"), (-5, "0s")])
def test_durations_are_for_people(seconds: int, text: str) -> None:
    assert statuses.duration(NOW, NOW + timedelta(seconds=seconds)) == text


def test_a_scan_that_never_started_has_no_duration() -> None:
    assert statuses.finished(scan(), DONE, NOW).duration is None
