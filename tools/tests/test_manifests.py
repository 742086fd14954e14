"""Manifests that are made from others."""

import pytest

from logscan_tools import manifests
from logscan_tools.paths import REPOSITORY


def test_stale_manifests_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(manifests, "expected", lambda: {"README.md": "something else"})
    assert manifests.main(["--check"]) == 1
    assert "README.md" in capsys.readouterr().err
    assert (REPOSITORY / "README.md").read_text() != "something else"
