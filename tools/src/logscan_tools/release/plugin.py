"""The kubectl plugin as krew installs it: an archive for each architecture, and the manifest with their checksums.

An archive has a launcher and the packages of `cli/plugin.lock` for every supported Python: shared objects are named
after the Python that loads them, so those of several stand side by side.
"""

import filecmp
import gzip
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY
from logscan_tools.release import checksums
from logscan_tools.release.commands import run
from logscan_tools.release.facts import Release

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
OURS = ("logscan_api", "logscan_engine", "logscan_scanner", "kubectl_logscan")
LOCK = REPOSITORY / "cli" / "plugin.lock"
MANIFEST = "krew.yaml"
COMMAND = "kubectl-logscan"
LAUNCHER = """\
#!/usr/bin/env python3
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("kubectl logscan needs Python 3.11 or newer, and python3 is " + sys.version.split()[0])
sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
from kubectl_logscan.__main__ import main

sys.exit(main())
"""


def build(release: Release) -> list[Path]:
    """Write an archive for each architecture of which the release has the engine's wheel, and return their paths.

    Raises:
        ToolError: A package has no wheel for an architecture, or packages overwrite each other's files.
    """
    found = []
    for architecture, machine in ARCHITECTURES.items():
        if list(release.folder.glob(f"logscan_engine-*_{machine}.whl")):
            found.append(_archive(release, architecture, machine))
    return found


def _archive(release: Release, architecture: str, machine: str) -> Path:
    target = release.folder / f"{COMMAND}-linux-{architecture}.tar.gz"
    with tempfile.TemporaryDirectory() as folder:
        root, lib = Path(folder), Path(folder) / "lib"
        for python in PYTHONS:
            one = root / python
            _install(release, machine, python, one)
            merge(one, lib)
            shutil.rmtree(one)
        (root / COMMAND).write_text(LAUNCHER, encoding="utf-8")
        (root / COMMAND).chmod(0o755)
        shutil.copy(REPOSITORY / "LICENSE", root)
        _pack(root, target, int(release.committed.timestamp()))
    return target


def _install(release: Release, machine: str, python: str, target: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "pip", "install", "--quiet", f"--target={target}", f"--python-version={python}"]
    command += [f"--python-platform={machine}-manylinux_2_28", "--only-binary=:all:"]
    run([*command, "--require-hashes", f"--requirement={LOCK}"])
    wheels = (path for path in release.folder.glob("*.whl") if path.name.startswith(OURS))
    fitting = [str(path) for path in wheels if path.name.endswith(("-any.whl", f"_{machine}.whl"))]
    run([*command, "--no-deps", *fitting])


def merge(source: Path, target: Path) -> None:
    """Move what an installation has into a folder with the installations for other Pythons.

    Raises:
        ToolError: The same file has other content there.
    """
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        name = path.relative_to(source)
        # Names of files and of the installer, and commands, which name an interpreter: none is read here.
        if name.parts[0] == "bin" or "__pycache__" in name.parts or _is_record(name):
            continue
        there = target / name
        if there.exists() and not filecmp.cmp(path, there, shallow=False):
            raise ToolError(f"{name} is another file for another Python")
        there.parent.mkdir(parents=True, exist_ok=True)
        path.replace(there)


def _is_record(name: Path) -> bool:
    """Return whether a file says how a wheel was built: of each Python's there is another one (also PEP 770, SBOMs)."""
    folder, *rest = name.parts
    return folder.endswith(".dist-info") and (rest[0] == "sboms" or len(rest) == 1) and name.name != "METADATA"


def _pack(root: Path, target: Path, seconds: int) -> None:
    """Write an archive that depends on nothing but its files and a time."""
    with target.open("wb") as raw, gzip.GzipFile("", "wb", mtime=seconds, fileobj=raw) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(path for path in root.rglob("*") if path.is_file()):
                entry = tar.gettarinfo(str(path), str(path.relative_to(root)))
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = ""
                entry.mtime, entry.mode = seconds, 0o755 if path.name == COMMAND else 0o644
                with path.open("rb") as file:
                    tar.addfile(entry, file)


def manifest(release: Release, archives: Iterable[Path]) -> dict[str, Any]:
    """Return the plugin's manifest for krew's index."""
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "logscan"},
        "spec": {
            "version": release.tag,
            "homepage": release.source,
            "shortDescription": "Show what logscan found in the logs of S3",
            "description": (
                "Shows what scans found, why they wait or failed, and retries, suspends or cancels them;\n"
                "scans local files and objects of S3; and tests rules.\n"
            ),
            "caveats": "Needs Python 3.11 or newer as python3, and in the cluster the operator: see the homepage.\n",
            "platforms": [_platform(release, path) for path in sorted(archives)],
        },
    }


def _platform(release: Release, archive: Path) -> dict[str, Any]:
    architecture = archive.name.removesuffix(".tar.gz").rsplit("-", 1)[-1]
    return {
        "selector": {"matchLabels": {"os": "linux", "arch": architecture}},
        "uri": release.download(archive.name),
        "sha256": checksums.digest(archive),
        "bin": COMMAND,
    }


def write_manifest(release: Release, archives: Iterable[Path]) -> Path:
    """Write the manifest into the release's folder and return its path."""
    path = release.folder / MANIFEST
    path.write_text(yaml.safe_dump(manifest(release, archives), sort_keys=False), encoding="utf-8")
    return path
