"""Reports of results, for tests: what a page is made of, and what a parser that we did not write sees in it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from logscan_api.incomplete import Incomplete
from logscan_api.results import Bin, Sample, ScanResult
from logscan_api.rules import Severity
from logscan_api.statuses import FailedObject, ObjectCounts
from logscan_local.testkit import results
from logscan_scanner.reporting import page
from logscan_scanner.reporting.packing import Packer

NOTHING_LISTED = Packer(lambda _: None)
NOTHING_LISTED.close()
NONE = NOTHING_LISTED.excerpt()
START = datetime(2026, 11, 24, 6, tzinfo=UTC)

Tag = tuple[str, tuple[str, ...]]


def saying(text: str) -> ScanResult:
    """Return a result in which everything that comes from outside is a text, whether or not a contract allows it."""
    sample = Sample(rule="fatal", line=7, offset=0, text=text, key=text, before=[text], after=[text, text])
    part = Incomplete.model_construct(reason=text, rule=text, object=text, message=text)
    failure = FailedObject.model_construct(key=text, reason=text, message=text)
    counts = ObjectCounts(total=2, done=1, skipped=0, failed=1, failures=[failure])
    more: Mapping[str, Any] = {
        "bucket": text,
        "key": text,
        "version_id": text,
        "etag": text,
        "scan": text,
        "scan_uid": text,
        "scanner_version": text,
        "report_uri": text,
        "formats": [text],
        "samples": [sample],
        "incomplete": [part],
        "object_counts": counts,
        "by_rule": {"fatal": 2, "none": 0},
        "severities": {"fatal": Severity.CRITICAL, "none": Severity.INFO},
        "by_severity": {Severity.CRITICAL: 2},
        "histogram_seconds": 60,
        "histogram": bins({0: 1, 3: 1}),
    }
    return results.RESULT.model_copy(update=more)


def bins(lines: dict[int, int], severity: Severity = Severity.CRITICAL) -> list[Bin]:
    """Return bins of a minute with so many lines."""
    return [Bin(start=START + timedelta(minutes=at), by_severity={severity: n}) for at, n in lines.items()]


def text_of(result: ScanResult, excerpt: Any = NONE, namespace: str = "n") -> str:
    return b"".join(page.written(result, namespace, excerpt)).decode()


class Seen(HTMLParser):
    """What the standard library's parser finds in a page.

    Attributes:
        tags: Each start tag with the names of its attributes.
        bodies: The text of each `script` and `style`.
        policy: The content security policy.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.bodies: list[tuple[str, str]] = []
        self.policy = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"] or ""

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            self.bodies.append((self.cdata_elem, data))
