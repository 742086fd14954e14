"""Who is told of what, once, and that nothing of a log gets out of its place."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from logscan_api.exitcodes import Reason
from logscan_api.logscans import S3Source
from logscan_api.notify import Email, Notify, Webhook, When
from logscan_api.requests import ScanIdentity, ScanRequest, resolve_limits
from logscan_api.rules import Rule, Severity
from logscan_api.statuses import ResultRef
from logscan_scanner import mail, notifying
from logscan_scanner.errors import AccessDeniedError, ScanError

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


class Hook:
    """A server on loopback that keeps what is posted to it."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                hook.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-token"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


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


def test_what_goes_wrong_is_noted_without_the_url(hook: Hook) -> None:
    hook.status = 500
    flags = Flags()
    notifying.notify_finished(request(Notify(webhook=Webhook(url=hook.url))), ROW, flags)
    assert flags.notes == {"webhook_error": "the webhook answered 500"}
    with pytest.raises(ScanError) as refusal:
        notifying.post("http://127.0.0.1:1/secret-token", "{}")
    assert "secret-token" not in str(refusal.value)


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
    assert title == "[logscan] critical: 12 of 1000 lines in s3://logs/app/<b>?.log"
    assert "line 7 (fatal): <script>" in mail.text(request(), ROW)
    page = mail.html(request(), ROW)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert mail.subject({**ROW, "worst_severity": None, "truncated": True}).startswith("[logscan] clean: 1000 lines")


def test_no_wish_no_message() -> None:
    notifying.notify_finished(request(), ROW, Flags())
    notifying.notify_failed(request(), Reason.ACCESS_DENIED, "x")
