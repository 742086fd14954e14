"""How the control plane's programs are found, downloaded and refused; the release servers are local ones."""

import gzip
import hashlib
import io
import os
import socket
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from logscan_tools import binaries, downloads, gobuild
from logscan_tools.binaries import ETCD_VERSION, KUBERNETES_VERSION
from logscan_tools.downloads import DownloadError
from logscan_tools.errors import BinaryUnavailableError
from logscan_tools.gobuild import BuildError
from logscan_tools.paths import platform_name
from logscan_tools.polling import poll

SCRIPT = "#!/bin/sh\necho 'Kubernetes {version}'\n"
# What Go does with `-o FOLDER/ PACKAGE...`.
GO = """#!/bin/sh
while [ "$1" != -o ]; do shift; done
folder=$2
shift 2
{before}
for package; do echo built >> "$folder$(basename "${{package%/v[0-9]}}")"; done
"""


class Quiet(SimpleHTTPRequestHandler):
    """A file server that says nothing."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend a machine that has nothing of ours."""
    monkeypatch.setenv("LOGSCAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setattr("logscan_tools.binaries.shutil.which", lambda name: None)


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a folder as both release servers."""
    folder = tmp_path / "releases"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("LOGSCAN_KUBERNETES_RELEASES", base)
    monkeypatch.setenv("LOGSCAN_ETCD_RELEASES", base)
    yield folder
    server.shutdown()
    server.server_close()
    thread.join()


def publish(releases: Path, name: str, data: bytes, checksum: str | None = None) -> None:
    system, machine = platform_name()
    folder = releases / KUBERNETES_VERSION / "bin" / system / machine
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    (folder / f"{name}.sha256").write_text(checksum or hashlib.sha256(data).hexdigest())


def publish_etcd(releases: Path, data: bytes) -> None:
    system, machine = platform_name()
    stem = f"etcd-{ETCD_VERSION}-{system}-{machine}"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo(f"{stem}/etcd")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    packed = gzip.compress(archive.getvalue())
    folder = releases / ETCD_VERSION
    folder.mkdir(parents=True)
    (folder / f"{stem}.tar.gz").write_bytes(packed)
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(packed).hexdigest()}  {stem}.tar.gz\n")


def test_releases_are_downloaded_verified_and_kept(releases: Path) -> None:
    publish_etcd(releases, b"etcd!")
    for name in ("kube-apiserver", "kube-controller-manager", "kubectl"):
        publish(releases, name, name.encode())
    said: list[str] = []
    found = binaries.control_plane(said.append)
    assert (found.etcd.read_bytes(), found.apiserver.read_bytes()) == (b"etcd!", b"kube-apiserver")
    assert found.etcd.stat().st_mode & 0o111
    assert len(said) == 1
    assert binaries.control_plane(said.append) == found
    assert len(said) == 1


def test_a_wrong_checksum_is_refused(releases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(releases, "kubectl", b"evil", checksum="0" * 64)
    with pytest.raises(BinaryUnavailableError, match="it was not used") as refusal:
        binaries.kubectl(lambda _: None)
    assert "no Go toolchain" in str(refusal.value)
    assert not (binaries.cache_folder() / "kubectl").exists()


def test_downloads_can_be_turned_off(releases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(releases, "kubectl", b"kubectl")
    monkeypatch.setenv("LOGSCAN_DOWNLOAD", "0")
    with pytest.raises(BinaryUnavailableError, match="no Go toolchain"):
        binaries.kubectl(lambda _: None)


def test_a_server_that_is_not_there_is_given_up_soon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("LOGSCAN_KUBERNETES_RELEASES", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(DownloadError, match="cannot download"):
            downloads.fetch_kubernetes("kubectl", "v1", "linux", "amd64", tmp_path / "kubectl")


def test_an_etcd_that_is_not_published_is_named(releases: Path, tmp_path: Path) -> None:
    publish_etcd(releases, b"etcd")
    with pytest.raises(DownloadError, match=r"publishes no etcd-.*-plan9-mips"):
        downloads.fetch_etcd(ETCD_VERSION, "plan9", "mips", tmp_path / "etcd")


@pytest.mark.parametrize(("version", "taken"), [(KUBERNETES_VERSION, True), ("v1.36.0", True), ("v1.35.3", False)])
def test_assets_of_the_pinned_minor_version_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, taken: bool
) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    program = assets / "kube-apiserver"
    program.write_text(SCRIPT.format(version=version))
    program.chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    assert binaries.find("kube-apiserver") == (program if taken else None)


def test_a_program_that_cannot_run_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "etcd").write_text("")
    assert not binaries.has_pinned_minor("etcd", tmp_path / "etcd")


def test_a_build_that_fails_shows_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho something is wrong >&2\nexit 3\n")
    go.chmod(0o755)
    monkeypatch.setattr("logscan_tools.gobuild.shutil.which", lambda name: str(go))
    with pytest.raises(BuildError, match=r"exit status 3:\nsomething is wrong"):
        gobuild.build(["etcd"], tmp_path, KUBERNETES_VERSION, lambda _: None)


def test_a_build_puts_programs_into_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "go"
    go.write_text(GO.format(before=""))
    go.chmod(0o755)
    monkeypatch.setattr("logscan_tools.gobuild.shutil.which", lambda name: str(go))
    said: list[str] = []
    gobuild.build(["etcd", "kubectl", "helm"], tmp_path, KUBERNETES_VERSION, said.append)
    assert {(tmp_path / name).read_text() for name in ("etcd", "kubectl", "helm")} == {"built\n"}
    # Programs of one module are built together.
    assert [line.split(" built")[0].strip() for line in said[1:]] == ["etcd, kubectl", "helm"]
    assert not list(tmp_path.glob(".building*"))


def test_builds_at_the_same_time_do_not_remove_each_others_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first build stands in the middle, its modules there, while a second one begins."""
    go, gate, modules = tmp_path / "go", tmp_path / "gate", tmp_path / "cache" / "go" / "modules"
    go.write_text(
        GO.format(
            before=f'mkdir -p "$GOMODCACHE"\ncase $1 in *etcd*) read word < {gate};; esac\n'
            '[ -d "$GOMODCACHE" ] || { echo its modules are gone; exit 1; }'
        )
    )
    go.chmod(0o755)
    os.mkfifo(gate)
    monkeypatch.setattr("logscan_tools.gobuild.shutil.which", lambda name: str(go))
    said: list[str] = []
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(gobuild.build, ["etcd"], tmp_path, KUBERNETES_VERSION, said.append)
        poll(modules.exists, 30, "the first build to begin")
        others = [
            pool.submit(gobuild.build, names, tmp_path, KUBERNETES_VERSION, said.append)
            for names in (["helm"], ["etcd", "helm"])
        ]
        poll(lambda: sum("waiting for another build" in line for line in said) == 2, 30, "both to wait")
        assert modules.exists()
        assert not (tmp_path / "helm").exists()
        gate.write_text("go on\n")
        for build in (first, *others):
            build.result()
    # Each was built once, although two wanted it.
    assert (tmp_path / "etcd").read_text() == (tmp_path / "helm").read_text() == "built\n"
    assert not modules.exists()
