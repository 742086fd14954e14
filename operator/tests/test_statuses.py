"""Statuses: small, with conditions whose times mean something."""

import json
from datetime import timedelta

import pytest
from objects import NOW, ROW, job, job_body, scan, stamp

from logscan_api.exitcodes import Reason
from logscan_api.results import summarize
from logscan_api.statuses import LogScanStatus, Phase
from logscan_operator import statuses
from logscan_operator.items import Scan, ScanJob
from logscan_operator.statuses import Verdict

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


def test_a_final_status_is_below_four_kilobytes() -> None:
    row = {**ROW, "by_rule": {f"rule-{n:0>50}": n + 1 for n in range(200)}}
    row["severities"] = dict.fromkeys(row["by_rule"], "critical")
    long_job = job_body(attempt=10)
    ref = {"table": "t" * 64, "pk": "O#logs#" + "k" * 1024, "sk": "S#" + "v" * 64}
    long_job["metadata"] |= {"name": "j" * 63, "annotations": {"logscan.dev/result": json.dumps(ref)}}
    status = statuses.running(scan(), ScanJob.parse(long_job), NOW)
    final = statuses.finished(after(scan(), status), Verdict(Phase.FAILED, Reason.JOB_FAILED, "m" * 9999), NOW)
    short = final.model_copy(update={"summary": summarize(row)})
    assert len(short.model_dump_json(by_alias=True, exclude_none=True)) < 4096
    assert len(str(final.message)) == statuses.MESSAGE_LENGTH


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (59, "59s"), (125, "2m5s"), (3780, "1h3m"), (-5, "0s")])
def test_durations_are_for_people(seconds: int, text: str) -> None:
    assert statuses.duration(NOW, NOW + timedelta(seconds=seconds)) == text


def test_a_scan_that_never_started_has_no_duration() -> None:
    assert statuses.finished(scan(), DONE, NOW).duration is None
