"""Creating Jobs: what the API server's answers mean, and what a Job runs with."""

from collections.abc import Callable
from typing import Any

import pytest
from memorycluster import Bench
from objects import in_namespace, job_body, scan_body

from logscan_operator import jobs, paths
from logscan_operator.actions import CreateJob
from logscan_operator.errors import ApiError, NoAnswerError
from logscan_operator.items import LARGE_SPEC, Object, parse_time
from logscan_operator.statuses import utc_now

JOBS = ("POST", paths.jobs("logscan"))
LARGE: Object = {"rules": {"inline": [{"name": f"r{n}", "pattern": "x" * 500} for n in range(2 + LARGE_SPEC // 500)]}}
MINE = {"rules": {"inline": [{"name": "mine", "pattern": "MINE"}]}, "priority": 5}


def policy(version: int, **spec: Any) -> Object:
    return {"metadata": {"namespace": "logscan", "name": "p", "resourceVersion": str(version)}, "spec": spec}


def rules_of(job: Object) -> list[str]:
    found = jobs.recorded(job)
    assert found is not None
    assert found.rules is not None
    return [rule.name for rule in found.rules.inline or []]


async def test_a_job_is_created_and_the_status_says_so() -> None:
    bench = Bench()
    scan = bench.scan(scan_body())
    await bench.executor.perform(CreateJob(scan, 1))
    assert list(bench.jobs()) == ["a-1"]
    status = bench.status()
    assert (status["phase"], status["reason"], status["attempts"]) == ("Running", "JobCreated", 1)
    assert status["job"] == {"name": "a-1", "uid": bench.jobs()["a-1"]["metadata"]["uid"]}
    known = bench.view.newest_job(scan)
    assert known is not None
    assert known.uid == status["job"]["uid"], "before any watch has echoed it"
    assert bench.count("logscan_admission_wait_seconds_count") == 1


async def test_the_wait_of_a_scan_is_measured_once() -> None:
    bench = Bench()
    await bench.executor.perform(CreateJob(bench.scan(scan_body()), 2))
    assert list(bench.jobs()) == ["a-2"]
    assert bench.count("logscan_admission_wait_seconds_count") == 0


async def test_nothing_is_created_for_a_scan_that_is_gone_or_replaced() -> None:
    bench = Bench()
    scan = bench.scan(scan_body())
    bench.view.scans.forget(scan.key)
    await bench.executor.perform(CreateJob(scan, 1))
    other = scan_body()
    other["metadata"]["uid"] = "another"
    bench.scan(other)
    await bench.executor.perform(CreateJob(scan, 1))
    assert bench.cluster.calls == []


async def test_a_job_that_an_earlier_process_created_is_adopted() -> None:
    bench = Bench()
    scan = bench.scan(scan_body())
    there = bench.cluster.put(paths.jobs("logscan", "a-1"), job_body())
    await bench.executor.perform(CreateJob(scan, 1))
    assert bench.status()["job"]["uid"] == there["metadata"]["uid"]
    assert bench.status()["phase"] == "Running"


def without_owner(job: Object) -> None:
    job["metadata"]["ownerReferences"] = []


def unsigned(job: Object) -> None:
    del job["metadata"]["annotations"]["logscan.dev/signature"]


@pytest.mark.parametrize("forge", [without_owner, unsigned])
async def test_a_job_of_somebody_else_under_the_name_is_waited_for(forge: Callable[[Object], None]) -> None:
    bench = Bench()
    scan, job = bench.scan(scan_body()), job_body()
    forge(job)
    path = paths.jobs("logscan", "a-1")
    bench.cluster.put(path, job)
    await bench.executor.perform(CreateJob(scan, 1))
    status = bench.status()
    assert (status["phase"], status["reason"], status.get("attempts")) == ("Queued", "JobConflict", None)
    assert "a Job named a-1" in status["message"]
    assert bench.count("logscan_job_refusals_total", reason="JobConflict") == 1
    del bench.cluster.objects[path]
    await bench.executor.perform(CreateJob(bench.view.scans[scan.key], 1))
    assert (bench.status()["phase"], bench.status()["attempts"]) == ("Running", 1)


def of_the_scan_before(job: Object) -> None:
    job["metadata"]["ownerReferences"][0]["uid"] = "uid-before"


def being_deleted(job: Object) -> None:
    job["metadata"]["deletionTimestamp"] = "2026-11-24T08:00:00Z"


@pytest.mark.parametrize("change", [of_the_scan_before, being_deleted])
async def test_a_job_that_is_about_to_go_is_waited_for(change: Callable[[Object], None]) -> None:
    bench = Bench()
    scan, job = bench.scan(scan_body()), job_body()
    change(job)
    bench.cluster.put(paths.jobs("logscan", "a-1"), job)
    with pytest.raises(ApiError, match="exists"):
        await bench.executor.perform(CreateJob(scan, 1))
    assert bench.status() == {}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ApiError(403, "Forbidden", 'jobs.batch "a-1" is forbidden: exceeded quota: q'), "QuotaExceeded"),
        (ApiError(403, "Forbidden", 'User "x" cannot create resource "jobs" in API group "batch"'), "Refused"),
        (ApiError(400, "BadRequest", 'admission webhook "w" denied the request: no'), "Refused"),
    ],
)
async def test_a_refusal_costs_no_attempt_and_is_tried_again_later(error: ApiError, reason: str) -> None:
    bench = Bench()
    scan = bench.scan(scan_body())
    bench.cluster.refusals[JOBS] = error
    await bench.executor.perform(CreateJob(scan, 1))
    status = bench.status()
    assert (status["phase"], status["reason"], status["refusals"]) == ("Queued", reason, 1)
    assert status.get("attempts") in (None, 0)
    assert status["retryTime"] > status["conditions"][0]["lastTransitionTime"]
    await bench.executor.perform(CreateJob(bench.view.scans[scan.key], 1))
    assert bench.status()["refusals"] == 2
    assert bench.status()["retryTime"] > status["retryTime"]
    assert bench.count("logscan_job_refusals_total", reason=reason) == 2


@pytest.mark.parametrize("status", [400, 422])
async def test_what_the_api_server_can_never_accept_fails_the_scan(status: int) -> None:
    bench = Bench()
    bench.cluster.refusals[JOBS] = ApiError(status, "Invalid", "spec.template: no such thing")
    await bench.executor.perform(CreateJob(bench.scan(scan_body()), 1))
    assert (bench.status()["reason"], bench.status()["phase"]) == ("InvalidSpec", "Failed")
    assert "no such thing" in bench.status()["message"]


@pytest.mark.parametrize("error", [ApiError(500, "InternalError", "etcd"), NoAnswerError("reset")])
async def test_an_outage_is_not_the_scans_fault(error: Exception) -> None:
    bench = Bench()
    bench.cluster.refusals[JOBS] = error
    with pytest.raises(type(error)):
        await bench.executor.perform(CreateJob(bench.scan(scan_body()), 1))
    assert bench.status() == {}


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"rules": None}, "NoRules", "LogScanPolicy"),
        ({"rules": {"packs": ["no-such-pack"]}}, "InvalidRule", "no-such-pack"),
    ],
)
async def test_a_scan_that_cannot_run_says_why(spec: Object, reason: str, words: str) -> None:
    bench = Bench()
    await bench.executor.perform(CreateJob(bench.scan(scan_body(**spec)), 1))
    assert (bench.status()["phase"], bench.status()["reason"]) == ("Failed", reason)
    assert words in bench.status()["message"]
    assert bench.jobs() == {}


