"""Failures that a scan cannot notify of by itself: a Job of the scanner's image does, once."""

import asyncio
import json
from typing import Any

import pytest
from memorycluster import Bench
from objects import NOW, RUNNING, SETTINGS, job_body, pod_body, scan_body

from logscan_api.exitcodes import Reason
from logscan_api.identity import notice_name, partition_key, sort_key
from logscan_api.jobtemplates import JobTemplate
from logscan_api.policies import LogScanPolicySpec
from logscan_api.requests import NoticeRequest
from logscan_api.sources import S3Source
from logscan_api.statuses import Phase, ResultRef
from logscan_operator import jobs, notices, paths, statuses
from logscan_operator.actions import Collect
from logscan_operator.conditions import Verdict
from logscan_operator.environment import request_of
from logscan_operator.errors import ApiError, KubeError, NoAnswerError
from logscan_operator.items import Object, Scan
from logscan_operator.jobsignatures import signed
from logscan_operator.resolving import resolve
from logscan_operator.scanjobs import ScanJob

SLACK = {"name": "team", "type": "slack", "secretRef": {"name": "slack", "key": "url"}}
TOLD: Object = {"channels": [{**SLACK, "when": "Failure"}]}
OTHERS: Object = {"channels": [{**SLACK, "when": "Match"}]}
ROW = ResultRef(
    table="results",
    pk=partition_key("logscan", S3Source(bucket="logs", key="a.log", etag="abc")),
    sk=sort_key(S3Source(bucket="logs", key="a.log", etag="abc"), "uid-a", "0" * 16, True),
)
NOTICE = paths.jobs("logscan", notice_name("a", "uid-a", 1))


def request_in(job: Object) -> NoticeRequest:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return NoticeRequest.from_variable(request_of(container) or "")


def built(body: Object, policy: LogScanPolicySpec | None = None, settings: Any = SETTINGS) -> tuple[Object, Object]:
    """Return the Job of a scan, and the one that notifies of its failure."""
    scan = Scan.parse(body)
    resolved = resolve(scan.readable_spec, {"pol": policy} if policy else {}, {}, settings)
    env = {"AWS_REGION": "eu-central-1", "HOME": "/root"}
    request = jobs.build_request(scan, 1, resolved, settings)
    status = statuses.finished(scan, Verdict(Phase.FAILED, Reason.OUT_OF_MEMORY, "too much"), NOW)
    return (
        jobs.build_job(scan, request, resolved, settings, env),
        notices.build(scan, 1, status, request.result, resolved, settings, env),
    )


def test_its_pod_is_that_of_a_scan_with_another_task_and_less_memory() -> None:
    template = {"nodeSelector": {"pool": "scans"}, "resources": {"limits": {"memory": "8Gi"}}}
    scan, notice = built(scan_body(notify=TOLD, job=template))
    pods = [job["spec"]["template"]["spec"] for job in (scan, notice)]
    (theirs,), (ours,) = (pod.pop("containers") for pod in pods)
    assert pods[0] == pods[1]
    secret = {"name": "LOGSCAN_CHANNEL_1_SECRET"}
    assert all(any(secret.items() <= entry.items() for entry in found["env"]) for found in (theirs, ours))
    changed = {name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)}
    assert changed == {"env", "resources", "args"}
    assert (ours["args"], ours["resources"]["limits"]) == (["notify"], {"memory": "128Mi"})
    assert scan["metadata"]["ownerReferences"] == notice["metadata"]["ownerReferences"]


def test_it_says_what_the_status_says_and_holds_no_more_than_that_takes() -> None:
    policy = LogScanPolicySpec.model_validate({"rules": {"packs": ["etcd"]}, "notify": TOLD})
    scan, notice = built(scan_body(rules=None), policy)
    request = request_in(notice)
    assert (request.reason, request.message, request.policy) == ("OutOfMemory", "too much", "pol")
    assert request.result.sk in scan["metadata"]["annotations"]["logscan.dev/result"]
    assert "tokens" not in request.wire()
    assert "rules" not in request.wire()


def test_it_waits_in_the_queue_of_the_scans_and_is_no_attempt() -> None:
    labels = {"kueue.x-k8s.io/queue-name": "scans", "logscan.dev/scan-uid": "uid-a", "logscan.dev/attempt": "1"}
    settings = SETTINGS.model_copy(update={"scanner_job": JobTemplate(labels=labels)})
    _, notice = built(scan_body(notify=TOLD), None, settings)
    for found in (notice["metadata"]["labels"], notice["spec"]["template"]["metadata"]["labels"]):
        assert found["kueue.x-k8s.io/queue-name"] == "scans"
        assert not {"logscan.dev/scan-uid", "logscan.dev/attempt"} & set(found)
    with pytest.raises(ValueError, match="no LogScan"):
        ScanJob.parse({**notice, "metadata": {**notice["metadata"], "uid": "j", "resourceVersion": "1"}})


