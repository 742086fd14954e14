"""Tells who wants to know of a finished scan: once each, and whatever goes wrong with it fails nothing."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Any, Protocol

from logscan_api.exitcodes import Reason
from logscan_api.notify import Channel, Notify
from logscan_api.requests import ScanRequest
from logscan_api.statuses import ResultRef
from logscan_api.text import cut, printable
from logscan_scanner import mail
from logscan_scanner.aws.messages import publish, send_mail
from logscan_scanner.errors import ScanError
from logscan_scanner.reporting.webhooks import post

NOTE_BYTES = 300

log = logging.getLogger("logscan.scanner.notifying")


@dataclass(frozen=True)
class Message:
    """What is told: to people by mail, to machines as a document."""

    title: str
    text: str
    html: str
    document: dict[str, Any]


class Flags(Protocol):
    """Where it is kept what was sent: `Results` on the row."""

    def claim(self, ref: ResultRef, flag: str, now: str) -> bool:
        """Set a flag, and return whether it was this call that set it."""

    def note(self, ref: ResultRef, name: str, text: str) -> None:
        """Keep what went wrong."""


def notify_finished(request: ScanRequest, row: mail.Row, flags: Flags) -> None:
    """Send the notifications of a scan with a result.

    Each way sets its flag on the row before it sends, so that no attempt sends again; what went wrong is noted there.
    """
    if request.notify is None:
        return
    worst = mail.worst_of(row)
    message = Message(mail.subject(row), mail.text(request, row), mail.html(request, row), mail.document(request, row))
    for name, send in _ways(request, request.notify, message, lambda channel: channel.wants(worst)):
        _once(request, name, send, flags)


def notify_failed(request: ScanRequest, reason: Reason, why: str) -> None:
    """Send the notifications of a scan that failed for good. No row keeps a flag: the Job does not run again."""
    if request.notify is None:
        return
    title, document = mail.failure_subject(request, reason), mail.failure_document(request, reason, why)
    shown = printable(why)
    message = Message(title, f"{shown}\n", f"<p>{escape(shown)}</p>", document)
    for name, send in _ways(request, request.notify, message, lambda channel: channel.wants_failures):
        _try(name, send)


def _ways(
    request: ScanRequest, notify: Notify, message: Message, wanted: Callable[[Channel], bool]
) -> list[tuple[str, Callable[[], None]]]:
    """Return by what names and how a message is sent to those who want it."""
    body = json.dumps(message.document)
    ways: list[tuple[str, Callable[[], None]]] = []
    if notify.email is not None and wanted(notify.email):
        ways.append(("mail", partial(_mail, request.sender, notify.email.to, message)))
    if notify.sns is not None and wanted(notify.sns):
        ways.append(("sns", partial(publish, notify.sns.topic_arn, message.title, body)))
    if notify.webhook is not None and wanted(notify.webhook):
        ways.append(("webhook", partial(post, notify.webhook.url, body, request.webhook_internal or ())))
    return ways


def _mail(sender: str | None, to: list[str], message: Message) -> None:
    if sender is None:
        raise ScanError("no sender is configured (the operator's LOGSCAN_MAIL_SENDER)")
    send_mail(sender, to, message.title, message.text, message.html)


def _once(request: ScanRequest, name: str, send: Callable[[], None], flags: Flags) -> None:
    try:
        if not flags.claim(request.result, f"{name}_sent_at", datetime.now(UTC).isoformat(timespec="seconds")):
            return
        failure = _try(name, send)
        if failure is not None:
            flags.note(request.result, f"{name}_error", cut(printable(failure), NOTE_BYTES))
    except ScanError as error:
        log.warning("no notification by %s: %s", name, error)


def _try(name: str, send: Callable[[], None]) -> str | None:
    """Return what went wrong, or None."""
    try:
        send()
    except ScanError as error:
        log.warning("no notification by %s: %s", name, error)
        return str(error)
    return None
