"""Carrying out actions: what is asked and written for each, and what an answer makes of a scan."""

import json
from typing import Any

import pytest
from memorycluster import Bench
from objects import RUNNING, job, job_body, pod_body, scan_body, stamp

from logscan_api.errors import MalformedResultError, UntrustedResultError
from logscan_api.identity import partition_key, sort_key
from logscan_api.sources import S3Source
from logscan_api.statuses import Phase
from logscan_local.testkit.results import RESULT
from logscan_operator import paths
from logscan_operator.actions import CheckPending, Collect, DeleteScan, Stop, SuspendJob, WriteStatus
from logscan_operator.errors import ApiError
from logscan_operator.items import Object, Scan
from logscan_operator.jobsignatures import signed
from logscan_operator.scanjobs import ScanJob

JOB, PODS, EVENTS = paths.jobs("logscan", "a-1"), paths.pods("logscan"), paths.events("logscan")
SOURCE = S3Source(bucket="logs", key="a.log", etag="abc")
OWN_ROW = {"table": "results", "pk": partition_key("logscan", SOURCE), "sk": sort_key(SOURCE, "uid-a", "0" * 16, True)}


def running(bench: Bench, job: Object, row: Object = OWN_ROW) -> tuple[Scan, ScanJob]:
    """Store a scan and its Job, and return both as the view knows them."""
    scan = bench.scan(scan_body(status={**RUNNING, "result": row}))
    job["metadata"]["annotations"]["logscan.dev/result"] = json.dumps(row)
    bench.job(signed(job, bench.settings.row_keys[0]))
    known = bench.view.newest_job(scan)
    assert known is not None
    return scan, known


def pod(bench: Bench, body: Object) -> None:
    bench.cluster.put(f"{PODS}/p", {**body, "metadata": {**body["metadata"], "name": "p"}})


def failed_create(bench: Bench, message: str, at: float = 0) -> None:
    body = {"metadata": {"name": f"e{at}"}, "message": message, "lastTimestamp": stamp(at)}
    bench.cluster.put(f"{EVENTS}/e{at}", body)


@pytest.mark.parametrize("suspend", [True, False])
async def test_a_suspended_job_is_marked_as_ours(suspend: bool) -> None:
    bench = Bench()
    scan, known = running(bench, job_body(suspend=None if suspend else "ours"))
    await bench.executor.perform(SuspendJob(scan, known, suspend))
    stored = bench.cluster.objects[JOB]
    assert stored["spec"]["suspend"] is suspend
    assert ("logscan.dev/suspended" in stored["metadata"]["annotations"]) is suspend
    newest = bench.view.newest_job(scan)
    assert newest is not None
    assert newest.suspended is suspend


async def test_stopping_deletes_the_job_before_the_status_says_so() -> None:
    bench = Bench()
    scan, known = running(bench, job_body())
    status = scan.status.model_copy(update={"phase": Phase.CANCELLED, "job": None})
    await bench.executor.perform(Stop(scan, known, status))
    assert [call[0] for call in bench.cluster.calls[:2]] == ["DELETE", "PATCH"]
    assert (bench.jobs(), bench.status()["phase"], bench.view.newest_job(scan)) == ({}, "Cancelled", None)


async def test_stopping_without_a_job_writes_the_status() -> None:
    bench = Bench()
    scan = bench.scan(scan_body())
    await bench.executor.perform(Stop(scan, None, scan.status.model_copy(update={"message": "m"})))
    assert bench.status()["message"] == "m"
    assert not any(method == "DELETE" for method, _ in bench.cluster.calls)


async def test_a_job_that_is_another_one_by_now_is_left_alone() -> None:
    bench = Bench()
    scan, known = running(bench, job_body())
    bench.cluster.objects[JOB]["metadata"]["uid"] = "another"
    await bench.executor.perform(SuspendJob(scan, known, True))
    await bench.executor.perform(Stop(scan, known, scan.status))
    assert (bench.jobs()["a-1"]["spec"]["suspend"], bench.view.newest_job(scan)) == (False, None)


async def test_a_scan_is_deleted_and_no_other_of_its_name() -> None:
    bench = Bench()
    scan = bench.scan(scan_body())
    path = paths.scans("logscan", "a")
    bench.cluster.objects[path]["metadata"]["uid"] = "another"
    await bench.executor.perform(DeleteScan(scan))
    assert path in bench.cluster.objects
    bench.cluster.objects[path]["metadata"]["uid"] = "uid-a"
    await bench.executor.perform(DeleteScan(scan))
    assert path not in bench.cluster.objects