def failed(bench: Bench, code: int, reason: str = "Error", **spec: Any) -> Collect:
    """Store a scan whose last attempt has failed, and return what is to be done about it."""
    row = ROW.model_dump(by_alias=True, exclude_none=True)
    scan = bench.scan(scan_body(status={**RUNNING, "result": row}, **{"attempts": 1, **spec}))
    job = job_body(ended="Failed")
    job["metadata"]["annotations"]["logscan.dev/result"] = json.dumps(row)
    bench.job(signed(job, bench.settings.row_keys[0]))
    pod = pod_body(code, reason=reason)
    bench.cluster.put(f"{paths.pods('logscan')}/p", {**pod, "metadata": {**pod["metadata"], "name": "p"}})
    return Collect(scan, bench.view.newest_job(scan))


@pytest.mark.parametrize(
    ("code", "reason", "notify", "made"),
    [
        (137, "OOMKilled", TOLD, True),
        (137, "Error", TOLD, True),
        (75, "Error", TOLD, True),
        (64, "Error", TOLD, True),
        (66, "Error", TOLD, False),  # the scanner notified of that
        (137, "OOMKilled", OTHERS, False),
        (137, "OOMKilled", None, False),
    ],
)
async def test_which_failures_it_is_made_for(code: int, reason: str, notify: Object | None, made: bool) -> None:
    bench = Bench(None, scanner_memory_most=SETTINGS.scanner_memory_limit)
    await bench.executor.perform(failed(bench, code, reason, **({"notify": notify} if notify else {})))
    assert bench.status()["phase"] == "Failed"
    assert (NOTICE in bench.cluster.objects) == made
    if made:
        request = request_in(bench.cluster.objects[NOTICE])
        assert (request.reason, request.message) == (bench.status()["reason"], bench.status()["message"])
    assert len(bench.view.live_jobs) == 0, "it holds no slot"


async def test_an_attempt_that_is_tried_again_is_no_failure_yet() -> None:
    bench = Bench(None)
    await bench.executor.perform(failed(bench, 75, notify=TOLD, attempts=2))
    assert (bench.status()["phase"], NOTICE in bench.cluster.objects) == ("Queued", False)


async def test_a_process_that_is_killed_before_the_status_is_written_makes_no_second_one() -> None:
    bench = Bench(None, None)
    action = failed(bench, 137, notify=TOLD)
    patch = ("PATCH", paths.scans("logscan", "a", "status"))
    bench.cluster.refusals[patch] = NoAnswerError("killed")
    with pytest.raises(KubeError):
        await bench.executor.perform(action)
    first = bench.cluster.objects[NOTICE]
    del bench.cluster.refusals[patch]
    await bench.executor.perform(action)
    assert (bench.status()["phase"], bench.cluster.objects[NOTICE]) == ("Failed", first)


@pytest.mark.parametrize(
    "error",
    [
        ApiError(403, "Forbidden", 'jobs.batch "x" is forbidden: exceeded quota: few'),
        ApiError(422, "Invalid", "spec: no"),
        ApiError(500, "InternalError", 'failed calling webhook "w": no endpoints'),
    ],
)
async def test_a_refused_one_keeps_no_status_back(error: ApiError) -> None:
    bench = Bench(None)
    action = failed(bench, 137, notify=TOLD)
    bench.cluster.refusals["POST", paths.jobs("logscan")] = error
    await bench.executor.perform(action)
    assert bench.status()["phase"] == "Failed"
    for _ in range(5):
        await asyncio.sleep(0)  # Events are written beside the work
    events = [found for path, found in bench.cluster.objects.items() if path.startswith(paths.events("logscan"))]
    assert any(found["reason"] == "NotNotified" and str(error) in found["message"] for found in events)


async def test_an_api_server_that_is_away_is_asked_again() -> None:
    bench = Bench(None, None)
    action = failed(bench, 137, notify=TOLD)
    post = ("POST", paths.jobs("logscan"))
    bench.cluster.refusals[post] = ApiError(503, "ServiceUnavailable", "later")
    with pytest.raises(ApiError):
        await bench.executor.perform(action)
    assert bench.status()["phase"] == "Running"
    del bench.cluster.refusals[post]
    await bench.executor.perform(action)
    assert (bench.status()["phase"], NOTICE in bench.cluster.objects) == ("Failed", True)
