"""Findings as events of OCSF 1.8.0, class Detection Finding (2004).

https://schema.ocsf.io/1.8.0/classes/detection_finding

One event is one line of JSON, as collectors of such events read them.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from kubectl_logscan import __version__
from kubectl_logscan.findings import Finding, Scanned

VERSION = "1.8.0"
CRITICAL = (5, "Critical")
SEVERITIES = {"info": (1, "Informational"), "warning": (3, "Medium"), "error": (4, "High"), "critical": CRITICAL}


def events(found: Iterable[Finding], scanned: Scanned) -> Iterator[bytes]:
    """Yield an event for each finding, as a line of JSON.

    Args:
        found: The findings.
        scanned: The scan.
    """
    ended = datetime.fromisoformat(scanned.finished) if scanned.finished else datetime.now(UTC)
    moment = int(ended.timestamp() * 1000)
    for finding in found:
        yield json.dumps(_event(finding, scanned, moment), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _event(finding: Finding, scanned: Scanned, moment: int) -> dict[str, Any]:
    # A severity that a newer version added may be worse than all that are known.
    severity_id, severity = SEVERITIES.get(finding.severity, CRITICAL)
    return {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "type_uid": 200401,
        "type_name": "Detection Finding: Create",
        "time": moment,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": 1,
        "status": "New",
        "message": finding.text,
        "metadata": {
            "version": VERSION,
            "uid": finding.identity,
            "product": {"name": "logscan", "vendor_name": "logscan", "version": __version__},
        },
        "finding_info": {
            "uid": finding.identity,
            "title": finding.rule,
            "analytic": {"name": finding.rule, "type_id": 1, "type": "Rule"},
            "data_sources": [finding.uri],
        },
        "evidences": [_evidence(finding, scanned)],
        "unmapped": {"logscan": scanned.name, "incomplete": list(scanned.incomplete)},
    }


def _evidence(finding: Finding, scanned: Scanned) -> dict[str, Any]:
    name = finding.key.rpartition("/")[2] or finding.key or finding.bucket
    file: dict[str, Any] = {"name": name, "path": finding.key, "uri": finding.uri, "type_id": 1, "type": "Regular File"}
    if scanned.version:
        file["version"] = scanned.version
    return {
        "data": {"line": finding.line, "offset": finding.offset, "text": finding.text},
        "databucket": {"name": finding.bucket, "type_id": 1, "type": "S3", "file": file},
    }