async def test_a_scan_waits_for_a_rule_set_and_then_runs() -> None:
    bench = Bench()
    scan = bench.scan(scan_body(rules={"ruleSets": ["ours"]}))
    for refusals in range(1, 9):
        await bench.executor.perform(CreateJob(bench.view.scans[scan.key], 1))
        status = bench.status()
        assert (status["phase"], status["reason"], status["refusals"]) == ("Queued", "RuleSetNotReady", refusals)
    assert "the LogScanRuleSet ours does not exist" in status["message"]
    waits = parse_time(status["retryTime"]) - utc_now()
    assert waits.total_seconds() < 70, "however often it was looked for"
    assert bench.jobs() == {}
    condition: Object = {"type": "Ready", "status": "True", "reason": "RulesCompiled", "message": "m"}
    condition |= {"lastTransitionTime": status["retryTime"], "observedGeneration": 1}
    metadata = {"namespace": "logscan", "name": "ours", "resourceVersion": "1", "generation": 1}
    rules = {"rules": [{"name": "mine", "pattern": "mine"}]}
    bench.view.rule_sets.take({"metadata": metadata, "spec": rules, "status": {"conditions": [condition]}})
    await bench.executor.perform(CreateJob(bench.view.scans[scan.key], 1))
    assert len(bench.jobs()) == 1
    assert bench.status()["phase"] == "Running"


