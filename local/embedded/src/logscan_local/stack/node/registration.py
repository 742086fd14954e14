"""The Node object and its lease."""

import os
import platform
from datetime import UTC, datetime

import psutil

from logscan_local.stack.node.config import NodeConfig
from logscan_local.stack.node.objects import Object, now
from logscan_local.stack.node.runtime import Runtime
from logscan_tools.paths import platform_name

LEASE_SECONDS = 40


def node_body(config: NodeConfig) -> Object:
    """Return the Node as it registers itself."""
    system, machine = platform_name()
    labels = {
        "kubernetes.io/hostname": config.name,
        "kubernetes.io/os": system,
        "kubernetes.io/arch": machine,
        **config.labels,
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": config.name, "labels": labels}}


def node_status(config: NodeConfig, runtime: Runtime) -> Object:
    """Return the Node's status: ready, with the machine's size.

    Args:
        config: The node's settings.
        runtime: What runs its pods.
    """
    system, machine = platform_name()
    size = {"cpu": str(os.cpu_count() or 1), "memory": str(psutil.virtual_memory().total), "pods": "250"}
    beat = {"lastHeartbeatTime": now(), "lastTransitionTime": now()}
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": runtime.says,
        **beat,
    }
    return {
        "addresses": [
            {"type": "InternalIP", "address": config.address},
            {"type": "Hostname", "address": config.name},
        ],
        "capacity": size,
        "allocatable": size,
        "conditions": [ready],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": config.port}},
        "nodeInfo": {
            "architecture": machine,
            "operatingSystem": system,
            "kernelVersion": platform.release(),
            "osImage": platform.platform(),
            "kubeletVersion": "v1.36.3-logscan-local",
            "kubeProxyVersion": "",
            "containerRuntimeVersion": runtime.version,
            "bootID": "",
            "machineID": "",
            "systemUUID": "",
        },
    }


def lease_body(name: str) -> Object:
    """Return the node's lease, renewed now."""
    renewed = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": renewed}
    metadata = {"name": name, "namespace": "kube-node-lease"}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
