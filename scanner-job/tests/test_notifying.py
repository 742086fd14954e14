"""Each channel is notified once of what it asks for, and text of a log cannot become markup or headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webhooks import Hook

from logscan_api.exitcodes import ExitCode, Reason
from logscan_api.notify import Email, Notify, Webhook, When
from logscan_api.requests import ScanIdentity, ScanRequest, resolve_limits
from logscan_api.results import Sample
from logscan_api.rules import Rule, Severity
from logscan_api.sources import S3Source
from logscan_api.statuses import Incomplete, ResultRef
from logscan_local.testkit import results
from logscan_scanner.errors import ScanError
from logscan_scanner.reporting import mail, notifying

RESULT = results.RESULT.model_copy(
    update={
        "key": "app/<b>\n.log",
        "lines": 1000,
        "matched_lines": 12,
        "by_rule": {"fatal": 2, "slow": 10, "none": 0},
        "by_severity": {Severity.CRITICAL: 2, Severity.WARNING: 10},
        "severities": {"fatal": Severity.CRITICAL, "slow": Severity.WARNING, "none": Severity.INFO},
        "samples": [Sample(rule="fatal", line=7, offset=0, text="<script>alert(1)</script>")],
    }
)
PARTS = [
    Incomplete(reason="MatchLimit", rule="slow", message="the rule took too many steps on a line"),
    Incomplete(reason="Damaged", object="a<b>\n.gz", message="cut off"),
]


def request(notify: Notify | None = None, sender: str | None = "logscan@example.com") -> ScanRequest:
    return ScanRequest(
        scan=ScanIdentity(namespace="n", name="s", uid="u", attempt=1),
        source=S3Source(bucket="logs", key="app.log"),
        rules=[Rule(name="fatal", pattern="FATAL")],
        limits=resolve_limits(),
        tokens=["t" * 64],
        result=ResultRef(table="t", pk="p", sk="s"),
        notify=notify,
        sender=sender,
        webhook_internal=["127.0.0.0/8"],
    )


class Notifications:
    """The result table's part: what was claimed and noted."""

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken
        self.claimed: set[str] = set()
        self.notes: dict[str, str] = {}

    def claim(self, ref: ResultRef, scan_uid: str, channel: str, now: str) -> bool:
        if self.broken:
            raise ScanError("no", ExitCode.ACCESS_DENIED)
        new = f"{scan_uid}/{channel}" not in self.claimed
        self.claimed.add(f"{scan_uid}/{channel}")
        return new

    def note(self, ref: ResultRef, scan_uid: str, channel: str, error: str) -> None:
        self.notes[channel] = error


@pytest.mark.parametrize(
    ("when", "least", "worst", "notified"),
    [
        (When.MATCH, Severity.WARNING, Severity.CRITICAL, True),
        (When.MATCH, Severity.WARNING, Severity.WARNING, True),
        (When.MATCH, Severity.WARNING, Severity.INFO, False),
        (When.MATCH, Severity.INFO, None, False),
        (When.ALWAYS, Severity.CRITICAL, None, True),
        (When.FAILURE, Severity.INFO, Severity.CRITICAL, False),
    ],
)
def test_when_a_channel_is_notified(when: When, least: Severity, worst: Severity | None, notified: bool) -> None:
    assert Webhook(url="http://x", when=when, min_severity=least).wants(worst) == notified


def test_a_webhook_is_told_once(hook: Hook) -> None:
    wanted, notifications = request(Notify(webhook=Webhook(url=hook.url))), Notifications()
    for _ in range(2):
        notifying.notify_finished(wanted, RESULT, notifications)
    (document,) = hook.posted
    assert (document["event"], document["byRule"]) == ("ScanFinished", {"fatal": 2, "slow": 10})