async def test_a_tenant_gets_no_more_than_it_may() -> None:
    bench = Bench(watch_namespaces=["team-a"], unlisted_namespaces="Allow")
    body = in_namespace(scan_body(job={"priorityClassName": "system-node-critical"}), "team-a")
    await bench.executor.perform(CreateJob(bench.scan(body), 1))
    status = bench.cluster.objects[paths.scans("team-a", "a")]["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "NotAllowed")


async def test_a_large_spec_is_read_again_and_reaches_the_job_whole() -> None:
    bench = Bench()
    scan = bench.scan(scan_body(**LARGE))
    assert scan.abridged
    await bench.executor.perform(CreateJob(scan, 1))
    assert rules_of(bench.jobs()["a-1"]) == [rule["name"] for rule in LARGE["rules"]["inline"]]


@pytest.mark.parametrize("gone", [True, False])
async def test_a_large_spec_that_has_changed_or_gone_gets_no_job(gone: bool) -> None:
    bench = Bench()
    scan = bench.scan(scan_body(**LARGE))
    path = paths.scans("logscan", "a")
    body = bench.cluster.objects.pop(path)
    if not gone:
        metadata = {**body["metadata"], "generation": 2}
        bench.cluster.put(path, {**body, "metadata": metadata, "spec": {**body["spec"], "priority": 7}})
    await bench.executor.perform(CreateJob(scan, 1))
    assert bench.jobs() == {}
    assert gone or bench.view.scans[scan.key].readable_spec.priority == 7, "the next plan is made of what is there"


async def test_what_applied_to_the_first_attempt_applies_to_the_second() -> None:
    bench = Bench()
    bench.view.policies.take(policy(1, **MINE))
    scan = bench.scan(scan_body(rules=None))
    await bench.executor.perform(CreateJob(scan, 1))
    bench.view.policies.take(policy(2, rules={"inline": [{"name": "other", "pattern": "OTHER"}]}))
    await bench.executor.perform(CreateJob(bench.view.scans[scan.key], 2))
    assert [rules_of(job) for job in bench.jobs().values()] == [["mine"], ["mine"]]


async def test_without_the_first_attempts_job_what_applies_now_does() -> None:
    bench = Bench()
    bench.view.policies.take(policy(1, **MINE))
    scan = bench.scan(scan_body(rules=None))
    await bench.executor.perform(CreateJob(scan, 1))
    bench.view.policies.take(policy(2, rules={"inline": [{"name": "other", "pattern": "OTHER"}]}))
    del bench.cluster.objects[paths.jobs("logscan", "a-1")]
    await bench.executor.perform(CreateJob(bench.view.scans[scan.key], 2))
    assert rules_of(bench.jobs()["a-2"]) == ["other"]


async def test_a_job_that_cannot_be_read_is_no_reason_to_resolve_again() -> None:
    bench = Bench()
    scan = bench.scan(scan_body())
    await bench.executor.perform(CreateJob(scan, 1))
    bench.cluster.refusals["GET", paths.jobs("logscan", "a-1")] = ApiError(503, "", "away")
    with pytest.raises(ApiError):
        await bench.executor.perform(CreateJob(bench.view.scans[scan.key], 2))
    assert list(bench.jobs()) == ["a-1"]
