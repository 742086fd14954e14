"""What people and machines are sent about a finished scan: pure functions from its result to text."""

from html import escape
from typing import Any

from logscan_api.exitcodes import Reason
from logscan_api.requests import ScanRequest
from logscan_api.results import Sample, ScanResult, stamp
from logscan_api.text import printable

TOP_RULES = 10
SAMPLE_LINES = 10
SUBJECT_LENGTH = 900


def subject(result: ScanResult) -> str:
    """Return a mail's subject: verdict, object and counts, on one line. An incomplete scan is never called clean."""
    worst = result.worst_severity
    if worst is not None:
        verdict = f"{worst}: {result.matched_lines} of {result.lines} lines"
    else:
        verdict = f"{'no match' if result.incomplete else 'clean'}: {result.lines} lines"
    return _one_line(f"[logscan] {verdict} in {result.uri}{' (incomplete)' if result.incomplete else ''}")


def failure_subject(request: ScanRequest, reason: Reason) -> str:
    """Return the subject of a mail about a scan that failed."""
    return _one_line(f"[logscan] failed ({reason}): s3://{request.source.bucket}/{_object_of(request)}")


def text(request: ScanRequest, result: ScanResult) -> str:
    """Return a mail's plain text."""
    lines = [subject(result), ""]
    lines += [f"{name}: {value}" for name, value in _facts(request, result)]
    lines += ["", "Lines by rule:"]
    lines += [f"  {top.lines:>10}  {top.rule} ({top.severity})" for top in result.top_rules(TOP_RULES)]
    if result.samples:
        lines += ["", "Samples:"]
        lines += [f"  {_place(s)} ({s.rule}): {s.text}" for s in result.samples[:SAMPLE_LINES]]
    return "\n".join(map(printable, lines)) + "\n"


def html(request: ScanRequest, result: ScanResult) -> str:
    """Return a mail's HTML. Everything that comes from a log or a key is escaped."""
    facts = "".join(
        f"<tr><th align='left'>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in _facts(request, result)
    )
    rules = "".join(
        f"<tr><td align='right'>{top.lines}</td><td>{escape(top.rule)}</td><td>{escape(top.severity)}</td></tr>"
        for top in result.top_rules(TOP_RULES)
    )
    samples = "".join(
        f"<li>{escape(_place(sample))} ({escape(sample.rule)}): <code>{escape(sample.text)}</code></li>"
        for sample in result.samples[:SAMPLE_LINES]
    )
    return printable(
        f"<h2>{escape(subject(result))}</h2><table>{facts}</table>"
        f"<h3>Lines by rule</h3><table>{rules}</table><h3>Samples</h3><ul>{samples}</ul>"
    )


def document(request: ScanRequest, result: ScanResult) -> dict[str, Any]:
    """Return what machines are sent: the same facts, as JSON."""
    return {
        "schema": 1,
        "event": "ScanFinished",
        "scan": {"namespace": request.scan.namespace, "name": request.scan.name, "uid": request.scan.uid},
        "bucket": result.bucket,
        "key": result.key,
        **({"objects": result.object_counts.wire()} if result.object_counts else {}),
        "worstSeverity": result.worst_severity,
        "lines": result.lines,
        "matchedLines": result.matched_lines,
        "bySeverity": result.by_severity,
        "byRule": {name: count for name, count in result.by_rule.items() if count},
        "incomplete": [part.wire() for part in result.incomplete],
        "reportUri": result.report_uri,
        "finishedAt": stamp(result.finished_at),
    }


def failure_document(request: ScanRequest, reason: Reason, message: str) -> dict[str, Any]:
    """Return what machines are sent about a scan that failed."""
    return {
        "schema": 1,
        "event": "ScanFailed",
        "scan": {"namespace": request.scan.namespace, "name": request.scan.name, "uid": request.scan.uid},
        "bucket": request.source.bucket,
        "key": request.source.common,
        "reason": str(reason),
        "message": message,
    }


def _facts(request: ScanRequest, result: ScanResult) -> list[tuple[str, object]]:
    first, last = result.first_match_at, result.last_match_at
    facts: list[tuple[str, object]] = [
        ("LogScan", f"{request.scan.namespace}/{request.scan.name}"),
        ("Object", result.uri),
        ("Lines", result.lines),
        ("Matched", result.matched_lines),
        ("First match", stamp(first) if first else "-"),
        ("Last match", stamp(last) if last else "-"),
        ("Finished", stamp(result.finished_at)),
    ]
    if result.object_counts:
        counts = result.object_counts
        numbers = f"{counts.done} read, {counts.skipped} skipped, {counts.failed} failed"
        facts.insert(2, ("Objects", numbers))
        facts += [("Failed", f"{found.key}: {found.message or found.reason}") for found in counts.failures or []]
    facts += [("Incomplete", printable(str(part))) for part in result.incomplete]
    if result.report_uri:
        facts.append(("Findings", result.report_uri))
    return facts


def _place(sample: Sample) -> str:
    return f"{sample.key}, line {sample.line}" if sample.key else f"line {sample.line}"


def _object_of(request: ScanRequest) -> str:
    return f"{request.source.common}{'*' if request.source.objects else ''}"


def _one_line(value: str) -> str:
    return printable(value)[:SUBJECT_LENGTH]
