"""What people and machines are sent about a finished scan: pure functions from its result to text."""

from html import escape
from typing import Any

from logscan_api.requests import Request
from logscan_api.results import ScanResult, stamp
from logscan_api.text import printable
from logscan_scanner.reporting import views

TOP_RULES = 10
SAMPLES = 10
SUBJECT_LENGTH = 900


def subject(result: ScanResult) -> str:
    """Return a mail's subject: verdict, object and counts, on one line. An incomplete scan is never called clean."""
    return _one_line(views.subject(result))


def failure_subject(request: Request, reason: str) -> str:
    """Return the subject of a mail about a scan that failed."""
    return _one_line(f"[logscan] failed ({reason}): {failed_object(request)}")


def failed_object(request: Request) -> str:
    """Return what was to be scanned, for people."""
    return f"s3://{request.source.bucket}/{request.source.common}{'*' if request.source.objects else ''}"


def failure_bodies(why: str, more: views.Facts | None = None) -> tuple[str, str]:
    """Return text and HTML of a mail about a scan that failed; see `text`."""
    lines = [why, *(f"{name}: {value}" for name, value in more or [])]
    return "".join(f"{line}\n" for line in lines), "".join(f"<p>{escape(line)}</p>" for line in lines)


def text(request: Request, result: ScanResult, more: views.Facts | None = None) -> str:
    """Return a mail's plain text.

    Args:
        request: The Job's input.
        result: The result.
        more: What else it says.
    """
    return _filled("mail.txt.j2", request, result, more or [])


def html(request: Request, result: ScanResult, more: views.Facts | None = None) -> str:
    """Return a mail's HTML, the short form of the report's page; see `text`.

    Whatever comes from a log or a key is escaped.
    """
    return _filled("mail.html.j2", request, result, more or [])


def _filled(template: str, request: Request, result: ScanResult, more: views.Facts) -> str:
    from logscan_scanner.reporting.templating import rendered  # only who is sent a mail waits for jinja2

    rules = views.found_rules(result, TOP_RULES)
    return rendered(
        template,
        title=subject(result),
        result=result,
        verdict=views.verdict(result),
        facts=[*more, *views.summary(f"{request.scan.namespace}/{request.scan.name}", result)],
        rules=rules,
        more_rules=sum(1 for lines in result.by_rule.values() if lines) - len(rules),
        samples=[(views.place(sample), sample) for sample in result.samples[:SAMPLES]],
    )


def document(request: Request, result: ScanResult) -> dict[str, Any]:
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
        "htmlReportUri": result.html_report_uri,
        "finishedAt": stamp(result.finished_at),
    }


def failure_document(request: Request, reason: str, message: str) -> dict[str, Any]:
    """Return what machines are sent about a scan that failed."""
    return {
        "schema": 1,
        "event": "ScanFailed",
        "scan": {"namespace": request.scan.namespace, "name": request.scan.name, "uid": request.scan.uid},
        "bucket": request.source.bucket,
        "key": request.source.common,
        "reason": reason,
        "message": message,
    }


def _one_line(value: str) -> str:
    return printable(value)[:SUBJECT_LENGTH]
