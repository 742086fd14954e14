"""Where a Deployment stands (`logscan_local.kind.deployments`), told from what the API server says of it."""

from typing import Any

import pytest

from logscan_local.kind.deployments import DeploymentState, deployment_state, log_commands

Object = dict[str, Any]
REVISION = "deployment.kubernetes.io/revision"


def deployment(**status: Any) -> Object:
    metadata = {"generation": 2, "annotations": {REVISION: "2"}}
    return {"metadata": metadata, "spec": {"replicas": 1}, "status": {"observedGeneration": 2, **status}}


SETS: list[Object] = [
    {"metadata": {"uid": f"set-{revision}", "annotations": {REVISION: revision}}} for revision in ("1", "2")
]


def pod(container: Object | None = None, owner: str = "set-2", conditions: Any = None, **metadata: Any) -> Object:
    status: Object = {"phase": "Pending", "conditions": conditions or []}
    if container is not None:
        status["containerStatuses"] = [{"name": "c", "ready": False, "restartCount": 0, **container}]
    return {"metadata": {"name": "p", "uid": "p", "ownerReferences": [{"uid": owner}], **metadata}, "status": status}


def event(reason: str, message: str, second: int = 0, uid: str = "p") -> Object:
    stamp = f"2026-01-01T00:00:{second:02d}Z"
    return {
        "reason": reason,
        "message": message,
        "lastTimestamp": stamp,
        "involvedObject": {"uid": uid},
        "metadata": {},
    }


def waiting(reason: str, message: str = "") -> Object:
    return {"state": {"waiting": {"reason": reason, **({"message": message} if message else {})}}}


CRASHED = {
    **waiting("CrashLoopBackOff", "back-off 40s"),
    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
    "restartCount": 4,
}


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}, True),
        ({"replicas": 2, "updatedReplicas": 1, "availableReplicas": 2}, False),  # the old pod is still there
        ({"replicas": 1, "availableReplicas": 1}, False),
        ({"replicas": 1, "updatedReplicas": 1}, False),
        ({"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "observedGeneration": 1}, False),
        ({}, False),
    ],
)
def test_ready_is_what_kubectl_calls_rolled_out(status: Object, ready: bool) -> None:
    assert deployment_state(deployment(**status), SETS, [], []).ready is ready


PULLING = event("Pulling", 'Pulling image "localstack/localstack:4.14.0"', 1)


@pytest.mark.parametrize(
    ("found", "events", "words", "pulling", "hopeless"),
    [
        (pod(CRASHED), [], "CrashLoopBackOff: back-off 40s, it ended with exit code 137 (OOMKilled), 4 restarts", 0, 0),
        (pod(waiting("ErrImageNeverPull", "not present")), [], "ErrImageNeverPull: not present", 0, 1),
        (pod(waiting("InvalidImageName")), [], "InvalidImageName", 0, 1),
        (pod(waiting("CreateContainerConfigError", 'secret "s" not found')), [], 'secret "s" not found', 0, 1),
        (pod(waiting("ImagePullBackOff", "no such host")), [], "no such host", 0, 0),
        (pod(waiting("ContainerCreating")), [PULLING], "Pulling image", 1, 0),
        (pod(waiting("ContainerCreating")), [event("Pulled", "done", 2), PULLING], "ContainerCreating", 0, 0),
        (pod(waiting("ErrImagePull", "denied")), [PULLING, event("Failed", "denied", 2)], "denied", 0, 0),
        (pod(waiting("ContainerCreating")), [event("Pulling", "another's", 1, "q")], "ContainerCreating", 0, 0),
        (pod({"state": {"running": {}}}), [], "running, not ready", 0, 0),
        (pod({"state": {"running": {}}}), [event("Unhealthy", "Readiness probe failed")], "probe failed", 0, 0),
        (pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "cpu"}]), [], "no node: cpu", 0, 0),
        (pod(), [], "p is Pending", 0, 0),
    ],
)
def test_what_is_waited_for(found: Object, events: list[Object], words: str, pulling: int, hopeless: int) -> None:
    seen = deployment_state(deployment(replicas=1), SETS, [found], events)
    assert words in seen.words
    assert (seen.ready, seen.pulling, seen.hopeless) == (False, bool(pulling), bool(hopeless))


@pytest.mark.parametrize(
    "other",
    [pod(CRASHED, owner="set-1"), pod(CRASHED, deletionTimestamp="2026-01-01T00:00:00Z"), pod(CRASHED, owner="x")],
)
def test_pods_that_are_replaced_or_others_do_not_count(other: Object) -> None:
    assert deployment_state(deployment(), SETS, [other], []) == DeploymentState(
        words="its pods are being made or replaced"
    )


def test_a_pod_that_is_refused_is_told() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    assert deployment_state(deployment(conditions=[refused]), SETS, [], []).words == "no pod: exceeded quota"


def test_the_previous_log_is_asked_for_where_there_is_one() -> None:
    def shown(found: Object) -> list[str]:
        return [" ".join(command) for command in log_commands([found])]

    previous, current = shown(pod(CRASHED))
    assert previous.endswith("--previous")
    assert current == "logs p --container=c --tail=20"
    assert shown(pod({"state": {"running": {}}})) == [current]
    assert shown(pod(waiting("ErrImageNeverPull"))) == []
    assert shown(pod({"state": {"running": {}}, "ready": True})) == []
