"""Rules tried on a local file, and the command line."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from logscan_api.exitcodes import ExitCode
from logscan_api.logscans import Limits
from logscan_api.requests import resolve_limits
from logscan_api.rules import Rule
from logscan_engine import LogFile
from logscan_scanner.errors import ScanError
from logscan_scanner.localfile import scan_file
from logscan_scanner.program import main
from logscan_scanner.scanning.progress import Progress
from logscan_scanner.scanning.rules import compile_for_scan
from logscan_scanner.scanning.scan import Scan

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


def test_rules_that_are_slow_on_this_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        r"inline: [{name: order, pattern: 'order .*\d{9}'}, {name: err, pattern: ERROR}]"
    )
    for word, slow in ("order", ["order"]), ("basket", []):
        (tmp_path / "log").write_text(f"2026-11-24 10:00:00 {word} accepted and nothing else to say of it\n" * 2000)
        found: Any = scan_file(str(tmp_path / "log"), str(tmp_path / "rules.yaml"))
        assert list(found["slowRules"]) == slow


def test_damage_is_in_the_output(tmp_path: Path, rules: str) -> None:
    (tmp_path / "log.gz").write_bytes(gzip.compress(b"ERROR\n" * 1000)[:-4])
    parts: Any = scan_file(str(tmp_path / "log.gz"), rules)["incomplete"]
    assert [part["reason"] for part in parts] == ["Damaged"]
    assert "ends before its end mark" in parts[0]["message"]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("packs: [nope]", ExitCode.BAD_REQUEST, "unknown rule pack 'nope'"),
        ("inline: [{name: x, pattern: '('}]", ExitCode.INVALID_RULE, "'x'"),
        ("inline: [{name: x}]", ExitCode.BAD_REQUEST, r"rules.yaml: inline\[0\]: needs a pattern, a where"),
        ("inline: [{name: x, where: {a: '>b'}}]", ExitCode.INVALID_RULE, r"rule 'x': where\.a: \">b\" must compare"),
        ("inline: [{name: x, where: {a: {b: c}}}]", ExitCode.BAD_REQUEST, r"inline\[0\]\.where\.a: must be a text"),
        ("inline: [{name: x, pattern: y, colour: z}]", ExitCode.BAD_REQUEST, "unknown field, allowed are name"),
        ("{}", ExitCode.BAD_REQUEST, "name at least one pack or inline rule"),
        (
            "ruleSets: [ours]",
            ExitCode.BAD_REQUEST,
            "ruleSets: the LogScanRuleSet 'ours' is not known; `rules test` reads",
        ),
        ("[", ExitCode.BAD_REQUEST, "rules.yaml"),
    ],
)
def test_bad_rules(tmp_path: Path, text: str, code: ExitCode, words: str) -> None:
    (tmp_path / "rules.yaml").write_text(text)
    with pytest.raises(ScanError, match=words) as failure:
        scan_file("-", str(tmp_path / "rules.yaml"))
    assert failure.value.code is code
    assert not [word for word in ("pydantic", "type=", "input_value") if word in str(failure.value)]


def test_a_missing_file(rules: str) -> None:
    with pytest.raises(ScanError, match="No such file") as failure:
        scan_file("/no/such/file", rules)
    assert failure.value.code is ExitCode.OBJECT_NOT_FOUND


@pytest.mark.parametrize("arguments", [["--file", "x"], ["--version"]])
def test_the_command_line_ends(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == (0 if arguments == ["--version"] else 2)


def test_a_plain_file_is_read_up_to_its_limits(tmp_path: Path) -> None:
    lines = [f"{number} {'ERROR' if number % 7 == 0 else 'fine'}" for number in range(200_000)]
    data = "\n".join(lines).encode()
    (tmp_path / "log").write_bytes(data)
    rule = Rule(name="err", pattern="ERROR$")
    for limits, reason in (
        (Limits(), []),
        (Limits(max_bytes=len(data)), []),
        (Limits(max_bytes=len(data) - 100), ["MaxBytes"]),
        (Limits(max_bytes=1000), ["MaxBytes"]),
        (Limits(max_decompressed_bytes=len(data) - 1), ["MaxDecompressedBytes"]),
    ):
        resolved = resolve_limits(limits)
        scan = Scan(compile_for_scan([rule]), [rule], resolved, Progress(None))
        scan.read_file(LogFile(str(tmp_path / "log")), "log")
        counts = scan.finish()
        most = min(resolved.max_bytes, resolved.max_decompressed_bytes)
        read = data[:most].split(b"\n")
        assert (counts.lines, counts.by_rule) == (len(read), [sum(line.endswith(b"ERROR") for line in read)])
        assert [part.reason for part in scan.incomplete] == reason
        assert scan.stored_bytes == scan.engine.bytes == min(most, len(data))
