"""What the hosting service reads: workflows, templates, and the update of dependencies."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from logscan_tools import binaries

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def test_zizmor_finds_nothing_in_the_workflows() -> None:
    audit = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-progress", "--pedantic", str(GITHUB)]
    found = subprocess.run(audit, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.tools
def test_actionlint_finds_nothing_in_the_workflows(tmp_path: Path) -> None:
    program = str(binaries.pinned(binaries.ACTIONLINT, print))
    found = subprocess.run([program, *map(str, GITHUB.glob("workflows/*.yaml"))], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
    wrong = tmp_path / "wrong.yaml"
    text = (GITHUB / "workflows" / "release.yaml").read_text()
    wrong.write_text(text.replace("needs.files.outputs.base", "needs.files.outputs.bass"))
    found = subprocess.run([program, str(wrong)], capture_output=True, text=True)
    assert 'property "bass" is not defined' in found.stdout


def test_only_jobs_that_sign_or_publish_may_ask_for_an_identity() -> None:
    jobs = {
        (path.stem, name): {**yaml.safe_load(path.read_text())["permissions"], **job.get("permissions", {})}
        for path in GITHUB.glob("workflows/*.yaml")
        for name, job in yaml.safe_load(path.read_text())["jobs"].items()
    }
    identified = {("release", "publish"), ("release", "pypi"), ("pages", "deploy")}
    assert {name for name, may in jobs.items() if "id-token" in may} == identified
    assert {name for name, may in jobs.items() if may.get("contents") == "write"} == {("release", "announce")}


def test_each_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    lines = [line for path in GITHUB.glob("workflows/*.yaml") for line in path.read_text().splitlines()]
    used = [line.partition("uses:")[2].strip() for line in lines if "uses:" in line]
    assert used
    assert [one for one in used if not PINNED.fullmatch(one)] == []


@pytest.mark.parametrize("path", sorted(GITHUB.glob("ISSUE_TEMPLATE/*.yaml")), ids=lambda path: path.name)
def test_a_form_has_what_the_service_demands(path: Path) -> None:
    """By "Syntax for issue forms" of GitHub's documentation."""
    form: dict[str, Any] = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= form.keys()
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert all(part["attributes"]["label"] for part in asked)
    assert len({part["id"] for part in asked}) == len(asked)


def test_each_folder_of_dependencies_is_kept_up_to_date() -> None:
    updates = yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]
    folders = {folder for one in updates for folder in one.get("directories", [one.get("directory")])}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for manifest in (line for line in tracked.splitlines() if line.endswith(("Cargo.toml", "go.mod"))):
        folder = Path("/", manifest).parent
        assert any(folder.match(pattern.lstrip("/")) for pattern in folders if pattern != "/"), manifest
