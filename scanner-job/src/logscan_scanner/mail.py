"""What people are told of a finished scan: pure functions from the row to words."""

from html import escape
from typing import Any

from logscan_api.exitcodes import Reason
from logscan_api.requests import ScanRequest
from logscan_api.rules import Severity
from logscan_api.text import printable

Row = dict[str, Any]
TOP_RULES = 10
SAMPLE_LINES = 10


def worst_of(row: Row) -> Severity | None:
    """Return the worst severity that a scan found."""
    return Severity(row["worst_severity"]) if row.get("worst_severity") else None


def subject(row: Row) -> str:
    """Return a mail's subject: verdict, object and counts, on one line."""
    worst, place = worst_of(row), _one_line(f"s3://{row['bucket']}/{row['key']}")
    verdict = f"{worst}: {row['matched_lines']} of {row['lines']} lines" if worst else f"clean: {row['lines']} lines"
    return f"[logscan] {verdict} in {place}{' (truncated)' if row['truncated'] else ''}"


def failure_subject(request: ScanRequest, reason: Reason) -> str:
    """Return the subject of a mail about a scan that failed."""
    place = f"s3://{request.source.bucket}/{request.source.key or request.source.prefix}"
    return _one_line(f"[logscan] failed ({reason}): {place}")


def text(request: ScanRequest, row: Row) -> str:
    """Return a mail's plain text."""
    lines = [subject(row), ""]
    lines += [f"{name}: {value}" for name, value in _facts(request, row)]
    lines += ["", "Lines by rule:"]
    lines += [f"  {count:>10}  {rule} ({severity})" for rule, severity, count in _top_rules(row)]
    samples = row.get("samples", [])[:SAMPLE_LINES]
    if samples:
        lines += ["", "Samples:"]
        lines += [f"  line {sample['line']} ({sample['rule']}): {sample['text']}" for sample in samples]
    return "\n".join(map(printable, lines)) + "\n"


def html(request: ScanRequest, row: Row) -> str:
    """Return a mail's HTML. Everything that comes from a log or a key is escaped."""
    facts = "".join(
        f"<tr><th align='left'>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in _facts(request, row)
    )
    rules = "".join(
        f"<tr><td align='right'>{count}</td><td>{escape(rule)}</td><td>{severity}</td></tr>"
        for rule, severity, count in _top_rules(row)
    )
    samples = "".join(
        f"<li>line {sample['line']} ({escape(sample['rule'])}): <code>{escape(sample['text'])}</code></li>"
        for sample in row.get("samples", [])[:SAMPLE_LINES]
    )
    return printable(
        f"<h2>{escape(subject(row))}</h2><table>{facts}</table>"
        f"<h3>Lines by rule</h3><table>{rules}</table><h3>Samples</h3><ul>{samples}</ul>"
    )


def document(request: ScanRequest, row: Row) -> dict[str, Any]:
    """Return what machines are told: the same facts, as JSON."""
    return {
        "schema": 1,
        "event": "ScanFinished",
        "scan": {"namespace": request.scan.namespace, "name": request.scan.name, "uid": request.scan.uid},
        "bucket": row["bucket"],
        "key": row["key"],
        "worstSeverity": row.get("worst_severity"),
        "lines": int(row["lines"]),
        "matchedLines": int(row["matched_lines"]),
        "bySeverity": {name: int(count) for name, count in row["by_severity"].items()},
        "byRule": {name: int(count) for name, count in row["by_rule"].items() if count},
        "truncated": row["truncated"],
        "reportUri": row.get("report_uri"),
        "finishedAt": row["finished_at"],
    }


def failure_document(request: ScanRequest, reason: Reason, message: str) -> dict[str, Any]:
    """Return what machines are told of a scan that failed."""
    return {
        "schema": 1,
        "event": "ScanFailed",
        "scan": {"namespace": request.scan.namespace, "name": request.scan.name, "uid": request.scan.uid},
        "bucket": request.source.bucket,
        "key": request.source.key or request.source.prefix,
        "reason": str(reason),
        "message": message,
    }


def _facts(request: ScanRequest, row: Row) -> list[tuple[str, object]]:
    facts = [
        ("LogScan", f"{request.scan.namespace}/{request.scan.name}"),
        ("Object", f"s3://{row['bucket']}/{row['key']}"),
        ("Lines", row["lines"]),
        ("Matched", row["matched_lines"]),
        ("First match", row.get("first_match_at", "-")),
        ("Last match", row.get("last_match_at", "-")),
        ("Finished", row["finished_at"]),
    ]
    if row["truncated"]:
        facts.append(("Truncated", row.get("truncated_why", "yes")))
    if row.get("report_uri"):
        facts.append(("Findings", row["report_uri"]))
    return facts


def _top_rules(row: Row) -> list[tuple[str, str, int]]:
    found = [(rule, str(row["severities"][rule]), int(count)) for rule, count in row["by_rule"].items() if count]
    return sorted(found, key=lambda entry: (-entry[2], entry[0]))[:TOP_RULES]


def _one_line(value: str) -> str:
    return printable(value)[:900]
