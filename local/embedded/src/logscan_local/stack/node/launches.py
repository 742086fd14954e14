"""Translates a container of a pod for a runtime: command, environment, mounts, limits."""

from pathlib import Path

from logscan_local.stack.node import security
from logscan_local.stack.node.expansion import expand
from logscan_local.stack.node.objects import Object, cpu_limit, memory_limit
from logscan_local.stack.node.runtime import ImageFacts, Launch, Mount

TERMINATION_LOG = "/dev/termination-log"
HOSTNAME_LENGTH = 63


def launch_of(
    container: Object,
    pod: Object,
    image: ImageFacts,
    environment: dict[str, str],
    volumes: dict[str, Path],
    folder: Path,
    restarts: int,
) -> Launch:
    """Return how to start a container.

    Args:
        container: Its spec.
        pod: Its pod.
        image: The facts of its image.
        environment: Its resolved environment.
        volumes: The folder of each of the pod's volumes.
        folder: The pod's folder on the node.
        restarts: How often it was restarted.

    Raises:
        ContainerConfigError: Its security contexts contradict its image.
    """
    metadata, name = pod["metadata"], container["name"]
    return Launch(
        name=f"k8s_{name}_{metadata['name']}_{metadata['namespace']}_{metadata['uid']}_{restarts}",
        labels=_labels(name, metadata),
        image=container["image"],
        hostname=metadata["name"][:HOSTNAME_LENGTH].rstrip("-."),
        command=_expanded(container.get("command"), environment),
        args=_expanded(container.get("args"), environment),
        env=environment,
        mounts=_mounts(container, pod, volumes, folder),
        security=security.of(container, pod, image.user),
        memory_limit=memory_limit(container),
        cpu_limit=cpu_limit(container),
        log=log_path(folder, name, restarts),
        scratch=folder / "containers" / name / "scratch",
    )


def log_path(folder: Path, container: str, restarts: int) -> Path:
    """Return the file with the output of one start of a container."""
    return folder / "logs" / container / f"{restarts}.log"


def termination_path(folder: Path, container: str) -> Path:
    """Return the file for a container's termination message."""
    return folder / "containers" / container / "termination-log"


def _labels(container: str, metadata: Object) -> dict[str, str]:
    """Return the labels that identify Kubernetes' containers to container tools."""
    return {
        "io.kubernetes.container.name": container,
        "io.kubernetes.pod.name": metadata["name"],
        "io.kubernetes.pod.namespace": metadata["namespace"],
        "io.kubernetes.pod.uid": metadata["uid"],
    }


def _expanded(words: list[str] | None, environment: dict[str, str]) -> tuple[str, ...] | None:
    return tuple(expand(word, environment) for word in words) if words else None


def _mounts(container: Object, pod: Object, volumes: dict[str, Path], folder: Path) -> tuple[Mount, ...]:
    projected = {v["name"] for v in pod["spec"].get("volumes", []) if "projected" in v or "secret" in v}
    found = []
    for mount in container.get("volumeMounts", []):
        # A kubelet mounts what it projects read-only, whatever the mount says.
        read_only = mount.get("readOnly", False) or mount["name"] in projected
        found.append(Mount(volumes[mount["name"]], mount["mountPath"], read_only))
    return (*found, Mount(termination_path(folder, container["name"]), TERMINATION_LOG))
