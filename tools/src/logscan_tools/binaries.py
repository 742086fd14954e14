"""The programs of the control plane and of the tests, from the first of these sources that has them.

1. `KUBEBUILDER_ASSETS`, then PATH, if the minor version is the pinned one;
2. the cache;
3. the official release, with its checksum verified, unless `LOGSCAN_DOWNLOAD=0`;
4. a build from the Go modules in `tools/programs` (about four minutes on two cores).

`make` runs it before there is an environment, so it and what it imports need only the standard library.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from logscan_tools import downloads, gobuild
from logscan_tools.errors import BinaryUnavailableError, ToolError
from logscan_tools.paths import cache_root, platform_name

# The version that tools/programs/controlplane builds.
BUILT_VERSION = "v1.36.3"
# Tests on other versions download them.
KUBERNETES_VERSION = os.environ.get("LOGSCAN_KUBERNETES_VERSION") or BUILT_VERSION
ETCD_VERSION = "v3.7.3"
KUBECTL = "kubectl"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", KUBECTL)
CONTROL_PLANE = "control-plane"
HELM = "helm"
TOFU = "tofu"
KIND = "kind"
# Built from our own Go modules and nothing else, so that their versions are the pinned ones.
AWS_SCHEMA, CRD_CHECK, GITOPS, HELM_4 = "awsschema", "crdcheck", "gitops", "helm4"
CRANE, COSIGN = "crane", "cosign"
ACTIONLINT, KREW_CHECK = "actionlint", "validate-krew-manifest"
PINNED = (AWS_SCHEMA, CRD_CHECK, GITOPS, HELM_4, CRANE, COSIGN, ACTIONLINT, KREW_CHECK)
BUILT_ONLY = {HELM, TOFU, KIND, *PINNED}  # not among the control plane's downloads

Say = Callable[[str], None]


@dataclass(frozen=True)
class Binaries:
    """Paths of the control plane's programs and of kubectl."""

    etcd: Path
    apiserver: Path
    controller_manager: Path
    kubectl: Path


def cache_folder() -> Path:
    """Return the cache folder for programs of the pinned version and this platform."""
    return cache_root() / "bin" / f"{KUBERNETES_VERSION}-{'-'.join(platform_name())}"


def control_plane(say: Say) -> Binaries:
    """Return the control plane's programs and kubectl, downloading or building those that are missing.

    Args:
        say: Called with a line of progress before each slow step.

    Raises:
        BinaryUnavailableError: No source has one of them; the message says why each failed.
    """
    found = {name: path for name in PROGRAMS if (path := find(name))}
    missing = [name for name in PROGRAMS if name not in found]
    if missing:
        found |= obtain(missing, say)
    return Binaries(*(found[name] for name in PROGRAMS))


def kubectl(say: Say) -> Path:
    """Return kubectl: the machine's own of any version, else the pinned one.

    Raises:
        BinaryUnavailableError: There is none, and it could be neither downloaded nor built.
    """
    return find(KUBECTL) or obtain([KUBECTL], say)[KUBECTL]


def helm(say: Say) -> Path:
    """Return Helm: the machine's own of major version 3, else one built from its Go module.

    Raises:
        BinaryUnavailableError: There is none, and it could not be built.
    """
    own = shutil.which(HELM)
    fits = own is not None and _version_of(Path(own), ["version", "--short"]).startswith("3.")
    return _own_or_obtained(own if fits else None, HELM, say)


def terraform(say: Say) -> Path:
    """Return the machine's own Terraform or OpenTofu, else OpenTofu built from its Go module.

    Raises:
        BinaryUnavailableError: There is none, and it could not be built.
    """
    return _own_or_obtained(shutil.which("terraform") or shutil.which(TOFU), TOFU, say)


def kind(say: Say) -> Path:
    """Return kind: the machine's own, else the pinned one, built from its Go module.

    Raises:
        BinaryUnavailableError: There is none, and it could not be built.
    """
    return _own_or_obtained(shutil.which(KIND), KIND, say)


