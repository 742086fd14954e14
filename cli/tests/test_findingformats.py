"""SARIF and OCSF of hostile findings, judged by the schemas of their owners."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator, FormatChecker

from kubectl_logscan import findings, ocsf, sarif
from kubectl_logscan.errors import AwsError

SCHEMAS = Path(__file__).parent / "schemas"
HOSTILE = [
    {"rule": "error", "severity": "error", "line": 7, "offset": 90, "text": '"}],"x":[{" \u202e\x1b[2J </script>'},
    {"rule": "error", "severity": "error", "line": 8, "offset": 120, "text": ""},
    {
        "rule": "new",
        "severity": "dreadful",
        "line": 9,
        "offset": 150,
        "text": "caf\u00e9 \U0001f600",
        "key": "!m/a b.log",
    },
    {"rule": "fatal", "severity": "critical", "line": 0, "offset": -9, "text": "lone \ud800", "key": "other/%41?#.log"},
    {"rule": "seen", "severity": "info", "line": 10**15, "offset": 10**17, "text": "x" * 5000},
    {"rule": "mild", "severity": "warning", "line": 3, "offset": 20, "text": "plain"},
]
LINES = [json.dumps(finding).encode() + b"\n" for finding in HOSTILE]
INCOMPLETE = [{"reason": "MatchLimit", "rule": "error"}, {"reason": "Damaged"}]
STATUS = {"completionTime": "2026-11-27T15:00:00Z", "summary": {"matchedLines": 900, "incomplete": INCOMPLETE}}
SCAN: dict[str, Any] = {
    "metadata": {"name": "a"},
    "spec": {"source": {"s3": {"bucket": "logs", "key": "dir/app 1.tar", "versionId": "v1"}}},
    "status": STATUS,
}
BARE: dict[str, Any] = {**SCAN, "spec": {"source": {"s3": {"bucket": "logs", "prefix": "dir/"}}}, "status": {}}


def made(make: Any, scan: dict[str, Any], lines: list[bytes]) -> bytes:
    scanned = findings.Scanned.of(scan)
    return b"".join(make(findings.read(lines, scanned, "s3://b/k"), scanned))


@pytest.mark.parametrize("lines", [LINES, LINES[:1], []], ids=["many", "one", "none"])
@pytest.mark.parametrize("scan", [SCAN, BARE], ids=["told", "bare"])
def test_sarif_is_valid_by_the_schema_of_oasis(scan: dict[str, Any], lines: list[bytes]) -> None:
    schema = json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text())
    document = json.loads(made(sarif.document, scan, lines))
    Draft4Validator(schema, format_checker=FormatChecker()).validate(document)
    (run,) = document["runs"]
    assert len(run["results"]) == len(lines)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_says_what_was_not_read_and_where_each_line_is() -> None:
    (run,) = json.loads(made(sarif.document, SCAN, LINES))["runs"]
    notes = [n["message"]["text"] for n in run["invocations"][0]["toolExecutionNotifications"]]
    for word, note in zip(("MatchLimit: error", "Damaged", "900"), notes, strict=True):
        assert word in note
    places = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]]
    assert places[0] == "s3://logs/dir/app%201.tar"
    assert places[2:4] == ["s3://logs/dir/app%201.tar!m/a%20b.log", "s3://logs/other/%2541%3F%23.log"]
    assert [r["level"] for r in run["results"]] == ["error", "error", "error", "error", "note", "warning"]
    assert len({r["partialFingerprints"]["logscan/v1"] for r in run["results"]}) == len(LINES)


@pytest.mark.parametrize("scan", [SCAN, BARE], ids=["told", "bare"])
def test_ocsf_is_valid_by_the_definitions_of_ocsf(scan: dict[str, Any]) -> None:
    schema = json.loads((SCHEMAS / f"ocsf-detection-finding-{ocsf.VERSION}.json").read_text())
    check = Draft202012Validator(schema)
    events = [json.loads(line) for line in made(ocsf.events, scan, LINES).splitlines()]
    assert len(events) == len(LINES)
    for event in events:
        check.validate(event)
    assert [event["severity_id"] for event in events] == [4, 4, 5, 5, 1, 3]
    assert not check.is_valid({**events[0], "severity_id": 7})
    assert not check.is_valid({**events[0], "invented": 1})


@pytest.mark.parametrize("make", [sarif.document, ocsf.events])
def test_nothing_that_controls_a_terminal_is_written(make: Any) -> None:
    text = made(make, SCAN, LINES).decode()
    assert all(line.isprintable() for line in text.split("\n"))
    assert "\\u001b" not in text


@pytest.mark.parametrize("line", [b"{", b"[]", b"\xff", b"{}", b'{"rule": 1}', b'{"line": "x"}'])
def test_a_line_that_is_no_finding_is_an_error(line: bytes) -> None:
    with pytest.raises(AwsError, match="damaged"):
        made(sarif.document, SCAN, [line])
