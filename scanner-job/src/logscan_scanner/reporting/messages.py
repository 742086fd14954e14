"""What is said of a scan, before a channel puts it into its own words and bounds."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from logscan_api import groups
from logscan_api.requests import Request
from logscan_api.results import ScanResult
from logscan_api.rules import Severity
from logscan_api.text import printable
from logscan_scanner.reporting import mail, views

RULES, SAMPLES = 10, 5
ID_DIGITS = 32


@dataclass(frozen=True)
class Message:
    """What is sent. All texts are on one line and hold nothing that controls a terminal, but any markup.

    Attributes:
        event: `ScanFinished` or `ScanFailed`.
        title: What happened, and to what.
        headline: What happened, in words of ours.
        severity: The worst severity that was found; None if nothing was.
        facts: What else there is to know, by name.
        rules: The rules that found most, with severity and lines.
        samples: Lines that matched, with where they are.
        document: All of it as JSON, for machines.
        mail: Returns text and HTML of a mail with further facts; whoever sends none does not wait for templates.
        request: The scan.
        others: Further scans that it counts, by `logscan_api.groups.WORDS`.
    """

    event: str
    title: str
    headline: str
    severity: Severity | None
    facts: list[tuple[str, str]]
    rules: list[str]
    samples: list[tuple[str, str]]
    document: dict[str, Any]
    mail: Callable[[views.Facts], tuple[str, str]]
    request: Request
    others: Mapping[str, int] = field(default_factory=dict)

    def id_for(self, channel: str) -> str:
        """Return what names this message to the receiver: the same however often it is sent.

        A run of a scan has its own row, so another run of it has another name.
        """
        ref, uid = self.request.result, self.request.scan.uid
        facts = json.dumps([ref.table, ref.pk, ref.sk, uid, channel, self.event])
        return f"msg_{hashlib.sha256(facts.encode()).hexdigest()[:ID_DIGITS]}"

    def json_for(self, channel: str) -> str:
        """Return the document with its name."""
        return json.dumps({**self.document, "id": self.id_for(channel)})

    def counting(self, others: Mapping[str, int]) -> "Message":
        """Return the message with a count of further scans of the same policy."""
        number = sum(others.values())
        if not number:
            return self
        words = ", ".join(f"{count} {word}" for word, count in others.items())
        more = f"{number} {'scan' if number == 1 else 'scans'} under the policy {self.request.policy}: {words}"
        worst = [severity for severity in (*map(Severity, others.keys() & set(Severity)), self.severity) if severity]
        facts: views.Facts = [("And", more)]
        return replace(
            self,
            title=f"{self.title} (and {number} more)",
            headline=f"{self.headline} (and {number} more)",
            severity=max(worst, key=lambda severity: severity.rank, default=None),
            facts=[("And", more), *self.facts],
            document={**self.document, "grouped": {"scans": number, "byVerdict": dict(others)}},
            mail=lambda _none: self.mail(facts),
            others=others,
        )

    @property
    def word(self) -> str:
        """Return by which the scan is counted in the message of another one."""
        return groups.FAILED if self.failed else str(self.severity or groups.UNMATCHED)

    @property
    def failed(self) -> bool:
        """Return whether the scan failed."""
        return self.event == "ScanFailed"


def of_result(request: Request, result: ScanResult) -> Message:
    """Return the message about a finished scan."""
    found = views.verdict(result)
    facts = views.summary(f"{request.scan.namespace}/{request.scan.name}", result)
    return Message(
        event="ScanFinished",
        title=mail.subject(result),
        headline=f"{found.word}: {found.sentence}{' (incomplete)' if result.incomplete else ''}",
        severity=result.worst_severity,
        facts=[(name, printable(str(value))) for name, value in facts],
        rules=[f"{rule.name} ({rule.severity}): {rule.lines:,}" for rule in views.found_rules(result, RULES)],
        samples=[
            (printable(f"{sample.rule}, {views.place(sample)}"), printable(sample.text))
            for sample in result.samples[:SAMPLES]
        ],
        document=mail.document(request, result),
        mail=lambda more: (mail.text(request, result, more), mail.html(request, result, more)),
        request=request,
    )


def of_failure(request: Request, reason: str, why: str) -> Message:
    """Return the message about a scan that failed."""
    shown = printable(why)
    return Message(
        event="ScanFailed",
        title=mail.failure_subject(request, reason),
        headline=f"failed ({reason})",
        severity=None,
        facts=[
            ("LogScan", f"{request.scan.namespace}/{request.scan.name}"),
            ("Object", printable(mail.failed_object(request))),
            ("Why", shown),
        ],
        rules=[],
        samples=[],
        document=mail.failure_document(request, reason, why),
        mail=lambda more: mail.failure_bodies(shown, more),
        request=request,
    )
