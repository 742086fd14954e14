"""Each status and each failure, whole, as people and kstatus see it: compared with a reviewed file.

To accept a change: `python operator/tests/test_golden_statuses.py`, then read the difference.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml
from objects import NOW, RUNNING, SETTINGS, job, job_body, pod_body, scan, stamp

from logscan_api.exitcodes import ExitCode, Reason
from logscan_api.quantities import Quantity
from logscan_api.statuses import LogScanStatus, Phase
from logscan_local.testkit.results import RESULT
from logscan_operator import outcomes, statuses
from logscan_operator.conditions import Verdict
from logscan_operator.items import Object, Scan, ScanJob
from logscan_operator.outcomes import Failure

GOLDEN = Path(__file__).parent / "golden"
BEFORE = {**RUNNING, "attempts": 3, "priorAttempts": 1, "startTime": stamp(-60), "refusals": 2, "retryTime": stamp(-70)}
AGAIN = job(attempt=3)


def recorded_job(attempt: int, **changes: Any) -> ScanJob:
    """Return a Job that records a policy and has a memory limit."""
    body = job_body(attempt=attempt, **changes)
    record = '{"policy": "pol", "attempts": 2, "timeoutSeconds": 60, "job": {}}'
    body["metadata"]["annotations"]["logscan.dev/resolved"] = record
    body["spec"]["template"] = {"spec": {"containers": [{"resources": {"limits": {"memory": "256Mi"}}}]}}
    return ScanJob.parse(body)


def said() -> dict[str, LogScanStatus]:
    """Return a status of each kind."""
    new, old = scan("new"), scan(status=BEFORE, retry="again")
    waits = Verdict(Phase.QUEUED, Reason.QUOTA_EXCEEDED, "no quota")
    failed = Verdict(Phase.FAILED, Reason.INVALID_RULE, "no such pack")
    memory = Failure(Reason.OUT_OF_MEMORY, "too much memory", permanent=True)
    broken = Failure(Reason.INTERNAL_ERROR, "unexpected error", permanent=False)
    retried: Scan = scan(status={"phase": "Failed", "attempts": 3}, retry="again")
    return {
        "waiting": statuses.waiting(new, waits, NOW),
        "running": statuses.running(new, recorded_job(1), NOW),
        "running again": statuses.running(old, recorded_job(4), NOW),
        "starting": statuses.starting(old, AGAIN, Reason.UNSCHEDULABLE, "no node", NOW),
        "held by Kueue": statuses.held(old, job(attempt=3, suspend="kueue"), NOW),
        "held by somebody": statuses.held(old, job(attempt=3, suspend="other"), NOW),
        "refused Job": statuses.withdrawn(new, None, waits, NOW, NOW, 3),
        "refused pod": statuses.withdrawn(old, AGAIN, waits, NOW, NOW, 3),
        "first pod withdrawn": statuses.withdrawn(new, job(), waits, NOW, NOW),
        "reopened": statuses.reopened(retried, NOW),
        "reopened without a Job": statuses.reopened(scan(status={"phase": "Failed"}, retry="again"), NOW),
        "failed before its first Job": statuses.finished(new, failed, NOW),
        "retrying": outcomes.after_failure(old, 3, broken, 3, SETTINGS, NOW),
        "out of memory": outcomes.after_failure(old, 3, memory, 3, SETTINGS, NOW, recorded_job(3)),
        "out of memory twice": outcomes.after_failure(
            scan(status=BEFORE | {"memoryLimit": "512Mi"}), 3, memory, 3, SETTINGS, NOW, recorded_job(3)
        ),
        "failed": outcomes.after_failure(old, 4, broken, 3, SETTINGS, NOW, recorded_job(4)),
        "succeeded": outcomes.conclude(old, recorded_job(4, ended="Complete"), [], RESULT, 3, SETTINGS, NOW),
        "vanished": outcomes.conclude(old, None, [], None, 3, SETTINGS, NOW),
    }


def pending(phase: str | None = "Pending", **status: Any) -> Object:
    return {"status": {**({"phase": phase} if phase else {}), **status}}


def waits(word: str, **more: str) -> Object:
    return pending(containerStatuses=[{"state": {"waiting": {"reason": word, **more}}}])


def failures() -> dict[str, Failure | None]:
    """Return why attempts left no row, and why pods do not start."""
    late = job_body(ended="Failed", reason="DeadlineExceeded")
    evicted = {"metadata": {"creationTimestamp": stamp()}, "status": {"reason": "Evicted"}}
    unplaced = {"type": "PodScheduled", "status": "False"}
    silent = job_body(ended="Failed")
    silent["status"]["conditions"][0]["message"] = ""
    bare = pod_body(ExitCode.INTERNAL_ERROR)
    del bare["status"]["containerStatuses"][0]["state"]["terminated"]["message"]
    return {
        "no Job": outcomes.explain(None, []),
        "deadline": outcomes.explain(ScanJob.parse(late), [pod_body(137)]),
        "evicted": outcomes.explain(job(ended="Failed"), [pod_body(137), evicted]),
        "out of memory": outcomes.explain(job(ended="Failed"), [pod_body(137, reason="OOMKilled")]),
        "complete without a row": outcomes.explain(job(ended="Complete"), [pod_body(0)]),
        "failed with the Job's message": outcomes.explain(job(ended="Failed"), []),
        "failed without a message": outcomes.explain(ScanJob.parse(silent), []),
        "unknown exit code": outcomes.explain(job(ended="Failed"), [pod_body(3)]),
        "no last words": outcomes.explain(job(ended="Failed"), [bare]),
        "other last words": outcomes.explain(job(ended="Failed"), [pod_body(ExitCode.INTERNAL_ERROR, "w" * 600)]),
        **{
            f"exit code {code.name}": outcomes.explain(job(ended="Failed"), [pod_body(code, '{"message": "words"}')])
            for code in ExitCode
            if code is not ExitCode.DONE
        },
        "no pod": outcomes.explain_pending([]),
        "no pod, and why": outcomes.explain_pending([], "quota"),
        "no node": outcomes.explain_pending([pending(conditions=[unplaced | {"message": "0/3 nodes"}])]),
        "no node, no message": outcomes.explain_pending([pending(None, conditions=[unplaced])]),
        "placed, and not ready": outcomes.explain_pending(
            [pending(conditions=[{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}])]
        ),
        "pull": outcomes.explain_pending([waits("ImagePullBackOff", message="no such image")]),
        "pull never": outcomes.explain_pending([waits("ErrImageNeverPull")]),
        "bad name": outcomes.explain_pending([waits("InvalidImageName")]),
        "no config": outcomes.explain_pending([waits("CreateContainerConfigError", message="no secret")]),
        "creating": outcomes.explain_pending([waits("ContainerCreating")]),
        "initializing": outcomes.explain_pending([waits("PodInitializing")]),
        "no state": outcomes.explain_pending([pending(containerStatuses=[{}, {"state": {}}])]),
        "runs": outcomes.explain_pending([waits("ImagePullBackOff"), pending("Running")][1:]),
    }


def seen() -> dict[str, Any]:
    why = {
        name: {"reason": str(f.reason), "message": f.message, "permanent": f.permanent} if f else None
        for name, f in failures().items()
    }
    return {"statuses": {name: status.wire() for name, status in said().items()}, "failures": why}


@pytest.mark.parametrize("part", ["statuses", "failures"])
def test_they_are_the_golden_ones(part: str) -> None:
    assert seen()[part] == yaml.safe_load((GOLDEN / f"{part}.yaml").read_text())


def test_a_limit_that_has_been_raised_is_not_raised_again() -> None:
    memory = Failure(Reason.OUT_OF_MEMORY, "too much memory", permanent=True)
    first = outcomes.after_failure(scan(status=BEFORE), 3, memory, 3, SETTINGS, NOW, recorded_job(3))
    assert (first.phase, first.memory_limit) == (Phase.QUEUED, Quantity("512Mi"))
    raised = scan(status={**BEFORE, "memoryLimit": "512Mi"})
    assert outcomes.after_failure(raised, 3, memory, 9, SETTINGS, NOW, recorded_job(3)).phase is Phase.FAILED
    assert (
        outcomes.after_failure(scan(status=BEFORE), 3, memory, 9, SETTINGS, NOW, job(attempt=3)).phase is Phase.FAILED
    )


if __name__ == "__main__":
    for part, content in seen().items():
        (GOLDEN / f"{part}.yaml").write_text(yaml.safe_dump(content, sort_keys=False, width=120, allow_unicode=True))
