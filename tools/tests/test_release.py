"""The parts of a release that need no registry: notes, bills of materials, checksums, provenance, plugin, manifests."""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from logscan_tools import binaries, dockerfiles, version
from logscan_tools.errors import ToolError
from logscan_tools.paths import REPOSITORY
from logscan_tools.release import (
    changelog,
    checksums,
    components,
    files,
    plugin,
    provenance,
    sbom,
    steps,
    wheels,
)
from logscan_tools.release.facts import IMAGES, Release

DIGEST = "sha256:" + "ab" * 32
CHANGES = """# Changelog

## Unreleased

### Added
- New [things](new.md#top), [there](https://example.com), [here](#x).

## 1.2.0 - 2026-11-27
- Old.

## [1.1.0]
"""


@pytest.fixture
def release(tmp_path: Path) -> Release:
    when = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    source = "https://example.com/logscan"
    return Release(tmp_path, "127.0.0.1:5000/logscan", source, version.current(), "a" * 40, when)


def test_notes_are_the_section_of_the_version_with_links_that_work_elsewhere() -> None:
    assert changelog.notes(CHANGES, "1.2.0", "https://example.com/v1") == "- Old.\n"
    added = "- New [things](https://example.com/v1/new.md#top), [there](https://example.com), [here](#x).\n"
    assert changelog.notes(CHANGES, "Unreleased", "https://example.com/v1/").endswith(added)
    assert "Old" not in changelog.notes(CHANGES, "Unreleased", "x")


@pytest.mark.parametrize("title", ["1.1.0", "1.2", "2.0.0", "1.2.0-rc1"])
def test_a_version_without_notes_is_not_released(title: str) -> None:
    with pytest.raises(ToolError, match=re.escape(f"no section ## {title}")):
        changelog.notes(CHANGES, title, "x")


def test_our_changelog_has_notes_for_the_next_release() -> None:
    assert "### Added" in changelog.notes(changelog.CHANGELOG.read_text(), changelog.UNRELEASED, "x")


@pytest.fixture(params=IMAGES)
def bill(request: pytest.FixtureRequest, release: Release) -> dict[str, Any]:
    """Return the bill of materials of an image with some packages of Debian."""
    parts = steps.locked_parts(request.param, "3.13", release.version)
    listing = "libc6 2.36-9+deb12u13 amd64\nbase-files 12.4+deb12u12 amd64\n"
    parts += components.debian_packages(listing, "bookworm")
    document = sbom.document(release, request.param, "container", parts)
    assert document == sbom.document(release, request.param, "container", parts[::-1])
    return document


def test_a_bill_of_materials_lists_what_is_locked(bill: dict[str, Any]) -> None:
    image = bill["metadata"]["component"]["name"]
    purls = {part["purl"] for part in bill["components"]}
    lock = dockerfiles.read(image).lock.read_text()
    locked = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    assert {name for name in locked if not any(purl.startswith(f"pkg:pypi/{name}@") for purl in purls)} == set()
    assert f"pkg:pypi/{image}@{version.current()}" in purls
    assert "pkg:deb/debian/libc6@2.36-9%2Bdeb12u13?arch=amd64&distro=bookworm" in purls


@pytest.mark.tools
def test_a_bill_of_materials_obeys_the_schema_of_cyclonedx(bill: dict[str, Any]) -> None:
    judge = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(str(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()) or ""))
