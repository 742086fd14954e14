"""Rules listed, shown and tested."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from conftest import Run

from kubectl_logscan.rulefiles import check
from logscan_api.packs import pack_names
from logscan_scanner import ruletests

FAILS = """
rules:
- rule: {name: payment-failed, pattern: 'payment \\d+ failed'}
  matches: ['payment 17 failed', 'payment failed']
  ignores: ["payment 17 failed\\u0007 over"]
- rule: {name: fine, pattern: fine}
  matches: [fine]
"""


@pytest.mark.parametrize("pack", pack_names())
def test_shipped_packs_pass(pack: str) -> None:
    cases = list(check(ruletests.load(pack)))
    assert cases
    assert [case for case in cases if case.failure] == []


def test_a_rule_that_fails_is_named_with_the_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(FAILS)
    done = run("rules", "test", str(tmp_path / "rules.yaml"), "--junit", str(tmp_path / "report.xml"))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "rule payment-failed does not match, but must: payment failed",
        "rule payment-failed matches, but must not: payment 17 failed\N{REPLACEMENT CHARACTER} over",
        "1 of 2 rules passed, on 4 lines",
    ]
    (suite,) = ET.parse(tmp_path / "report.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    failed = [case.get("classname") for case in suite if case.find("failure") is not None]
    assert failed == ["payment-failed", "payment-failed"]


SETS = """
apiVersion: v1
kind: Namespace
metadata: {name: billing}
---
apiVersion: logscan.dev/v1alpha1
kind: LogScanRuleSet
metadata: {name: billing}
spec:
  rules:
  - {name: payment-failed, pattern: 'payment \\d+ failed', matches: ['payment 17 failed'], ignores: [RULE]}
  - {name: refund, pattern: refund}
"""


@pytest.mark.parametrize(("line", "code"), [("payment ok", 0), ("payment 3 failed", 1)])
def test_the_manifest_that_is_applied_can_be_tested(run: Run, tmp_path: Path, line: str, code: int) -> None:
    (tmp_path / "rules.yaml").write_text(SETS.replace("RULE", line))
    done = run("rules", "test", str(tmp_path / "rules.yaml"))
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.splitlines()[-1] == f"{2 - code} of 2 rules passed, on 2 lines"


def test_a_rule_that_cannot_be_compiled_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("rules: [{rule: {name: bad, pattern: '('}, matches: [a]}]")
    done = run("rules", "test", str(tmp_path / "rules.yaml"))
    assert done.returncode == 1
    assert done.stdout.startswith("rule bad ")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("rules: [{rule: {name: a, pattern: a}}]", "rules[0].matches: is required"),
        ("rules: [{rule: {name: a, patern: a}, matches: [a]}]", "patern"),
        ("rules: [", "is not YAML"),
        ("- a", "must be an object"),
        ("kind: ConfigMap", "no LogScanRuleSet"),
        ("{kind: LogScanRuleSet, spec: {rules: [{name: a, patern: a}]}}", "spec.rules[0].patern"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(run: Run, tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "rules.yaml").write_text(text)
    done = run("rules", "test", str(tmp_path / "rules.yaml"))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert word in line


def test_a_file_that_is_missing(run: Run) -> None:
    done = run("rules", "test", "missing.yaml")
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)


@pytest.mark.parametrize("chosen", ["json", "yaml"])
def test_a_pack_that_is_shown_can_be_tested(run: Run, tmp_path: Path, chosen: str) -> None:
    shown = run("rules", "show", "etcd", "-o", chosen)
    (tmp_path / "rules.yaml").write_text(shown.stdout)
    assert run("rules", "test", str(tmp_path / "rules.yaml")).returncode == 0
    assert yaml.safe_load(shown.stdout)["name"] == "etcd"


def test_packs_are_listed(run: Run) -> None:
    assert [pack["name"] for pack in json.loads(run("rules", "list", "-o", "json").stdout)] == pack_names()
    assert run("rules", "list", "-o", "csv").stdout.startswith("pack,rules,for\n")


def test_a_pack_that_is_unknown(run: Run) -> None:
    done = run("rules", "show", "etdc")
    assert done.returncode == 3
    assert "etcd" in done.stderr
