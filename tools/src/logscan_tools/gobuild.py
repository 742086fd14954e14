"""Builds programs from their Go modules, for machines that cannot reach a release server."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
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
    "crdcheck": (PROGRAMS / "crdcheck", "logscan.local/crdcheck"),
    "gitops": (PROGRAMS / "gitops", "logscan.local/gitops"),
    "tofu": (PROGRAMS / "opentofu", "github.com/opentofu/opentofu/cmd/tofu"),
}
PROGRESS_SECONDS = 15
# Nobody debugs these programs; without tables for a debugger their packages compile in 9 % less CPU time.
COMPILER_FLAGS = "all=-dwarf=false"
# Compilers live for a second: they collect garbage only when they need much memory, which saves another 5 %.
COLLECTOR = {"GOGC": "off", "GOMEMLIMIT": "1GiB"}


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
    say(f"building {', '.join(names)} from Go modules, once; the control plane takes about 4 minutes on 2 cores ...")
    work = cache_root() / "go"
    started = time.monotonic()
    for module in dict.fromkeys(PACKAGES[name][0] for name in names):
        together = [name for name in names if PACKAGES[name][0] == module]
        _build_module(go, module, together, folder, version, partial(_report, say, together, started))
        say(f"  {', '.join(together)} built after {time.monotonic() - started:.0f} s")
    _remove(work)


def _build_module(
    go: str, module: Path, names: list[str], folder: Path, version: str, progress: Callable[[int], None]
) -> None:
    """Build programs of one module together, so that what they share is compiled once and while one is linked."""
    packages = {name: PACKAGES[name][1] for name in names}
    flags = ["-v", "-trimpath", f"-gcflags={COMPILER_FLAGS}", f"-ldflags={_linker_flags(version)}"]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building.", dir=folder) as unfinished:
        _run([go, "build", *flags, "-o", f"{unfinished}/", *packages.values()], module, progress)
        for name, package in packages.items():
            Path(unfinished, _executable(package)).replace(folder / name)


def _executable(package: str) -> str:
    """Return the name that Go gives a program: the last element of its path that is no version."""
    return [part for part in package.split("/") if not re.fullmatch(r"v\d+", part)][-1]


def _environment() -> dict[str, str]:
    work = cache_root() / "go"
    ours = {"GOFLAGS": "-modcacherw -buildvcs=false", "CGO_ENABLED": "0"}
    ours |= {"GOCACHE": str(work / "build"), "GOMODCACHE": str(work / "modules")}
    return {**COLLECTOR, **os.environ, **ours}


def _remove(folder: Path) -> None:
    """Remove a folder of 2 GB in the background: it takes seconds, and nobody needs its end."""
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name}.removed.{time.time_ns()}"))
    # A shell that ends at once, so that nobody has to wait for its child; it also finds what was left by a lost one.
    command = ["sh", "-c", 'rm -rf "$1".removed.* >/dev/null 2>&1 &', "sh", str(folder)]
    subprocess.run(command, check=True, start_new_session=True)


def _report(say: Callable[[str], None], names: list[str], started: float, packages: int) -> None:
    say(f"  {', '.join(names)}: {time.monotonic() - started:.0f} s so far, {packages} packages compiled")


def _linker_flags(version: str) -> str:
    package = "k8s.io/component-base/version"
    major, minor, _ = version.removeprefix("v").split(".")
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s", "-w", *(f"-X {package}.{name}={value}" for name, value in values.items())])


def _run(command: list[str], module: Path, progress: Callable[[int], None]) -> None:
    """Run Go, which with `-v` writes a line for each package."""
    log = cache_root() / "go-build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=module, env=_environment(), stdout=output, stderr=subprocess.STDOUT)
        while True:
            try:
                code = process.wait(timeout=PROGRESS_SECONDS)
                break
            except subprocess.TimeoutExpired:
                progress(len(log.read_bytes().splitlines()))
    if code != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BuildError(f"go build failed with exit status {code}:\n{tail}")