def pinned(name: str, say: Say) -> Path:
    """Return one of the programs `PINNED`, built from its Go module in tools/programs.

    Raises:
        BinaryUnavailableError: It could not be built.
    """
    return _own_or_obtained(None, name, say)


def _own_or_obtained(own: str | None, name: str, say: Say) -> Path:
    if own is not None:
        return Path(own)
    cached = cache_folder() / name
    return cached if cached.exists() else obtain([name], say)[name]


def find(name: str) -> Path | None:
    """Return a program that is already on this machine: of the pinned minor version, unless it is kubectl."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    candidates = [Path(assets) / name] if assets else []
    on_path = shutil.which(name)
    candidates += [Path(on_path)] if on_path else []
    for path in candidates:
        if path.exists() and (name == KUBECTL or has_pinned_minor(name, path)):
            return path
    cached = cache_folder() / name
    return cached if cached.exists() else None


def has_pinned_minor(name: str, path: Path) -> bool:
    """Return whether a program is of the pinned minor version."""
    pinned = ETCD_VERSION if name == "etcd" else KUBERNETES_VERSION
    return f"v{_version_of(path, ['--version'])}" == pinned.rsplit(".", 1)[0]


def _version_of(path: Path, arguments: list[str]) -> str:
    """Return the major and minor version of a program, such as `1.36`; empty if it prints none."""
    try:
        answer = subprocess.run([str(path), *arguments], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    version = re.search(r"v?(\d+\.\d+)\.\d+", answer.stdout)
    return version[1] if version else ""


def obtain(names: list[str], say: Say) -> dict[str, Path]:
    """Download or build programs into the cache.

    Raises:
        BinaryUnavailableError: Neither worked.
    """
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    problems = []
    ways: list[Callable[[list[str], Path, Say], None]] = [_build]
    if os.environ.get("LOGSCAN_DOWNLOAD", "1") != "0" and not BUILT_ONLY & set(names):
        ways.insert(0, _download)
    for way in ways:
        try:
            way([n for n in names if not (folder / n).exists()], folder, say)
            return {name: folder / name for name in names}
        except ToolError as error:
            say(f"  {error}")
            problems.append(str(error))
    raise BinaryUnavailableError(
        f"{', '.join(names)} (for Kubernetes {KUBERNETES_VERSION}) are not available:\n  "
        + "\n  ".join(problems)
        + "\nInstall Go, or set KUBEBUILDER_ASSETS to a folder that has them."
    )


def _download(names: list[str], folder: Path, say: Say) -> None:
    system, machine = platform_name()
    say(f"downloading {', '.join(names)} ({KUBERNETES_VERSION}) ...")
    for name in names:
        if name == "etcd":
            downloads.fetch_etcd(ETCD_VERSION, system, machine, folder / name)
        else:
            downloads.fetch_kubernetes(name, KUBERNETES_VERSION, system, machine, folder / name)


def _build(names: list[str], folder: Path, say: Say) -> None:
    if KUBERNETES_VERSION != BUILT_VERSION and not BUILT_ONLY.issuperset(names):
        raise ToolError(f"only Kubernetes {BUILT_VERSION} can be built, not {KUBERNETES_VERSION}")
    gobuild.build(names, folder, KUBERNETES_VERSION, say)


def main(arguments: list[str]) -> int:
    """Print the path of a program: `python -m logscan_tools.binaries kind`; of `control-plane`, that of its etcd."""
    programs: dict[str, Callable[[Say], Path]] = {KUBECTL: kubectl, HELM: helm, KIND: kind, TOFU: terraform}
    programs |= {name: partial(pinned, name) for name in PINNED}
    programs[CONTROL_PLANE] = lambda say: control_plane(say).etcd
    if len(arguments) != 1 or arguments[0] not in programs:
        sys.stderr.write(f"usage: python -m logscan_tools.binaries {'|'.join(programs)}\n")
        return 2
    try:
        print(programs[arguments[0]](lambda line: print(line, file=sys.stderr)))
    except ToolError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
