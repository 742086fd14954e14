"""How the scanner's process ends: its exit code and its termination message."""

import json
from pathlib import Path
from typing import Any

import pytest
from cloud import TEXT, request, rows

from logscan_api.exitcodes import ExitCode
from logscan_api.rules import Rule
from logscan_engine import canary
from logscan_scanner import program as command
from logscan_scanner import runner


def main(monkeypatch: pytest.MonkeyPatch, path: Path, text: str | None) -> tuple[int, dict[str, Any]]:
    monkeypatch.setenv("LOGSCAN_TERMINATION_PATH", str(path))
    if text is None:
        monkeypatch.delenv("LOGSCAN_REQUEST", raising=False)
    else:
        monkeypatch.setenv("LOGSCAN_REQUEST", text)
    return command.main([]), json.loads(path.read_text())


def test_the_process_ends_with_its_exit_code_and_termination_message(
    cloud: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    code, words = main(monkeypatch, tmp_path / "words", request(key="a").to_variable())
    assert (code, words["message"]) == (0, "200 of 1000 lines matched")
    code, words = main(monkeypatch, tmp_path / "words", request(row="S#3#h", key="b").to_variable())
    assert (code, words["reason"]) == (ExitCode.OBJECT_NOT_FOUND, "ObjectNotFound")
    invalid = request(row="S#2#h", key="a", rules=[Rule(name="bad", pattern="(")])
    code, words = main(monkeypatch, tmp_path / "words", invalid.to_variable())
    assert (code, words["code"]) == (65, 65)
    assert "rule 'bad'" in words["message"]


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "is not set"), ("{}", "scan: is required"), ("x", "is not JSON"), ('{"schema": 2}', "schema")],
)
def test_a_bad_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, words: str) -> None:
    code, message = main(monkeypatch, tmp_path / "words", text)
    assert code == ExitCode.BAD_REQUEST
    assert words in message["message"]


def test_an_unexpected_error_is_an_internal_error(cloud: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr(runner, "compile_for_scan", broken)
    code, words = main(monkeypatch, tmp_path / "words", request(key="a").to_variable())
    assert (code, words["message"]) == (70, "RuntimeError: surprise")


def test_an_engine_that_counts_wrong_ends_the_scan_and_writes_no_row(
    cloud: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=TEXT)
    monkeypatch.setitem(canary.COUNTS, r"^$", 7)
    code, words = main(monkeypatch, tmp_path / "words", request(key="a").to_variable())
    assert code == ExitCode.INTERNAL_ERROR
    assert words["message"].startswith("InternalError: the engine counts wrong on this machine: 1 instead of 7 lines")
    assert rows() == []


def test_a_termination_message_that_cannot_be_written_changes_no_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGSCAN_TERMINATION_PATH", "/no/such/folder/words")
    assert command._end(ExitCode.DONE, "fine") == 0
