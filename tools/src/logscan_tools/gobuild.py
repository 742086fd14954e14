"""Builds programs from their Go modules, for machines that cannot reach a release server."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY, cache_root

PROGRAMS = REPOSITORY / "tools" / "programs"
CONTROL_PLANE = PROGRAMS / "controlplane"
CLIENTS = PROGRAMS / "clients"
RELEASE = PROGRAMS / "release"
PACKAGES = {
    "etcd": (CONTROL_PLANE, "go.etcd.io/etcd/server/v3"),
    "kube-apiserver": (CONTROL_PLANE, "k8s.io/kubernetes/cmd/kube-apiserver"),
    "kube-controller-manager": (CONTROL_PLANE, "k8s.io/kubernetes/cmd/kube-controller-manager"),
    "kubectl": (CONTROL_PLANE, "k8s.io/kubernetes/cmd/kubectl"),
    "helm": (CLIENTS, "helm.sh/helm/v3/cmd/helm"),
    "helm4": (PROGRAMS / "helm4", "helm.sh/helm/v4/cmd/helm"),
    "kind": (CLIENTS, "sigs.k8s.io/kind"),
    "actionlint": (RELEASE, "github.com/rhysd/actionlint/cmd/actionlint"),
    "cosign": (PROGRAMS / "cosign", "github.com/sigstore/cosign/v3/cmd/cosign"),
    "crane": (RELEASE, "github.com/google/go-containerregistry/cmd/crane"),
    "validate-krew-manifest": (RELEASE, "sigs.k8s.io/krew/cmd/validate-krew-manifest"),
    "awsschema": (PROGRAMS / "awsschema", "logscan.local/awsschema"),
    "gitops": (PROGRAMS / "gitops", "logscan.local/gitops"),
    "tofu": (PROGRAMS / "opentofu", "github.com/opentofu/opentofu/cmd/tofu"),
}
PROGRESS_SECONDS = 15


class BuildError(ToolError):
    """A program could not be built."""


def build(names: list[str], folder: Path, version: str, say: Callable[[str], None]) -> None:
    """Build programs into a folder. Go's intermediate files go to the cache and are removed after success.

    Builds that share a cache wait for each other, so that none removes the modules of another, and use what the other
    has built.

    Args:
        names: Which of `PACKAGES`.
        folder: Where the programs go.
        version: What `--version` prints.
        say: Called with each line of progress.

    Raises:
        BuildError: Go is missing or the build failed; with the end of its output.
    """
    go = shutil.which("go")
    if go is None:
        raise BuildError("no Go toolchain on PATH to build with")
    with _alone(say):
        missing = [name for name in names if not (folder / name).exists()]
        if missing:
            _build(go, missing, folder, version, say)


@contextmanager
def _alone(say: Callable[[str], None]) -> Iterator[None]:
    """Hold the cache's lock; the system frees it even if this process is killed."""
    path = cache_root() / "go.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build that uses the same cache ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(go: str, names: list[str], folder: Path, version: str, say: Callable[[str], None]) -> None:
    work = cache_root() / "go"
    environment = {**os.environ, "GOFLAGS": "-modcacherw -buildvcs=false", "CGO_ENABLED": "0"}
    environment |= {"GOCACHE": str(work / "build"), "GOMODCACHE": str(work / "modules")}
    say(f"building {', '.join(names)} from Go modules, once; the control plane takes about 8 minutes on 2 cores ...")
    started = time.monotonic()
    for name in names:
        unfinished = folder / f".{name}.{os.getpid()}"
        module, package = PACKAGES[name]
        flags = f"-ldflags={_linker_flags(version)}"
        command = [go, "build", "-trimpath", flags, "-o", str(unfinished), package]
        _run(command, module, environment, partial(_report, say, name, started))
        unfinished.replace(folder / name)
        say(f"  {name} built after {time.monotonic() - started:.0f} s")
    shutil.rmtree(work, ignore_errors=True)


def _report(say: Callable[[str], None], name: str, started: float) -> None:
    say(f"  {name}: {time.monotonic() - started:.0f} s so far")


def _linker_flags(version: str) -> str:
    package = "k8s.io/component-base/version"
    major, minor, _ = version.removeprefix("v").split(".")
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s", "-w", *(f"-X {package}.{name}={value}" for name, value in values.items())])


def _run(command: list[str], module: Path, environment: dict[str, str], progress: Callable[[], None]) -> None:
    log = cache_root() / "go-build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=module, env=environment, stdout=output, stderr=subprocess.STDOUT)
        while True:
            try:
                code = process.wait(timeout=PROGRESS_SECONDS)
                break
            except subprocess.TimeoutExpired:
                progress()
    if code != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BuildError(f"go build failed with exit status {code}:\n{tail}")
