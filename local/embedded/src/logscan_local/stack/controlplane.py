"""A real Kubernetes control plane: etcd, kube-apiserver and kube-controller-manager on the loopback interface."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from logscan_local.stack import pki, processes
from logscan_local.stack.paths import StackPaths
from logscan_local.stack.processes import Part
from logscan_tools.binaries import Binaries

READY_SECONDS = 90
OPERATOR_ACCOUNT = "logscan:logscan-operator"  # namespace and name
# Everything that needs a cloud, real nodes or persistent disks is off: less to start, nothing to miss.
CONTROLLERS = ",".join(
    ["*"]
    + [
        f"-{name}"
        for name in (
            "node-ipam-controller",
            "node-lifecycle-controller",
            "node-route-controller",
            "service-lb-controller",
            "cloud-node-lifecycle-controller",
            "persistentvolume-binder-controller",
            "persistentvolume-attach-detach-controller",
            "persistentvolume-expander-controller",
            "persistentvolumeclaim-protection-controller",
            "persistentvolume-protection-controller",
            "ephemeral-volume-controller",
            "bootstrap-signer-controller",
            "token-cleaner-controller",
        )
    ]
)


@dataclass(frozen=True)
class ControlPlanePorts:
    """Ports of the control plane's processes."""

    etcd: int
    etcd_peer: int
    apiserver: int
    controller_manager: int


def server_url(ports: ControlPlanePorts) -> str:
    """Return the API server's address."""
    return f"https://127.0.0.1:{ports.apiserver}"


def start(
    paths: StackPaths,
    binaries: Binaries,
    ports: ControlPlanePorts,
    node: str,
    namespace: str,
    started: Callable[[Part], None],
) -> None:
    """Start the three processes and return when the API server answers `/readyz`.

    Args:
        paths: The stack's files.
        binaries: The programs.
        ports: Where they listen.
        node: Name of the node, for its certificate.
        namespace: The kubeconfig's default namespace.
        started: Called with each process as soon as it runs, so that none is left behind by a failure.

    Raises:
        PartFailedError: One of them did not start.
    """
    pki.create_all(paths.pki, node)
    server = server_url(ports)
    pki.write_kubeconfig(paths.kubeconfig, paths.pki, "admin", server, namespace)
    for user in ("controller-manager", "node"):
        pki.write_kubeconfig(paths.root / f"{user}.kubeconfig", paths.pki, user, server, namespace)
    started(processes.start("etcd", _etcd(paths, binaries, ports), paths.logs / "etcd.log"))
    apiserver = processes.start("kube-apiserver", _apiserver(paths, binaries, ports), paths.logs / "kube-apiserver.log")
    started(apiserver)
    processes.wait_ready(apiserver, lambda: _answers(f"{server}/readyz", paths.pki), READY_SECONDS)
    manager = processes.start(
        "kube-controller-manager",
        _controller_manager(paths, binaries, ports),
        paths.logs / "kube-controller-manager.log",
    )
    started(manager)


def _etcd(paths: StackPaths, binaries: Binaries, ports: ControlPlanePorts) -> list[str]:
    client, peer = f"http://127.0.0.1:{ports.etcd}", f"http://127.0.0.1:{ports.etcd_peer}"
    return [
        str(binaries.etcd),
        f"--data-dir={paths.root / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--auto-compaction-retention=10m",
    ]


def _apiserver(paths: StackPaths, binaries: Binaries, ports: ControlPlanePorts) -> list[str]:
    certificates = paths.pki
    return [
        str(binaries.apiserver),
        f"--etcd-servers=http://127.0.0.1:{ports.etcd}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={ports.apiserver}",
        f"--tls-cert-file={certificates / 'apiserver.crt'}",
        f"--tls-private-key-file={certificates / 'apiserver.key'}",
        f"--client-ca-file={certificates / 'ca.crt'}",
        f"--kubelet-client-certificate={certificates / 'kubelet-client.crt'}",
        f"--kubelet-client-key={certificates / 'kubelet-client.key'}",
        f"--kubelet-certificate-authority={certificates / 'ca.crt'}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-account-key-file={certificates / 'service-accounts.key'}",
        f"--service-account-signing-key-file={certificates / 'service-accounts.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=RBAC",
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={pki.SERVICE_IP}/24",
        "--allow-privileged=true",
        f"--audit-policy-file={_audit_policy(paths)}",
        f"--audit-log-path={paths.audit}",
        f"--cert-dir={certificates}",
        # A taint-based or quota-based admission would only slow a cluster of one node down.
        "--disable-admission-plugins=StorageObjectInUseProtection,DefaultStorageClass",
        "--v=2",
    ]


def _audit_policy(paths: StackPaths) -> Path:
    """Write what the API server keeps a log of: each request of the operator, without its content."""
    user = f"system:serviceaccount:{OPERATOR_ACCOUNT}"
    rules = [{"level": "Metadata", "users": [user], "omitStages": ["RequestReceived"]}, {"level": "None"}]
    policy = paths.root / "audit-policy.json"
    policy.write_text(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}))
    return policy


def _controller_manager(paths: StackPaths, binaries: Binaries, ports: ControlPlanePorts) -> list[str]:
    kubeconfig = paths.root / "controller-manager.kubeconfig"
    return [
        str(binaries.controller_manager),
        f"--kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={paths.pki / 'service-accounts.key'}",
        f"--root-ca-file={paths.pki / 'ca.crt'}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={ports.controller_manager}",
        f"--controllers={CONTROLLERS}",
        # The defaults (20 and 30) hold Jobs back for seconds when they come by the dozen; see docs/operations.md.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--concurrent-job-syncs=10",
        "--v=2",
    ]


def _answers(url: str, certificates: Path) -> bool:
    context = ssl.create_default_context(cafile=certificates / "ca.crt")
    context.load_cert_chain(certificates / "admin.crt", certificates / "admin.key")
    try:
        with urllib.request.urlopen(url, context=context, timeout=2) as answer:  # noqa: S310 - an https URL of ours
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
