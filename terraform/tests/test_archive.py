"""The forwarder's archive in the repository is that of its source, and all that Lambda needs."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from logscan_tools.terraform import archive
from logscan_tools.terraform.configuration import TERRAFORM, blocks


def test_it_is_the_source_and_readable_by_everybody() -> None:
    with zipfile.ZipFile(archive.ARCHIVE) as packed:
        assert packed.testzip() is None
        files = {entry.filename: packed.read(entry) for entry in packed.infolist()}
        assert {(entry.external_attr >> 16) & 0o777 for entry in packed.infolist()} == {0o644}
    sources = (TERRAFORM / "forwarder" / "src").glob("logscan_forwarder/*.py")
    assert files == {f"logscan_forwarder/{path.name}": path.read_bytes() for path in sources}


def test_it_is_always_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the times and modes of the files."""
    for path in archive.SOURCE.rglob("*.py"):
        copy = tmp_path / path.relative_to(archive.SOURCE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o600)
    monkeypatch.setattr(archive, "SOURCE", tmp_path)
    assert archive.build() == archive.ARCHIVE.read_bytes()


def test_other_source_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert archive.main(["--check"]) == 0
    (tmp_path / "events.py").write_text("changed = True\n")
    monkeypatch.setattr(archive, "SOURCE", tmp_path)
    assert archive.main(["--check"]) == 1


def test_the_handler_that_terraform_names_is_in_it() -> None:
    (function,) = [block for block in blocks("resource") if block.type == "aws_lambda_function"]
    name, _, called = function.arguments["handler"].strip('"').rpartition(".")
    code = f"import {name} as m; assert callable(m.{called}); print(m.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(archive.ARCHIVE)}, capture_output=True, text=True
    )
    assert done.stdout.startswith(str(archive.ARCHIVE)), done.stderr


def test_nothing_is_built_by_terraform() -> None:
    """What a plan has built is missing where it is applied by another machine."""
    assert [block.address for block in blocks("data") if not block.type.startswith("aws_")] == []