async def test_a_status_is_not_written_over_a_change_that_nobody_has_seen() -> None:
    bench = Bench()
    scan = bench.scan(scan_body())
    changed = scan_body(priority=9)
    changed["metadata"]["generation"] = 2
    bench.cluster.put(paths.scans("logscan", "a"), changed)
    await bench.executor.perform(WriteStatus(scan, scan.status.model_copy(update={"message": "old"})))
    assert bench.status() == {}
    assert bench.view.scans[scan.key].readable_spec.priority == 9


async def test_a_row_is_a_success_without_a_look_at_the_pods() -> None:
    bench = Bench(RESULT)
    scan, known = running(bench, job_body(ended="Complete"))
    await bench.executor.perform(Collect(scan, known))
    assert (bench.status()["phase"], bench.status()["summary"]["matchedLines"]) == ("Succeeded", 3)
    assert ("GET", PODS) not in bench.cluster.calls
    assert [ref.sk for ref in bench.rows.asked] == [OWN_ROW["sk"]]
    assert bench.count("logscan_scans_finished_total", phase="Succeeded") == 1


async def test_the_row_of_another_scan_is_not_even_read() -> None:
    bench = Bench(RESULT)
    scan, known = running(bench, job_body(ended="Complete"), {**OWN_ROW, "pk": "team-b#logs#x"})
    await bench.executor.perform(Collect(scan, known))
    assert bench.rows.asked == []
    assert bench.status()["phase"] != "Succeeded"


@pytest.mark.parametrize("error", [UntrustedResultError("not signed"), MalformedResultError("what is this")])
async def test_a_row_that_is_not_believed_is_said_to_be(error: Exception) -> None:
    bench = Bench(error)
    scan, known = running(bench, job_body(ended="Complete"))
    await bench.executor.perform(Collect(scan, known))
    assert bench.status()["phase"] in ("Queued", "Failed")
    assert str(error) in bench.status()["message"]


async def test_a_row_that_is_not_believed_is_counted_and_the_retry_has_its_reason() -> None:
    bench = Bench(UntrustedResultError("not signed"))
    scan, known = running(bench, job_body(ended="Complete"))
    await bench.executor.perform(Collect(scan, known))
    assert bench.status()["reason"] == "Backoff"
    assert bench.count("logscan_untrusted_rows_total") == 1
    assert bench.count("logscan_retries_total", reason="ResultUntrusted") == 1
    assert bench.count("logscan_retries_total", reason="ResultMissing") == 0


async def test_a_failed_attempt_is_counted_if_it_is_tried_again() -> None:
    bench = Bench(None)
    scan, known = running(bench, job_body(ended="Failed"))
    pod(bench, pod_body(70))
    await bench.executor.perform(Collect(scan, known))
    assert (bench.status()["phase"], bench.status()["reason"]) == ("Queued", "Backoff")
    assert bench.count("logscan_retries_total", reason="InternalError") == 1


async def test_a_failure_for_good_is_not_counted_as_a_retry() -> None:
    bench = Bench(None)
    scan, known = running(bench, job_body(ended="Failed"))
    pod(bench, pod_body(66))
    await bench.executor.perform(Collect(scan, known))
    assert (bench.status()["phase"], bench.status()["reason"]) == ("Failed", "ObjectNotFound")
    assert bench.count("logscan_retries_total", reason="ObjectNotFound") == 0
    assert bench.count("logscan_job_failures_total", reason="ObjectNotFound") == 1


@pytest.mark.parametrize("owners", [None, [], [{"kind": "Job", "name": "a-1", "uid": "job-a-1"}]])
async def test_a_pod_that_only_has_the_label_of_the_job_explains_nothing(owners: list[Object] | None) -> None:
    bench = Bench(None)
    scan, known = running(bench, job_body(ended="Failed"))
    forged = pod_body(66)
    pod(bench, {**forged, "metadata": {**forged["metadata"], "ownerReferences": owners}})
    await bench.executor.perform(Collect(scan, known))
    assert (bench.status()["phase"], bench.status()["reason"]) == ("Queued", "Backoff")
    assert bench.count("logscan_retries_total", reason="JobFailed") == 1


