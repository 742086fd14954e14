"""A pod's status, put together from its containers as a kubelet does."""

from logscan_local.stack.node.containers import Container
from logscan_local.stack.node.objects import Object, now


def pod_status(
    containers: list[Container],
    init_containers: list[Container],
    start_time: str,
    address: str,
    ended: tuple[str, str] | None,
    before: Object,
) -> Object:
    """Return the status of a pod.

    Args:
        containers: Its containers.
        init_containers: Its init containers.
        start_time: When the node took it.
        address: Its IP.
        ended: Reason and message, when the node ended it (deadline).
        before: The status reported last, for the times of conditions that did not change.
    """
    phase = _phase(containers, init_containers, ended)
    ready = phase == "Running" and all(c.ready and c.running for c in containers)
    initialized = all(c.terminated and c.terminated["exitCode"] == 0 for c in init_containers)
    done = "PodCompleted" if phase in ("Succeeded", "Failed") else "ContainersNotReady"
    conditions = [
        ("PodScheduled", True, ""),
        ("Initialized", initialized, "" if initialized else "ContainersNotInitialized"),
        ("ContainersReady", ready, "" if ready else done),
        ("Ready", ready, "" if ready else done),
    ]
    status: Object = {
        "phase": phase,
        "hostIP": address,
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": start_time,
        "conditions": [_condition(*c, before) for c in conditions],
        "containerStatuses": [c.status() for c in containers],
    }
    if init_containers:
        status["initContainerStatuses"] = [c.status() for c in init_containers]
    if ended is not None:
        status |= {"reason": ended[0], "message": ended[1]}
    return status


def _phase(containers: list[Container], init_containers: list[Container], ended: tuple[str, str] | None) -> str:
    if ended is not None or any(c.terminated and c.terminated["exitCode"] for c in init_containers):
        return "Failed"
    if all(c.terminated is not None for c in containers):
        failed = any(c.terminated and c.terminated["exitCode"] for c in containers)
        return "Failed" if failed else "Succeeded"
    if any(c.running or c.terminated or c.last_terminated for c in containers):
        return "Running"
    return "Pending"


def _condition(kind: str, holds: bool, reason: str, before: Object) -> Object:
    status = "True" if holds else "False"
    old = next((c for c in before.get("conditions", []) if c["type"] == kind), None)
    since = old["lastTransitionTime"] if old and old["status"] == status else now()
    condition: Object = {"type": kind, "status": status, "lastTransitionTime": since}
    return {**condition, "reason": reason} if reason else condition
