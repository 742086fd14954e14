"""The report for people: one HTML page that needs nothing else and shows whatever is in a log as text.

The page trusts nothing that comes from a log, a key or a name. Templates escape every value. A content security policy
in the page allows the page's own style and script, by their hashes, and nothing else: no other script, no image, no
request, no form. The findings are in it compressed, so the browser's parser never sees them, and the script makes text
nodes of them.
"""

import base64
import hashlib
from collections.abc import Iterator

from markupsafe import Markup

from logscan_api.results import ScanResult
from logscan_scanner.reporting import views
from logscan_scanner.reporting.packing import Excerpt
from logscan_scanner.reporting.templating import number, size, source, span, streamed
from logscan_scanner.reporting.timeline import timeline

ENCODED_BYTES = 3 * 64 * 1024  # at a time; a multiple of three, so that base64 can be joined


def written(result: ScanResult, namespace: str, excerpt: Excerpt) -> Iterator[bytes]:
    """Yield the page, piece by piece: below 5 MB, whatever was found.

    Args:
        result: What was found.
        namespace: Namespace of the LogScan.
        excerpt: The findings that the page lists.
    """
    style, script = source("page.css"), source("page.js")
    pieces = streamed(
        "page.html.j2",
        policy=policy(style, script),
        style=Markup(style),  # noqa: S704 - a file of ours
        script=Markup(script),  # noqa: S704 - a file of ours
        title=views.subject(result),
        result=result,
        verdict=views.verdict(result),
        severities=views.by_severity(result),
        timeline=timeline(result),
        rules=views.found_rules(result),
        silent=views.silent_rules(result),
        objects=views.objects(result),
        left_out=left_out(result, excerpt),
        identity=identity(result, namespace),
        excerpt=excerpt,
        packed=_base64(excerpt.data),
    )
    return (piece.encode() for piece in pieces)


def policy(style: str, script: str) -> str:
    """Return the page's content security policy."""
    allowed = f"script-src '{_hash(script)}'; style-src '{_hash(style)}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def identity(result: ScanResult, namespace: str) -> views.Facts:
    """Return which object was scanned by what, so that each number can be traced."""
    duration = (result.finished_at - result.started_at).total_seconds()
    several = [("Objects read", number(result.objects))] if result.prefix else []
    facts: views.Facts = [
        ("Object", result.uri),
        ("Version", result.version_id or ""),
        ("ETag", result.etag or ""),
        *several,
        ("Size", f"{size(result.bytes)} read, {size(result.decompressed_bytes)} unpacked"),
        ("Formats", ", ".join(result.formats)),
        ("LogScan", f"{namespace}/{result.scan}"),
        ("UID", result.scan_uid),
        ("Attempt", result.attempt),
        ("Scanner", result.scanner_version),
        ("Duration", span(duration)),
        ("Row", f"{result.ref.pk}, {result.ref.sk} in the table {result.ref.table}"),
        ("Findings", result.report_uri or ""),
    ]
    return [(name, value) for name, value in facts if value != ""]


def left_out(result: ScanResult, excerpt: Excerpt) -> list[str]:
    """Return what the page does not show, in sentences; nothing if it shows every match."""
    matches = sum(result.by_rule.values())
    sentences = []
    if excerpt.of < matches:
        sentences.append(
            f"{excerpt.of:,} of {matches:,} matches are listed: of each rule the first 1,000 lines, 20,000 in all."
        )
    if excerpt.lines < excerpt.of:
        sentences.append(
            f"The first {excerpt.lines:,} of the {excerpt.of:,} listed matches are in this page, which has room for no "
            "more. All of them are in findings.jsonl.gz beside it."
        )
    if result.object_counts and (result.object_counts.skipped or result.attempt > 1):
        sentences.append(
            "Objects that an earlier scan or attempt had read are counted and have samples here; their matches are "
            "not listed again."
        )
    return sentences


def _base64(data: bytes) -> Iterator[str]:
    for start in range(0, len(data), ENCODED_BYTES):
        yield base64.b64encode(data[start : start + ENCODED_BYTES]).decode()


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
