"""One version: each place has the same, and it stands nowhere else."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from logscan_tools import version
from logscan_tools.paths import REPOSITORY
from logscan_tools.version import VersionError

# Pins of foreign packages are full of versions, and the changelog keeps the old ones.
UNREAD = (".lock", ".sum", "go.mod", "CHANGELOG.md")


def test_every_place_has_the_same_version() -> None:
    found = version.versions()
    assert all(found.values())
    assert {one for several in found.values() for one in several} == {version.current()}


def test_the_version_stands_nowhere_else() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True, text=True)
    paths = [REPOSITORY / name for name in listed.stdout.split("\0") if name and not name.endswith(UNREAD)]
    # The same digits may belong to others; on a line that speaks of us or of a version they are ours.
    ours = re.compile(rf"^.*(logscan|version|tag).*(?<![\w.]){re.escape(version.current())}(?![\w.])", re.I | re.M)
    texts = {str(path.relative_to(REPOSITORY)): path.read_text(errors="ignore") for path in paths if path.is_file()}
    found = {name for name, text in texts.items() if ours.search(text)}
    assert found <= {*version.PLACES, *version.GENERATED}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the tool work on a copy of the places."""
    for name in version.PLACES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    monkeypatch.setattr(version, "REPOSITORY", tmp_path)
    return tmp_path


@pytest.mark.parametrize("new", ["9.8.7", "1.0.0-rc1"])
def test_a_bump_changes_every_place_and_nothing_else(copy: Path, new: str) -> None:
    before = {name: (copy / name).read_text() for name in version.PLACES}
    old = version.current()
    version.bump(new)
    assert {one for several in version.versions().values() for one in several} == {new}
    version.bump(old)
    assert {name: (copy / name).read_text() for name in version.PLACES} == before


@pytest.mark.parametrize("new", ["1.0", "v1.0.0", "1.0.0rc1", "01.0.0", "1.0.0 ", ""])
def test_what_is_no_version_changes_nothing(copy: Path, new: str) -> None:
    old = version.current()
    assert version.main([new]) == 1
    assert version.current() == old


def test_a_place_that_moved_changes_nothing(copy: Path) -> None:
    chart = copy / "manifests" / "chart" / "Chart.yaml"
    chart.write_text("name: logscan\n")
    old = version.current()
    with pytest.raises(VersionError):
        version.bump("9.8.7")
    assert version.current() == old
