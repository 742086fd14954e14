"""Each channel is notified once of what it asks for, and text of a log cannot become markup or headers."""

import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recipients import PARTS, RESULT, Notifications, channel, environment, request
from webhooks import Hook

from logscan_api.exitcodes import Reason
from logscan_api.incomplete import Incomplete
from logscan_api.notify import ChannelType, Email, Notify, Webhook, When
from logscan_api.results import Sample
from logscan_api.rules import Severity
from logscan_api.statuses import ResultRef
from logscan_scanner.reporting import channels, mail, notifying


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send again at once."""
    monkeypatch.setattr(notifying, "PAUSES", (0.0, 0.0))


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


def test_what_cannot_be_recorded_is_sent_under_the_same_name_again(hook: Hook) -> None:
    wanted = request(Notify(webhook=Webhook(url=hook.url)))
    for _ in range(2):
        notifying.notify_finished(wanted, RESULT, Notifications(broken=True))
    assert len({document["id"] for document in hook.posted}) == 1
    assert len(hook.posted) == 2


def test_a_message_that_may_be_taken_later_is_sent_again_within_a_bound(hook: Hook) -> None:
    wanted, notifications = request(Notify(webhook=Webhook(url=hook.url))), Notifications()
    hook.statuses = [503, 429]
    notifying.notify_finished(wanted, RESULT, notifications)
    assert len(hook.posted) == 3
    assert (notifications.recorded, notifications.notes) == ({("u", "webhook")}, {})
    hook.status = 503
    notifying.notify_finished(wanted, RESULT, (again := Notifications()))
    assert (len(hook.posted), again.notes) == (6, {"webhook": "failed"})
    hook.status = 400
    notifying.notify_finished(wanted, RESULT, Notifications())
    assert len(hook.posted) == 7, "what is never taken is not sent again"


def test_a_message_is_sent_again_when_the_receiver_asks_for_it_or_not_at_all(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(notifying, "sleep", waits.append)
    wanted, notifications = request(Notify(webhook=Webhook(url=hook.url))), Notifications()
    hook.statuses, hook.retry_after = [429], "3"
    notifying.notify_finished(wanted, RESULT, notifications)
    assert (waits, len(hook.posted), notifications.notes) == ([3], 2, {})
    hook.status, hook.retry_after = 429, "3600"
    notifying.notify_finished(wanted, RESULT, (late := Notifications()))
    assert (waits, len(hook.posted), late.notes) == ([3], 3, {"webhook": "failed"})


def test_a_process_that_is_killed_after_sending_sends_once_more_and_no_other_does(hook: Hook) -> None:
    """Killed before, while and after a message is sent: the next attempt sends what is not recorded."""
    names = ("a", "b", "c")
    variables = {f"LOGSCAN_CHANNEL_{n}_SECRET": hook.url for n in range(1, 4)}
    wanted = request(Notify(channels=[channel(ChannelType.WEBHOOK, name) for name in names]))
    for survived in range(4):
        hook.posted.clear()
        notifications = Notifications()

        class Killed(BaseException):
            """The process ends."""

        class Killing(Notifications):
            def note_sent(self, ref: ResultRef, scan_uid: str, channel: str, now: str, grouped: bool = False) -> None:
                if len(self.recorded) == survived:  # noqa: B023 - used in this turn of the loop only
                    raise Killed
                super().note_sent(ref, scan_uid, channel, now, grouped)

        killing = Killing()
        with environment(variables):
            with suppress(Killed):
                notifying.notify_finished(wanted, RESULT, killing)
            notifications.recorded = killing.recorded
            notifying.notify_finished(wanted, RESULT, notifications)
        identities = [document["id"] for document in hook.posted]
        assert len(set(identities)) == 3, "each channel is told"
        assert len(identities) == (4 if survived < 3 else 3), "and the one that was under way twice"
        assert notifications.recorded == {("u", f"channels/{name}") for name in names}


def test_failures_are_told_to_those_who_want_them(hook: Hook) -> None:
    for when, number in ((When.MATCH, 0), (When.FAILURE, 1), (When.ALWAYS, 2)):
        wanted = request(Notify(webhook=Webhook(url=hook.url, when=when)))
        notifying.notify_failed(wanted, Reason.ACCESS_DENIED, "denied", Notifications())
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
    assert set(channels.SENDERS) == set(ChannelType)


@pytest.mark.parametrize("missing", ["secretRef", "signingRef"])
def test_a_secret_that_is_missing_is_named(hook: Hook, missing: str) -> None:
    wanted = request(Notify(channels=[channel(ChannelType.WEBHOOK, "hook", signed=True)]))
    notifications = Notifications()
    there = {"LOGSCAN_CHANNEL_1_SECRET": hook.url, "LOGSCAN_CHANNEL_1_SIGNING": "whsec_" + "QUJD" * 8}
    there.pop("LOGSCAN_CHANNEL_1_SECRET" if missing == "secretRef" else "LOGSCAN_CHANNEL_1_SIGNING")
    with environment(there):
        notifying.notify_finished(wanted, RESULT, notifications)
    (note,) = notifications.notes.values()
    assert note == f"the Secret hooks has no key {missing} ({missing} of channels/hook)"
    assert not hook.posted


def test_a_run_of_its_own_has_messages_of_its_own(hook: Hook) -> None:
    wanted = request(Notify(webhook=Webhook(url=hook.url)))
    row = wanted.result.model_copy(update={"sk": "another run"})
    for scan in (wanted, wanted.model_copy(update={"result": row})):
        notifying.notify_finished(scan, RESULT, Notifications())
    assert len({document["id"] for document in hook.posted}) == 2


def test_no_template_is_loaded_for_who_is_sent_no_mail(hook: Hook) -> None:
    program = "import sys; import logscan_scanner.reporting.notifying; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    late = {"jinja2", *(f"logscan_scanner.reporting.{name}" for name in ("alerting", "signing", "slack", "teams"))}
    assert late.isdisjoint(loaded)


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
    notifying.notify_failed(request(), Reason.ACCESS_DENIED, "x", Notifications())
    assert notifications.recorded == set()
