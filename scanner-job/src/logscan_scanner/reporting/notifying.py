"""Sends the notifications of a scan: each channel once, and a notification that fails does not fail the scan.

A channel of the API (`logscan_api.notify`) is sent by the function of its name in `SENDERS`.
"""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, Protocol

from logscan_api.exitcodes import Reason
from logscan_api.notify import Channel, Email, Notify, Topic, Webhook
from logscan_api.requests import ScanRequest
from logscan_api.results import ScanResult
from logscan_api.statuses import ResultRef
from logscan_api.text import cut, printable
from logscan_scanner.aws.messages import publish, send_mail
from logscan_scanner.errors import ScanError
from logscan_scanner.reporting import mail
from logscan_scanner.reporting.webhooks import post

NOTE_BYTES = 300

log = logging.getLogger("logscan.scanner.notifying")


@dataclass(frozen=True)
class Message:
    """What is sent: text and HTML to people, a document to machines.

    Attributes:
        title: A line that says what happened.
        text: The mail's plain text, if there is a mail.
        html: The mail's HTML, likewise.
        document: The same as JSON.
        request: The scan, for what the operator allows.
    """

    title: str
    text: str
    html: str
    document: dict[str, Any]
    request: ScanRequest

    @property
    def body(self) -> str:
        """Return the document as text."""
        return json.dumps(self.document)


class Notifications(Protocol):
    """Where it is recorded what was sent: `Results`, on the row."""

    def claim(self, ref: ResultRef, scan_uid: str, channel: str, now: str) -> bool:
        """Record that a scan sends a notification; return whether it was this call that recorded it."""

    def note(self, ref: ResultRef, scan_uid: str, channel: str, error: str) -> None:
        """Record why a scan's notification was not sent."""


def notify_finished(request: ScanRequest, result: ScanResult, notifications: Notifications) -> None:
    """Send the notifications of a scan with a result.

    Each channel is recorded in the row before it is used, so that no other attempt uses it again; what went wrong is
    recorded there too.
    """
    if request.notify is None:
        return
    worst = result.worst_severity
    wanted = [(name, channel) for name, channel in _channels(request.notify) if channel.wants(worst)]
    mailed = any(isinstance(channel, Email) for _, channel in wanted)
    text, html = (mail.text(request, result), mail.html(request, result)) if mailed else ("", "")
    message = Message(mail.subject(result), text, html, mail.document(request, result), request)
    for name, channel in wanted:
        _send_once(request, name, channel, message, notifications)


def notify_failed(request: ScanRequest, reason: Reason, why: str) -> None:
    """Send the notifications of a scan that failed permanently. It has no row, and its Job does not run again."""
    if request.notify is None:
        return
    title, document = mail.failure_subject(request, reason), mail.failure_document(request, reason, why)
    shown = printable(why)
    message = Message(title, f"{shown}\n", f"<p>{escape(shown)}</p>", document, request)
    for name, channel in _channels(request.notify):
        if channel.wants_failures:
            _send(name, channel, message)


def _channels(notify: Notify) -> Iterator[tuple[str, Channel]]:
    """Yield the channels that are set, with their names."""
    for name in Notify.model_fields:
        channel = getattr(notify, name)
        if channel is not None:
            yield name, channel


def send_email(channel: Email, message: Message) -> None:
    """Send mail through SES."""
    sender = message.request.sender
    if sender is None:
        raise ScanError("no sender is configured (the operator's LOGSCAN_MAIL_SENDER)")
    send_mail(sender, channel.to, message.title, message.text, message.html)


def send_sns(channel: Topic, message: Message) -> None:
    """Publish JSON to an SNS topic."""
    publish(channel.topic_arn, message.title, message.body)


def send_webhook(channel: Webhook, message: Message) -> None:
    """Post JSON to a URL."""
    post(channel.url, message.body, message.request.webhook_internal or ())


SENDERS: dict[str, Callable[[Any, Message], None]] = {
    "email": send_email,
    "sns": send_sns,
    "webhook": send_webhook,
}


def _send_once(
    request: ScanRequest, name: str, channel: Channel, message: Message, notifications: Notifications
) -> None:
    ref, uid = request.result, request.scan.uid
    try:
        if not notifications.claim(ref, uid, name, datetime.now(UTC).isoformat(timespec="seconds")):
            return
        failure = _send(name, channel, message)
        if failure is not None:
            notifications.note(ref, uid, name, cut(printable(failure), NOTE_BYTES))
    except ScanError as error:
        log.warning("could not record the notification by %s: %s", name, error)


def _send(name: str, channel: Channel, message: Message) -> str | None:
    """Send a message; return what went wrong, or None."""
    try:
        SENDERS[name](channel, message)
    except ScanError as error:
        log.warning("could not send the notification by %s: %s", name, error)
        return str(error)
    return None
