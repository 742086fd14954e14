"""Manifests that are made from others, and how a change of either is noticed."""

import shutil
from pathlib import Path

import pytest

from logscan_tools import manifests
from logscan_tools.paths import REPOSITORY


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the tool work on a copy of the manifests and CRDs."""
    shutil.copytree(REPOSITORY / "manifests", tmp_path / "manifests")
    (tmp_path / "crds").mkdir()
    for path in (REPOSITORY / "crds").glob("*.yaml"):
        shutil.copy(path, tmp_path / "crds")
    monkeypatch.setattr(manifests, "REPOSITORY", tmp_path)
    chart, install = (tmp_path / path.relative_to(REPOSITORY) for path in (manifests.CHART, manifests.INSTALL))
    monkeypatch.setattr(manifests, "CHART", chart)
    monkeypatch.setattr(manifests, "INSTALL", install)
    return tmp_path


def test_what_is_committed_is_up_to_date(copy: Path) -> None:
    assert manifests.stale() == []
    assert manifests.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        ("manifests/chart/values.yaml", "manifests/install/logscan.yaml"),
        ("manifests/chart/Chart.yaml", "manifests/install/logscan.yaml"),
        ("manifests/install/logscan.yaml", "manifests/install/logscan.yaml"),
        ("crds/logscans.yaml", "manifests/chart/files/crds/logscans.yaml"),
    ],
)
def test_a_change_of_source_or_result_is_noticed(copy: Path, changed: str, stale: str) -> None:
    with (copy / changed).open("a") as file:
        file.write("# changed\n")
    assert manifests.stale() == [stale]
    assert manifests.main(["--check"]) == 1
    assert (copy / changed).read_text().endswith("# changed\n")


def test_a_change_of_values_that_only_tests_use_is_none(copy: Path) -> None:
    (copy / "manifests" / "chart" / "ci" / "kind.yaml").write_text("{}")
    assert manifests.stale() == []


@pytest.mark.tools
def test_helm_renders_what_is_committed(copy: Path) -> None:
    committed = manifests.INSTALL.read_text()
    assert manifests.main([]) == 0
    assert manifests.INSTALL.read_text() == committed
