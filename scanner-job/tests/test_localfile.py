"""Rules tried on a local file, and the command line."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from logscan_scanner.errors import BadRequestError, InvalidRuleError, ObjectNotFoundError
from logscan_scanner.localfile import scan_file
from logscan_scanner.program import main

RULES = "inline: [{name: err, pattern: ERROR}]"


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return str(path)


def test_a_file_is_scanned_whatever_it_is_called(tmp_path: Path, rules: str) -> None:
    path = tmp_path / "app.txt"
    path.write_bytes(gzip.compress(b"ok\nERROR one\n"))
    found = scan_file(str(path), rules)
    assert (found["lines"], found["byRule"], found["formats"]) == (2, {"err": 1}, ["gzip"])


def test_standard_input(monkeypatch: pytest.MonkeyPatch, rules: str) -> None:
    class Input:
        buffer = io.BytesIO(b"ERROR\nERROR\n")

    monkeypatch.setattr("sys.stdin", Input())
    assert scan_file("-", rules)["byRule"] == {"err": 2}


def test_the_command_prints_json(tmp_path: Path, rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_bytes(b"ERROR password=x\n")
    assert main(["--file", str(tmp_path / "log"), "--rules", rules]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["samples"] == [{"rule": "err", "line": 1, "offset": 0, "text": "ERROR password=***"}]


def test_damage_is_told(tmp_path: Path, rules: str) -> None:
    (tmp_path / "log.gz").write_bytes(gzip.compress(b"ERROR\n" * 1000)[:-4])
    assert "ends before its end mark" in str(scan_file(str(tmp_path / "log.gz"), rules)["truncated"])


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("packs: [nope]", BadRequestError, "unknown rule pack 'nope'"),
        ("inline: [{name: x, pattern: '('}]", InvalidRuleError, "'x'"),
        ("inline: [{name: x}]", BadRequestError, "pattern"),
        ("[", BadRequestError, "rules.yaml"),
    ],
)
def test_bad_rules(tmp_path: Path, text: str, error: type[Exception], words: str) -> None:
    (tmp_path / "rules.yaml").write_text(text)
    with pytest.raises(error, match=words):
        scan_file("-", str(tmp_path / "rules.yaml"))


def test_a_missing_file(rules: str) -> None:
    with pytest.raises(ObjectNotFoundError, match="No such file"):
        scan_file("/no/such/file", rules)


@pytest.mark.parametrize("arguments", [["--file", "x"], ["--version"]])
def test_the_command_line_ends(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == (0 if arguments == ["--version"] else 2)
