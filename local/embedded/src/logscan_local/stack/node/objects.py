"""Small facts about pods, read from their JSON."""

import re
from datetime import UTC, datetime
from typing import Any

from logscan_api.quantities import Quantity

Object = dict[str, Any]


def now() -> str:
    """Return the current time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def memory_limit(container: Object) -> int | None:
    """Return a container's memory limit in bytes, if it has one."""
    limit = container.get("resources", {}).get("limits", {}).get("memory")
    return Quantity(str(limit)).bytes if limit is not None else None


def cpu_limit(container: Object) -> float | None:
    """Return a container's limit of processors, if it has one."""
    limit = container.get("resources", {}).get("limits", {}).get("cpu")
    if limit is None:
        return None
    text = str(limit)
    return float(text.removesuffix("m")) / 1000 if text.endswith("m") else float(text)


def pod_key(pod: Object) -> str:
    """Return the pod's uid, which tells a pod from a later one of the same name."""
    return str(pod["metadata"]["uid"])


def is_terminal(pod: Object) -> bool:
    """Return whether the pod has ended for good."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def field_value(pod: Object, path: str, node_ip: str) -> str:
    """Return the value of a fieldRef.

    Raises:
        ValueError: The downward API has no such field.
    """
    metadata, spec = pod["metadata"], pod["spec"]
    plain = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.podIP": node_ip,
        "status.hostIP": node_ip,
    }
    if path in plain:
        return str(plain[path])
    keyed = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
    if keyed is None:
        raise ValueError(f"fieldRef {path!r} is not supported")
    return str(metadata.get(keyed[1], {}).get(keyed[2], ""))