def unfinished_pod(**status: Any) -> Object:
    return {**pod_body(0), "status": status}


def waiting_pod(reason: str) -> Object:
    waiting = {"state": {"waiting": {"reason": reason, "message": "m"}}}
    return unfinished_pod(phase="Pending", containerStatuses=[waiting])


async def test_a_pod_that_runs_after_all_changes_nothing() -> None:
    bench = Bench()
    scan, known = running(bench, job_body())
    pod(bench, unfinished_pod(phase="Running"))
    await bench.executor.perform(CheckPending(scan, known, late=True))
    assert all(method == "GET" for method, _ in bench.cluster.calls)


async def test_what_keeps_a_pod_from_starting_is_said_once() -> None:
    bench = Bench()
    scan, known = running(bench, job_body())
    pod(bench, waiting_pod("ImagePullBackOff"))
    for _ in range(2):
        await bench.executor.perform(CheckPending(bench.view.scans[scan.key], known, late=False))
    assert (bench.status()["phase"], bench.status()["reason"]) == ("Running", "ImagePullFailed")
    assert [method for method, path in bench.cluster.calls if path.endswith("/status")] == ["PATCH"]


async def test_a_pod_that_does_not_start_in_time_ends_the_attempt() -> None:
    bench = Bench()
    scan, known = running(bench, job_body())
    pod(bench, waiting_pod("ImagePullBackOff"))
    await bench.executor.perform(CheckPending(scan, known, late=True))
    assert (bench.jobs(), bench.status()["reason"], bench.status()["attempts"]) == ({}, "Backoff", 1)
    assert bench.count("logscan_retries_total", reason="ImagePullFailed") == 1


async def test_an_image_that_no_waiting_brings_ends_the_scan_at_once() -> None:
    bench = Bench()
    scan, known = running(bench, job_body())
    pod(bench, waiting_pod("InvalidImageName"))
    await bench.executor.perform(CheckPending(scan, known, late=False))
    assert (bench.jobs(), bench.status()["phase"], bench.status()["reason"]) == ({}, "Failed", "ImagePullFailed")
    assert bench.count("logscan_retries_total", reason="ImagePullFailed") == 0


async def test_a_job_without_a_pod_is_waited_for_until_it_is_late() -> None:
    bench = Bench()
    scan, known = running(bench, job_body())
    await bench.executor.perform(CheckPending(scan, known, late=False))
    assert list(bench.jobs()) == ["a-1"]
    assert not any(method == "PATCH" for method, _ in bench.cluster.calls)
    await bench.executor.perform(CheckPending(scan, known, late=True))
    assert bench.jobs() == {}


async def test_a_refused_pod_costs_no_attempt() -> None:
    bench = Bench()
    scan, known = running(bench, job_body())
    failed_create(bench, "Error creating: timeout", at=-30)
    failed_create(bench, 'Error creating: pods "a-1-x" is forbidden: exceeded quota: q', at=0)
    await bench.executor.perform(CheckPending(scan, known, late=False))
    status = bench.status()
    assert (bench.jobs(), status["reason"], status["refusals"]) == ({}, "QuotaExceeded", 1)
    assert status.get("attempts", 0) == 0


async def test_events_that_may_not_be_read_are_done_without() -> None:
    bench = Bench()
    scan, known = running(bench, job_body())
    bench.cluster.refusals["GET", EVENTS] = ApiError(403, "Forbidden", "no")
    await bench.executor.perform(CheckPending(scan, known, late=True))
    assert bench.status()["reason"] == "Backoff"


async def test_events_that_cannot_be_read_are_asked_for_again() -> None:
    bench = Bench()
    scan, known = running(bench, job_body())
    bench.cluster.refusals["GET", EVENTS] = ApiError(500, "InternalError", "etcd")
    with pytest.raises(ApiError):
        await bench.executor.perform(CheckPending(scan, known, late=True))
    assert list(bench.jobs()) == ["a-1"]


async def test_a_vanished_job_is_collected_without_one() -> None:
    bench = Bench(None)
    scan = bench.scan(scan_body(status={**RUNNING, "result": OWN_ROW}))
    await bench.executor.perform(Collect(scan, None))
    assert ("GET", PODS) not in bench.cluster.calls
    assert bench.status()["reason"] in ("Backoff", "JobLost")
    assert job().key == ("logscan", "a-1"), "the name under which nothing is there"
