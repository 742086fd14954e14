"""Who is told of what, once, and that nothing of a log gets out of its place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webhooks import Hook

from logscan_api.exitcodes import Reason
from logscan_api.logscans import S3Source
from logscan_api.notify import Email, Notify, Webhook, When
from logscan_api.requests import ScanIdentity, ScanRequest, resolve_limits
from logscan_api.rules import Rule, Severity
from logscan_api.statuses import ResultRef
from logscan_scanner import mail, notifying
from logscan_scanner.errors import AccessDeniedError

ROW: dict[str, Any] = {
    "bucket": "logs",
    "key": "app/<b>\n.log",
    "lines": 1000,
    "matched_lines": 12,
    "by_rule": {"fatal": 2, "slow": 10, "none": 0},
    "by_severity": {"critical": 2, "warning": 10},
    "severities": {"fatal": "critical", "slow": "warning", "none": "info"},
    "worst_severity": "critical",
    "truncated": False,
    "finished_at": "2026-11-24T12:00:00.000Z",
    "samples": [{"rule": "fatal", "line": 7, "text": "<script>alert(1)</script>"}],
}


def request(notify: Notify | None = None, sender: str | None = "logscan@example.com") -> ScanRequest:
    return ScanRequest(
        scan=ScanIdentity(namespace="n", name="s", uid="u", attempt=1),
        source=S3Source(bucket="logs", key="app.log"),
        rules=[Rule(name="fatal", pattern="FATAL")],
        limits=resolve_limits(),
        result=ResultRef(table="t", pk="p", sk="s"),
        notify=notify,
        sender=sender,
        webhook_internal=["127.0.0.0/8"],
    )


class Flags:
    """The result table's part: what was claimed and noted."""

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken
        self.claimed: set[str] = set()
        self.notes: dict[str, str] = {}

    def claim(self, ref: ResultRef, flag: str, now: str) -> bool:
        if self.broken:
            raise AccessDeniedError("no")
        new = flag not in self.claimed
        self.claimed.add(flag)
        return new

    def note(self, ref: ResultRef, name: str, text: str) -> None:
        self.notes[name] = text


@pytest.mark.parametrize(
    ("when", "least", "worst", "told"),
    [
        (When.MATCH, Severity.WARNING, Severity.CRITICAL, True),
        (When.MATCH, Severity.WARNING, Severity.WARNING, True),
        (When.MATCH, Severity.WARNING, Severity.INFO, False),
        (When.MATCH, Severity.INFO, None, False),
        (When.ALWAYS, Severity.CRITICAL, None, True),
        (When.FAILURE, Severity.INFO, Severity.CRITICAL, False),
    ],
)
def test_who_wants_what(when: When, least: Severity, worst: Severity | None, told: bool) -> None:
    assert Webhook(url="http://x", when=when, min_severity=least).wants(worst) == told


def test_a_webhook_is_told_once(hook: Hook) -> None:
    wanted, flags = request(Notify(webhook=Webhook(url=hook.url))), Flags()
    for _ in range(2):
        notifying.notify_finished(wanted, ROW, flags)
    (document,) = hook.posted
    assert (document["event"], document["byRule"]) == ("ScanFinished", {"fatal": 2, "slow": 10})


def test_what_goes_wrong_is_noted_without_the_url_or_a_reason(hook: Hook) -> None:
    hook.status = 500
    for url, word in ((hook.url, "failed"), (f"https://10.0.0.1:{hook.port}/secret-token", "refused")):
        flags = Flags()
        notifying.notify_finished(request(Notify(webhook=Webhook(url=url))), ROW, flags)
        assert flags.notes == {"webhook_error": word}


def test_mail_without_a_sender_is_noted() -> None:
    flags = Flags()
    wanted = request(Notify(email=Email(to=["a@example.com"])), sender=None)
    notifying.notify_finished(wanted, ROW, flags)
    assert "LOGSCAN_MAIL_SENDER" in flags.notes["mail_error"]


def test_nobody_is_told_when_the_flag_cannot_be_set(hook: Hook) -> None:
    wanted = request(Notify(webhook=Webhook(url=hook.url)))
    notifying.notify_finished(wanted, ROW, Flags(broken=True))
    assert not hook.posted


def test_failures_are_told_to_those_who_want_them(hook: Hook) -> None:
    for when, number in ((When.MATCH, 0), (When.FAILURE, 1), (When.ALWAYS, 2)):
        wanted = request(Notify(webhook=Webhook(url=hook.url, when=when)))
        notifying.notify_failed(wanted, Reason.ACCESS_DENIED, "denied")
        assert len(hook.posted) == number
    assert hook.posted[0]["reason"] == "AccessDenied"


def test_a_mail_is_plain_and_safe() -> None:
    title = mail.subject(ROW)
    assert title == "[logscan] critical: 12 of 1000 lines in s3://logs/app/<b> .log"
    assert "line 7 (fatal): <script>" in mail.text(request(), ROW)
    page = mail.html(request(), ROW)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert mail.subject({**ROW, "worst_severity": None, "truncated": True}).startswith("[logscan] clean: 1000 lines")


@given(st.text(st.characters()))
def test_no_text_from_outside_drives_or_disguises_a_mail(text: str) -> None:
    hostile = "\x1b[2J\r\nLogScan: n/other\x9b31m\u202e" + text
    samples = [{"rule": "fatal", "line": 7, "text": hostile}]
    row = {**ROW, "key": hostile, "truncated": True, "truncated_why": hostile, "samples": samples}
    lines = mail.text(request(), row).split("\n")
    assert all(line.isprintable() for line in lines)
    assert [line for line in lines if line.startswith("LogScan:")] == ["LogScan: n/s"]
    assert mail.html(request(), row).isprintable()
    assert mail.subject(row).isprintable()


def test_no_wish_no_message() -> None:
    notifying.notify_finished(request(), ROW, Flags())
    notifying.notify_failed(request(), Reason.ACCESS_DENIED, "x")
