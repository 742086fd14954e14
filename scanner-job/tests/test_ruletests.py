"""`rules test` runs the tests of packs and rule sets, and tries their rules on a file."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from logscan_api.exitcodes import ExitCode
from logscan_api.packs import pack_names
from logscan_scanner import program

LATE = {"name": "late", "pattern": r"took \d{4,} ms", "matches": ["took 1200 ms"], "ignores": ["took 12 ms"]}
KIND = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanRuleSet", "metadata": {"name": "x"}}


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOGSCAN_TERMINATION_PATH", str(tmp_path / "words"))


def written(folder: Path, *documents: Any) -> str:
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    return str(path)


def rule_set(*rules: Any) -> dict[str, Any]:
    return {**KIND, "spec": {"rules": list(rules)}}


@pytest.mark.parametrize("name", pack_names())
def test_shipped_packs_pass(name: str) -> None:
    assert program.main(["rules", "test", name]) == ExitCode.DONE


def test_a_set_is_tested_and_tried_on_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, {"kind": "Namespace"}, rule_set(LATE), rule_set({"name": "two", "pattern": "x"}))
    log = tmp_path / "log"
    log.write_text("took 1 ms\ntook 9999 ms\n")
    assert program.main(["rules", "test", path, str(log)]) == ExitCode.DONE
    printed = capsys.readouterr()
    assert json.loads(printed.out)["byRule"] == {"late": 1, "two": 0}
    assert printed.err.endswith("2 rules, 2 lines, 0 failed\n")


def test_a_failed_test_is_printed_and_ends_with_a_code_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, rule_set({**LATE, "ignores": ["took 5555 ms"], "matches": ["took 1 ms"]}))
    assert program.main(["rules", "test", path]) == ExitCode.INVALID_RULE
    assert capsys.readouterr().err.splitlines() == [
        "FAILED  rule 'late' does not match \"took 1 ms\"",
        "FAILED  rule 'late' matches \"took 5555 ms\"",
        "1 rules, 2 lines, 2 failed",
    ]


def test_a_file_with_a_pack_is_tested_too(tmp_path: Path) -> None:
    rule = {"rule": {"name": "late", "pattern": "late"}, "matches": ["late"], "ignores": ["later"]}
    pack = {"name": "mine", "description": "Mine.", "rules": [rule]}
    assert program.main(["rules", "test", written(tmp_path, pack)]) == ExitCode.INVALID_RULE


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        (rule_set({**LATE, "pattern": "(a"}), 65, "rule 'late'"),
        (rule_set({**LATE, "colour": "red"}), 64, "spec.rules[0].colour: unknown field"),
        (rule_set(), 64, "spec.rules: must have at least 1 item"),
        ({"kind": "ConfigMap"}, 64, "no LogScanRuleSet (logscan.dev/v1alpha1) and no pack"),
        ({"name": "mine"}, 64, "description: is required"),
    ],
)
def test_what_cannot_be_tested_is_said(tmp_path: Path, document: Any, code: int, words: str) -> None:
    assert program.main(["rules", "test", written(tmp_path, document)]) == code
    assert words in json.loads((tmp_path / "words").read_text())["message"]


def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    assert program.main(["rules", "test", str(tmp_path / "none.yaml")]) == ExitCode.BAD_REQUEST
