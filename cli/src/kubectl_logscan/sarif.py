"""Findings as SARIF 2.1.0, written as a stream.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html

SARIF is of static analysis: an artifact is here an object in S3, and a region a line of it.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from kubectl_logscan import __version__
from kubectl_logscan.findings import Finding, Scanned

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"info": "note", "warning": "warning", "error": "error", "critical": "error"}


def document(found: Iterable[Finding], scanned: Scanned) -> Iterator[bytes]:
    """Yield a SARIF log with one run, in parts.

    The rules come after the results, since they are known only then; the order of members means nothing in JSON.

    Args:
        found: The findings.
        scanned: The scan.
    """
    rules: dict[str, tuple[int, str]] = {}
    count = 0
    yield f'{{"$schema": "{SCHEMA}", "version": "2.1.0", "runs": [{{"columnKind": "unicodeCodePoints",'.encode()
    yield b' "results": ['
    for count, finding in enumerate(found, 1):
        index, _ = rules.setdefault(finding.rule, (len(rules), finding.severity))
        yield (b"\n" if count == 1 else b",\n") + _json(_result(finding, index))
    yield b'],\n"tool": ' + _json(_tool(rules))
    yield b',\n"invocations": [' + _json(_invocation(scanned, count)) + b"]}]}\n"


def _result(finding: Finding, index: int) -> dict[str, Any]:
    region = {"startLine": finding.line, "byteOffset": finding.offset, "snippet": {"text": finding.text}}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _level(finding.severity),
        "message": {"text": finding.text or "(an empty line)"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": finding.uri}, "region": region}}],
        "partialFingerprints": {"logscan/v1": finding.identity},
        "properties": {"severity": finding.severity},
    }


def _tool(rules: dict[str, tuple[int, str]]) -> dict[str, Any]:
    shown = [
        {"id": name, "defaultConfiguration": {"level": _level(severity)}, "properties": {"severity": severity}}
        for name, (_, severity) in rules.items()
    ]
    return {"driver": {"name": "logscan", "semanticVersion": __version__, "rules": shown}}


def _invocation(scanned: Scanned, count: int) -> dict[str, Any]:
    """Return how the scan went: what it did not read, and that the report has not all lines, if so."""
    notes = [f"not everything was read or counted: {part}" for part in scanned.incomplete]
    if count < scanned.matched:
        notes.append(f"{scanned.matched} lines matched, of which the report has the first of each rule")
    about: dict[str, Any] = {"executionSuccessful": True, "properties": {"logscan": scanned.name}}
    if scanned.finished:
        about["endTimeUtc"] = scanned.finished
    if notes:
        about["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": note}} for note in notes]
    return about


def _level(severity: str) -> str:
    return LEVELS.get(severity, "error")  # one that a newer version added may be worse than all that are known


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