def test_a_scan_that_takes_the_row_of_an_earlier_one_notifies_its_own_recipients(hook: Hook) -> None:
    notifications = Notifications()
    wanted = request(Notify(webhook=Webhook(url=hook.url)))
    later = wanted.model_copy(update={"scan": wanted.scan.model_copy(update={"uid": "later"})})
    for scan in (wanted, later, later):
        notifying.notify_finished(scan, RESULT, notifications)
    assert len(hook.posted) == 2


def test_what_goes_wrong_is_noted_without_the_url_or_a_reason(hook: Hook) -> None:
    hook.status = 500
    for url, word in ((hook.url, "failed"), (f"https://10.0.0.1:{hook.port}/secret-token", "refused")):
        notifications = Notifications()
        notifying.notify_finished(request(Notify(webhook=Webhook(url=url))), RESULT, notifications)
        assert notifications.notes == {"webhook": word}


def test_mail_without_a_sender_is_noted() -> None:
    notifications = Notifications()
    wanted = request(Notify(email=Email(to=["a@example.com"])), sender=None)
    notifying.notify_finished(wanted, RESULT, notifications)
    assert "LOGSCAN_MAIL_SENDER" in notifications.notes["email"]


def test_nothing_is_sent_if_it_cannot_be_recorded(hook: Hook) -> None:
    wanted = request(Notify(webhook=Webhook(url=hook.url)))
    notifying.notify_finished(wanted, RESULT, Notifications(broken=True))
    assert not hook.posted


def test_failures_are_told_to_those_who_want_them(hook: Hook) -> None:
    for when, number in ((When.MATCH, 0), (When.FAILURE, 1), (When.ALWAYS, 2)):
        wanted = request(Notify(webhook=Webhook(url=hook.url, when=when)))
        notifying.notify_failed(wanted, Reason.ACCESS_DENIED, "denied")
        assert len(hook.posted) == number
    assert hook.posted[0]["reason"] == "AccessDenied"


def test_a_mail_is_plain_and_safe() -> None:
    title = mail.subject(RESULT)
    assert title == "[logscan] critical: 12 of 1000 lines in s3://logs/app/<b> .log"
    assert "line 7 (fatal): <script>" in mail.text(request(), RESULT)
    page = mail.html(request(), RESULT)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_an_incomplete_scan_is_never_called_clean() -> None:
    clean = RESULT.model_copy(update={"by_severity": {}})
    assert "clean" in mail.subject(clean)
    partial = clean.model_copy(update={"incomplete": PARTS})
    for words in (mail.subject(partial), mail.text(request(), partial), mail.html(request(), partial)):
        assert "clean" not in words
        assert "(incomplete)" in words
    for words in (mail.text(request(), partial), mail.html(request(), partial)):
        assert "MatchLimit (rule slow)" in words
        assert "cut off" in words
    assert "a<b>" not in mail.html(request(), partial)
    assert mail.document(request(), partial)["incomplete"][0]["rule"] == "slow"


def test_every_channel_of_the_api_can_be_sent() -> None:
    assert set(notifying.SENDERS) == set(Notify.model_fields)


@given(st.text(st.characters()))
def test_no_text_from_outside_drives_or_disguises_a_mail(text: str) -> None:
    hostile = "\x1b[2J\r\nLogScan: n/other\x9b31m\u202e" + text
    samples = [Sample(rule="fatal", line=7, offset=0, text=hostile)]
    part = Incomplete.model_construct(reason="Damaged", object=hostile, message=hostile)  # also lone surrogates
    result = RESULT.model_copy(update={"key": hostile, "incomplete": [part], "samples": samples})
    lines = mail.text(request(), result).split("\n")
    assert all(line.isprintable() for line in lines)
    assert [line for line in lines if line.startswith("LogScan:")] == ["LogScan: n/s"]
    assert all(line.isprintable() for line in mail.html(request(), result).split("\n"))
    assert mail.subject(result).isprintable()


def test_a_scan_without_channels_notifies_nobody() -> None:
    notifications = Notifications()
    notifying.notify_finished(request(), RESULT, notifications)
    notifying.notify_failed(request(), Reason.ACCESS_DENIED, "x")
    assert notifications.claimed == set()
