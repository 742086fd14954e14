"""Files of this machine scanned."""

import csv
import gzip
import io
import json
import subprocess
from pathlib import Path

import pytest
from conftest import Run, in_terminal

from kubectl_logscan.errors import Exit, UsageError
from kubectl_logscan.locations import source_of
from kubectl_logscan.scancommands import verdict
from logscan_api.rules import Severity

LINES = [f"2026-11-24T08:00:{n % 60:02}Z {'ERROR' if n % 7 == 0 else 'INFO'} request {n}" for n in range(500)]
RULES = r"inline: [{name: err, pattern: 'ERROR request \d*7\b', severity: critical}]"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text("\n".join(LINES) + "\n")
    return path


@pytest.fixture
def rules(tmp_path: Path) -> str:
    (tmp_path / "rules.yaml").write_text(RULES)
    return str(tmp_path / "rules.yaml")


def test_counts_are_those_of_grep(run: Run, log: Path, rules: str) -> None:
    grep = subprocess.run(["grep", "-c", "-P", r"ERROR request \d*7\b", str(log)], capture_output=True, text=True)
    done = run("scan", str(log), "--rules", rules, "-o", "json")
    assert json.loads(done.stdout)["byRule"] == {"err": int(grep.stdout)}
    rows = list(csv.reader(io.StringIO(run("scan", str(log), "--rules", rules, "-o", "csv").stdout)))
    assert rows == [["rule", "severity", "lines"], ["err", "critical", grep.stdout.strip()]]


def test_standard_input_and_packs(run: Run) -> None:
    done = run("scan", "-", "--pack", "levels", "--pack", "etcd", "-o", "json", stdin="\n".join(LINES))
    assert json.loads(done.stdout)["bySeverity"]["error"] == len([line for line in LINES if "ERROR" in line])


@pytest.mark.parametrize(
    ("fail_on", "code"), [("info", 1), ("error", 1), ("critical", 0)], ids=["milder", "same", "worse"]
)
def test_a_severity_fails_a_build(run: Run, log: Path, fail_on: str, code: int) -> None:
    assert run("scan", str(log), "--fail-on", fail_on).returncode == code


def test_an_input_that_was_cut_off_is_never_called_clean(run: Run, tmp_path: Path) -> None:
    packed = gzip.compress("\n".join(LINES).encode())
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])
    done = run("scan", str(tmp_path / "cut.gz"), "--fail-on", "critical")
    assert done.returncode == 6
    assert "Damaged" in done.stdout


def test_a_log_cannot_control_the_terminal(run: Run) -> None:
    done = run("scan", "-", stdin="ERROR \x1b]0;owned\x07 \N{RIGHT-TO-LEFT OVERRIDE}[bold]x[/bold]\n")
    assert "[bold]x[/bold]" in done.stdout
    assert not {"\x1b", "\x07", "\N{RIGHT-TO-LEFT OVERRIDE}"} & set(done.stdout)


@pytest.mark.parametrize("chosen", ["table", "wide"])
def test_a_narrow_terminal_cuts_nothing(log: Path, rules: str, chosen: str) -> None:
    shown = in_terminal(["scan", str(log), "--rules", rules, "-o", chosen], columns=40)
    assert max(map(len, shown.splitlines())) <= 40
    assert "…" not in shown
    words = "".join(shown.split())
    for found in ("err", "critical", "2026-11-24T08:00:07+00:00", "ERRORrequest497"):
        assert found in words


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["scan", "missing.log"], 3, "missing.log"),
        (["scan", "s3://logs/a.log", "--fail-on", "error"], 2, "add --wait"),
        (["scan", "s3://logs/a.log"], 4, "--kubeconfig"),
        (["history", "logs/a.log"], 2, "s3://BUCKET/KEY"),
        (["scan", "-", "--pack", "lvels"], 2, "levels"),
        (["scan", "-", "--rules", "missing.yaml"], 2, "missing.yaml"),
        (["scan", "-", "--rules", "a.yaml", "--pack", "levels"], 2, "either"),
        (["why", "a"], 4, "--kubeconfig"),
        (["list", "--context", "x"], 4, "--context"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(run: Run, arguments: list[str], code: int, word: str) -> None:
    done = run(*arguments, stdin="")
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert word in line


@pytest.mark.parametrize(
    ("address", "key", "prefix"),
    [
        ("s3://logs/a b/é#1.log", "a b/é#1.log", None),
        ("s3://logs/app/", None, "app/"),
        ("s3://logs/app*", None, "app"),
    ],
)
def test_an_address_names_an_object_or_a_prefix(address: str, key: str | None, prefix: str | None) -> None:
    source = source_of(address)
    assert (source.bucket, source.key, source.prefix) == ("logs", key, prefix)


@pytest.mark.parametrize("address", ["s3://logs", "s3://logs/", "s3:///a", "s3://logs/*", "s3://lo gs/a"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match=r"s3://|bucket"):
        source_of(address)


@pytest.mark.parametrize(
    ("found", "incomplete", "code"),
    [
        ({}, [], Exit.OK),
        ({"warning": 5, "error": 0}, [], Exit.OK),
        ({"warning": 5}, ["cut"], Exit.INCOMPLETE),
        ({"error": 1}, ["cut"], Exit.FOUND),
        ({"disaster": 1}, [], Exit.FOUND),
    ],
)
def test_the_verdict(found: dict[str, int], incomplete: list[str], code: Exit) -> None:
    assert verdict(found, incomplete, Severity.ERROR) is code


def test_an_option_that_is_unknown_is_a_usage_error(run: Run) -> None:
    assert run("scan", "-", "--nope", stdin="").returncode == 2
