"""Official release binaries, each verified against the checksum that its release publishes.

The two servers can be replaced for a mirror: `LOGSCAN_KUBERNETES_RELEASES` and `LOGSCAN_ETCD_RELEASES`.
"""

import hashlib
import io
import os
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

from logscan_tools.errors import ToolError

KUBERNETES_RELEASES = "https://dl.k8s.io/release"
ETCD_RELEASES = "https://github.com/etcd-io/etcd/releases/download"
TIMEOUT_SECONDS = 5.0


class DownloadError(ToolError):
    """A release could not be downloaded, or was not what its checksum says."""


def fetch_kubernetes(name: str, version: str, system: str, machine: str, target: Path) -> None:
    """Download one Kubernetes program.

    Raises:
        DownloadError: It cannot be reached, or its checksum is wrong.
    """
    base = os.environ.get("LOGSCAN_KUBERNETES_RELEASES", KUBERNETES_RELEASES)
    url = f"{base}/{version}/bin/{system}/{machine}/{name}"
    checksum = _get(f"{url}.sha256").decode().split()[0]
    install(_verified(url, _get(url), checksum), target)


def fetch_etcd(version: str, system: str, machine: str, target: Path) -> None:
    """Download etcd's archive and take the server out of it.

    Raises:
        DownloadError: It cannot be reached, its checksum is wrong, or it holds no etcd.
    """
    base = os.environ.get("LOGSCAN_ETCD_RELEASES", ETCD_RELEASES)
    archive = f"etcd-{version}-{system}-{machine}.tar.gz"
    sums = _get(f"{base}/{version}/SHA256SUMS").decode()
    checksums = {name: digest for digest, name in (line.split() for line in sums.splitlines() if line.strip())}
    if archive not in checksums:
        raise DownloadError(f"etcd {version} publishes no {archive}")
    url = f"{base}/{version}/{archive}"
    data = _verified(url, _get(url), checksums[archive])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        member = tar.extractfile(archive.removesuffix(".tar.gz") + "/etcd")
        if member is None:
            raise DownloadError(f"{archive} holds no etcd")
        install(member.read(), target)


def install(data: bytes, target: Path) -> None:
    """Write a program so that a half-written one is never found."""
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.write_bytes(data)
    partial.chmod(0o755)
    partial.replace(target)


def _verified(url: str, data: bytes, checksum: str) -> bytes:
    actual = hashlib.sha256(data).hexdigest()
    if actual != checksum:
        raise DownloadError(f"{url} has the SHA-256 {actual}, its release says {checksum}: it was not used")
    return data


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - https, or a mirror
            return bytes(answer.read())
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise DownloadError(f"no download from {url}: {error}") from error
