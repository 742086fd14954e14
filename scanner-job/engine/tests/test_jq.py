"""Conditions on fields beside those of jq, on lines of services, and with LOGSCAN_JSON_LOG on a real log as well."""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

import logscan_engine as engine
from logscan_api.packs import load_pack, pack_names
from logscan_engine import Rule, RuleSet
from oracle import fields

# The fields of a rule and what jq must be asked for the same lines: it knows neither letter case nor numbers in texts.
SAME = [
    ({"level": ["error", "fatal"]}, '.level | strings | ascii_downcase | . == "error" or . == "fatal"'),
    ({"level": ["!=info"]}, '(.level // "" | tostring | ascii_downcase) != "info"'),
    ({"http.status": [">=500"]}, ".http.status? | tonumber? | . >= 500"),
    ({"http.status": [">=400 <500", "!=404"]}, ".http.status? | tonumber? | . >= 400 and . < 500 and . != 404"),
    (
        {"level": ["error"], "http.status": ["503"]},
        '(.level | strings | ascii_downcase) == "error" and .http.status == 503',
    ),
    ({"error": ["!="]}, '(.error // "") != ""'),
    ({"error": ["="]}, '(.error // "") == ""'),
    ({"tags": ["slow"]}, '.tags | arrays | any(. == "slow")'),
    ({"tags": ["!=slow"]}, '(.tags // []) | all(. != "slow")'),
    ({"http.retried": ["true"]}, ".http.retried? == true"),
    ({"user.id": ["12345678"]}, '."user.id" == 12345678'),
    ({"msg": ['größe "x"\\n']}, '.msg | strings | . == "größe \\"x\\"\\\\n"'),
]


def service_lines(count: int, seed: int) -> list[str]:
    """Return lines of a service that is not careful with its fields."""
    chance = random.Random(seed)
    lines = []
    for _ in range(count):
        line = {
            "level": chance.choice(["info", "info", "INFO", "warn", "error", "ERROR", "Fatal", 30, None]),
            "msg": chance.choice(["served", 'größe "x"\\n', "error", "a level of error"]),
            "http": chance.choice(
                [None, {"status": chance.choice([200, 404, 499, 500, 503, "502", 5e2]), "retried": True}]
            ),
            "error": chance.choice([None, "", "timeout"]),
            "tags": chance.choice([[], ["slow"], ["cold", "slow"], ["cold"]]),
            "user.id": chance.choice([7, 12345678]),
        }
        kept = {name: value for name, value in line.items() if chance.random() < 0.8}
        separators = chance.choice([(",", ":"), (", ", ": ")])
        lines.append(json.dumps(kept, ensure_ascii=chance.random() < 0.5, separators=separators))
    return lines


def selected(log: Path, condition: str) -> int:
    """Return how many documents jq selects."""
    command = ["jq", "-c", f"select({condition}) | 1", str(log)]
    return subprocess.run(command, capture_output=True, check=True).stdout.count(b"\n")


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize(("where", "condition"), SAME, ids=[str(where) for where, _ in SAME])
def test_jq_selects_the_same_lines(where: dict[str, list[str]], condition: str, tmp_path: Path) -> None:
    lines = "\n".join(service_lines(3000, 5)).encode()
    real = os.environ.get("LOGSCAN_JSON_LOG")
    (tmp_path / "log").write_bytes(lines + b"\n" + (Path(real).read_bytes() if real else b""))
    counted = engine.count(RuleSet([Rule("r", where=where)]), (tmp_path / "log").read_bytes()).by_rule
    document = f"objects | {condition}"
    assert counted == [selected(tmp_path / "log", document)]
    assert counted[0] > 30


def test_shipped_rules_on_fields_find_what_json_reads() -> None:
    packed = [one for name in pack_names() for one in load_pack(name).rules]
    lines = [line.encode() for one in packed for line in (*one.matches, *one.ignores)]
    rules = [Rule(one.rule.name, None, where=one.rule.where) for one in packed if one.rule.where]
    judged = [sum(fields.holds(rule.where or {}, line) for line in lines) for rule in rules]
    assert engine.count(RuleSet(rules), b"\n".join(lines) + b"\n").by_rule == judged
    assert len(rules) >= 4
    assert min(judged) > 0