"""
    python = REPOSITORY / ".venv-release" / "bin" / "python"

    def verdict(document: dict[str, Any]) -> str:
        command = [str(python), "-c", judge]
        return subprocess.run(command, input=json.dumps(document), capture_output=True, text=True).stderr.strip()

    assert verdict(bill) == ""
    assert "'no-such-kind' is not one of" in verdict({**bill, "components": [{"type": "no-such-kind", "name": "x"}]})


def test_packages_for_other_pythons_are_not_in_a_bill(tmp_path: Path) -> None:
    lock = tmp_path / "image.lock"
    lock.write_text(
        "a==1.0 ; python_full_version < '3.14' \\\n    --hash=sha256:00\nb==2.0 ; sys_platform == 'win32'\n"
    )
    assert [part.name for part in components.python_packages(lock, "3.13")] == ["a"]
    assert components.python_packages(lock, "3.14") == []
    lock.write_text("a>=1\n")
    with pytest.raises(ToolError, match="pins no version"):
        components.python_packages(lock, "3.13")


def test_the_crates_are_those_that_cargo_builds_the_engine_of() -> None:
    """Cargo is the judge; it names those for this platform alone, so ours may be more."""
    command = [
        "cargo",
        "tree",
        "--locked",
        "--features=python",
        "--edges=normal,build",
        "--prefix=none",
        "--format={p}",
    ]
    told = subprocess.run(command, cwd=steps.CRATE, capture_output=True, text=True, check=True).stdout
    wanted = {tuple(line.split()[:2]) for line in told.splitlines()} - {("logscan-engine", f"v{version.current()}")}
    found = components.crates(steps.CRATE / "Cargo.toml", steps.CRATE / "Cargo.lock")
    assert wanted <= {(part.name, f"v{part.version}") for part in found}
    assert all(re.fullmatch(r"[0-9a-f]{64}", part.sha256) for part in found)
    dev = tomllib.loads((steps.CRATE / "Cargo.toml").read_text()).get("dev-dependencies", {})
    assert not {part.name for part in found} & (dev.keys() - {name for name, _ in wanted})


def test_checksums_are_those_of_sha256sum_and_find_each_change(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b.sigstore.json").write_bytes(b"signature")
    checksums.write(tmp_path)
    subprocess.run(["sha256sum", "--check", "--strict", checksums.SUMS], cwd=tmp_path, check=True, capture_output=True)
    assert checksums.check(tmp_path) == 1
    (tmp_path / "more").touch()
    with pytest.raises(ToolError, match="more"):
        checksums.check(tmp_path)
    (tmp_path / "more").unlink()
    (tmp_path / "a").write_bytes(b"b")
    with pytest.raises(ToolError, match=r"says: a$"):
        checksums.check(tmp_path)
    (tmp_path / "a").unlink()
    with pytest.raises(ToolError, match=r"says: a$"):
        checksums.check(tmp_path)


NOT_RELEASED = {"local/embedded/image.lock", "tools/images/audit.lock", "tools/site.lock"}
"""Locks of what is in no release, and of tools that make nothing in it."""


def test_provenance_names_the_commit_every_lock_and_the_bases(release: Release) -> None:
    bases = provenance.bases_of({"base": f"python:3.13-slim@{DIGEST}", "rust": "rust:1"})
    made = provenance.statement({"a": "00"}, provenance.predicate(release, "https://example.com/b", "", bases))
    definition = made["predicate"]["buildDefinition"]
    named = {one["uri"].partition("#")[2]: one["digest"] for one in definition["resolvedDependencies"]}
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    locks = {n for n in tracked.splitlines() if n.endswith(".lock") and "/tests/" not in n} - NOT_RELEASED
    assert locks <= named.keys()
    for lock in locks:
        assert named[lock] == {"sha256": hashlib.sha256((REPOSITORY / lock).read_bytes()).hexdigest()}
    assert {"uri": "pkg:docker/python:3.13-slim", "digest": {"sha256": "ab" * 32}} in definition["resolvedDependencies"]
    assert definition["resolvedDependencies"][0]["digest"] == {"gitCommit": "a" * 40}
    assert made["subject"] == [{"name": "a", "digest": {"sha256": "00"}}]


def test_a_wheel_with_code_for_another_machine_is_refused(tmp_path: Path) -> None:
    own = Path(sys.executable).resolve().read_bytes()[:64]
    assert wheels.machine(own) == wheels.MACHINES["x86_64"] or wheels.machine(own) == wheels.MACHINES["aarch64"]
    foreign = {62: "aarch64", 183: "x86_64"}[wheels.machine(own)]
    for name, content in {
        f"e-1-cp311-abi3-manylinux_2_28_{foreign}": own,
        "e-1-py3-none-any": own,
        f"f-1-cp311-abi3-manylinux_2_28_{foreign}": b"text",
    }.items():
        path = tmp_path / f"{name}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("e/_native.abi3.so", content)
        with pytest.raises(ToolError, match="is not for"):
            wheels.check(path)
    empty = tmp_path / f"g-1-cp311-abi3-manylinux_2_28_{foreign}.whl"
    zipfile.ZipFile(empty, "w").close()
    with pytest.raises(ToolError, match="its shared object is not for"):
        wheels.check(empty)


def test_a_wheel_brings_the_licence_and_says_what_it_is_for(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target=wheel", f"--directory={tmp_path}"]
    for package in wheels.PURE:
        subprocess.run(command, cwd=REPOSITORY / package, check=True, capture_output=True)
    for path in tmp_path.glob("*.whl"):
        wheels.check(path)
        with zipfile.ZipFile(path) as archive:
            (described,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            assert "Description-Content-Type: text/markdown" in archive.read(described).decode()
    with zipfile.ZipFile(tmp_path / "h-1-py3-none-any.whl", "w") as archive:
        archive.writestr("h/__init__.py", "")
    with pytest.raises(ToolError, match="lacks the licence"):
        wheels.check(tmp_path / "h-1-py3-none-any.whl")


def test_installations_for_several_pythons_stand_side_by_side(tmp_path: Path) -> None:
    for python in ("311", "312"):
        folder = tmp_path / python / "p"
        (folder / "__pycache__").mkdir(parents=True)
        (folder / "__init__.py").write_text("same")
        (folder / f"_p.cpython-{python}.so").write_text(python)
        (folder / "__pycache__" / "x.pyc").write_text(python)
        (tmp_path / python / "p-1.dist-info").mkdir()
        (tmp_path / python / "p-1.dist-info" / "RECORD").write_text(python)
        (tmp_path / python / "p-1.dist-info" / "sboms").mkdir()
        (tmp_path / python / "p-1.dist-info" / "sboms" / "p.cyclonedx.json").write_text(python)
        plugin.merge(tmp_path / python, tmp_path / "lib")
    found = {str(path.relative_to(tmp_path / "lib")) for path in (tmp_path / "lib").rglob("*") if path.is_file()}
    assert found == {"p/__init__.py", "p/_p.cpython-311.so", "p/_p.cpython-312.so"}
    (tmp_path / "313" / "p").mkdir(parents=True)
    (tmp_path / "313" / "p" / "__init__.py").write_text("other")
    with pytest.raises(ToolError, match="another file for another Python"):
        plugin.merge(tmp_path / "313", tmp_path / "lib")


@pytest.mark.tools
def test_krew_takes_the_manifest(release: Release, tmp_path: Path) -> None:
    archives = []
    for architecture in plugin.ARCHITECTURES:
        path = tmp_path / f"kubectl-logscan-linux-{architecture}.tar.gz"
        with tarfile.open(path, "w:gz"):
            pass
        archives.append(path)
    path = plugin.write_manifest(release, archives)
    judged = path.rename(tmp_path / "logscan.yaml")  # krew wants the plugin's name
    program = str(binaries.pinned(binaries.KREW_CHECK, print))
    done = subprocess.run([program, f"-manifest={judged}", "-skip-install"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    document = yaml.safe_load(judged.read_text())
    assert [p["selector"]["matchLabels"]["arch"] for p in document["spec"]["platforms"]] == ["amd64", "arm64"]
    document["spec"]["platforms"][0]["sha256"] = "00"
    judged.write_text(yaml.safe_dump(document))
    assert subprocess.run([program, f"-manifest={judged}", "-skip-install"], capture_output=True).returncode != 0


@pytest.mark.tools
def test_the_released_chart_names_the_images_that_were_pushed(release: Release) -> None:
    digests = {IMAGES[0]: DIGEST, IMAGES[1]: "sha256:" + "cd" * 32}
    chart = files.package(release, digests)
    written = files.write_manifests(release, chart)
    assert [path.name for path in written] == ["crds.yaml", "install.yaml"]
    crds, install = ([m for m in yaml.safe_load_all(path.read_text()) if m] for path in written)
    assert {m["kind"] for m in crds} == {"CustomResourceDefinition"}
    assert [m for m in install if m["kind"] == "CustomResourceDefinition"] == crds
    assert install[0]["kind"] == "Namespace"
    (deployment,) = (m for m in install if m["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"127.0.0.1:5000/logscan/logscan-operator@{digests[IMAGES[0]]}"
    (settings,) = (m for m in install if m["kind"] == "ConfigMap" and "LOGSCAN_SCANNER_IMAGE" in m["data"])
    assert settings["data"]["LOGSCAN_SCANNER_IMAGE"] == f"127.0.0.1:5000/logscan/logscan-scanner@{digests[IMAGES[1]]}"
    with tarfile.open(chart) as archive:
        file = archive.extractfile("logscan/Chart.yaml")
        assert file is not None
        about: dict[str, Any] = yaml.safe_load(file)
        names = archive.getnames()
    assert about["sources"] == ["https://example.com/logscan"]
    assert [one["image"] for one in yaml.safe_load(about["annotations"]["artifacthub.io/images"])] == [
        f"127.0.0.1:5000/logscan/{name}@{digests[name]}" for name in IMAGES
    ]
    assert not [name for name in names if "/ci/" in name]
