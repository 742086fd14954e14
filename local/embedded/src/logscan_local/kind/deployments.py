"""Where a Deployment stands: what its pods wait for, told from their status and their events."""

from collections.abc import Sequence
from dataclasses import dataclass

from logscan_local.stack.kubectl import Object

TAIL_LINES = 20
# The kubelet's reasons that no time changes (k8s.io/kubernetes, pkg/kubelet/images and pkg/kubelet/kuberuntime).
HOPELESS = ("ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError")
PULL_EVENTS = ("Pulling", "Pulled", "Failed", "BackOff")


@dataclass(frozen=True)
class DeploymentState:
    """Where a Deployment stands.

    Attributes:
        ready: Whether all its pods are of its newest form and ready.
        words: What it waits for, in one line.
        pulling: Whether the node is pulling an image, which may take long.
        hopeless: Whether waiting is of no use.
    """

    ready: bool = False
    words: str = ""
    pulling: bool = False
    hopeless: bool = False


def deployment_state(
    deployment: Object, replica_sets: Sequence[Object], pods: Sequence[Object], events: Sequence[Object]
) -> DeploymentState:
    """Return where a Deployment stands.

    Args:
        deployment: The Deployment.
        replica_sets: Those that its selector finds.
        pods: Those that its selector finds.
        events: The namespace's.
    """
    if _rolled_out(deployment):
        return DeploymentState(ready=True)
    waiting = [_pod(pod, events) for pod in newest_pods(deployment, replica_sets, pods) if not _pod_ready(pod)]
    if waiting:
        words = "; ".join(dict.fromkeys(one.words for one in waiting))
        return DeploymentState(False, words, any(w.pulling for w in waiting), any(w.hopeless for w in waiting))
    conditions = deployment.get("status", {}).get("conditions") or []
    refused = [c.get("message", "") for c in conditions if c["type"] == "ReplicaFailure" and c["status"] == "True"]
    return DeploymentState(words=f"no pod: {refused[0]}" if refused else "its pods are being made or replaced")


def log_commands(pods: Sequence[Object]) -> list[list[str]]:
    """Return kubectl's arguments for the logs of what is not ready.

    A container that was restarted has told the cause before: in its previous log.
    """
    asked = []
    for pod in pods:
        for container in pod.get("status", {}).get("containerStatuses") or []:
            if container.get("ready") or not (container.get("restartCount") or container["state"].keys() - {"waiting"}):
                continue
            logs = ["logs", pod["metadata"]["name"], f"--container={container['name']}", f"--tail={TAIL_LINES}"]
            asked += [[*logs, "--previous"]] if container.get("restartCount") else []
            asked.append(logs)
    return asked


def newest_pods(deployment: Object, replica_sets: Sequence[Object], pods: Sequence[Object]) -> list[Object]:
    """Return the pods of a Deployment's newest form, not those that they replace."""
    revision = _revision(deployment)
    owners = {one["metadata"]["uid"] for one in replica_sets if _revision(one) == revision}
    return [
        pod
        for pod in pods
        if owners & {owner["uid"] for owner in pod["metadata"].get("ownerReferences", [])}
        and "deletionTimestamp" not in pod["metadata"]
    ]


def _revision(item: Object) -> str | None:
    found: str | None = item["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision")
    return found


def _rolled_out(deployment: Object) -> bool:
    """Return what `kubectl rollout status` calls rolled out."""
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    updated = status.get("updatedReplicas", 0)
    return bool(
        status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        and updated >= wanted
        and status.get("replicas", 0) <= updated
        and status.get("availableReplicas", 0) >= updated
    )


def _pod_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _pod(pod: Object, events: Sequence[Object]) -> DeploymentState:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    mine = [e for e in sorted(events, key=_when) if e["involvedObject"].get("uid") == pod["metadata"]["uid"]]
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return DeploymentState(words=f"{name} has no node: {condition.get('message', '')}")
    pulls = [event for event in mine if event["reason"] in PULL_EVENTS]
    if pulls and pulls[-1]["reason"] == "Pulling":
        return DeploymentState(words=f"{name}: {pulls[-1]['message']}", pulling=True)
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        if not container.get("ready"):
            return _container(name, container, mine)
    return DeploymentState(words=f"{name} is {status.get('phase', 'Pending')}")


def _container(pod: str, container: Object, events: Sequence[Object]) -> DeploymentState:
    state, ended = container.get("state", {}), container.get("lastState", {}).get("terminated")
    waiting = state.get("waiting", {})
    facts = [": ".join(part for part in (waiting.get("reason"), waiting.get("message")) if part)]
    for end in (state.get("terminated"), ended):
        if end:
            code, reason, message = end.get("exitCode"), end.get("reason", ""), end.get("message", "").strip()
            facts.append(f"it ended with exit code {code} ({reason}){': ' + message if message else ''}")
            break
    if "running" in state:
        unhealthy = [event["message"] for event in events if event["reason"] == "Unhealthy"]
        facts.append("running, not ready" + (f": {unhealthy[-1]}" if unhealthy else ""))
    restarts = container.get("restartCount", 0)
    facts.append(f"{restarts} restarts" if restarts else "")
    words = ", ".join(fact for fact in facts if fact)
    return DeploymentState(
        words=f"{pod}, container {container['name']}: {words}", hopeless=waiting.get("reason") in HOPELESS
    )


def _when(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp"))
