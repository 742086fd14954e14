"""Tells who wants to know of a finished scan: once each, and whatever goes wrong with it fails nothing."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape

import urllib3

from logscan_api.exitcodes import Reason
from logscan_api.requests import ScanRequest
from logscan_scanner import mail
from logscan_scanner.aws.messages import publish, send_mail
from logscan_scanner.aws.results import Results
from logscan_scanner.errors import ScanError

WEBHOOK_SECONDS = 10
NOTE_LENGTH = 300

log = logging.getLogger("logscan.scanner.notifying")


def notify_finished(request: ScanRequest, row: mail.Row, results: Results) -> None:
    """Tell of a scan with a result.

    Each way sets its flag on the row before it sends, so that no attempt sends again; what went wrong is noted there.
    """
    wanted = request.notify
    if wanted is None:
        return
    worst, title = mail.worst_of(row), mail.subject(row)
    body = json.dumps(mail.document(request, row))
    ways: list[tuple[str, Callable[[], None]]] = []
    if wanted.email is not None and wanted.email.wants(worst):
        to = wanted.email.to
        words = mail.text(request, row), mail.html(request, row)
        ways.append(("mail", lambda: _mail(request.sender, to, title, *words)))
    if wanted.sns is not None and wanted.sns.wants(worst):
        topic = wanted.sns.topic_arn
        ways.append(("sns", lambda: publish(topic, title, body)))
    if wanted.webhook is not None and wanted.webhook.wants(worst):
        url = wanted.webhook.url
        ways.append(("webhook", lambda: post(url, body)))
    for name, send in ways:
        _once(request, name, send, results)


def notify_failed(request: ScanRequest, reason: Reason, message: str) -> None:
    """Tell of a scan that failed for good. There is no row to keep a flag in: the Job does not run again."""
    wanted = request.notify
    if wanted is None:
        return
    title, body = mail.failure_subject(request, reason), json.dumps(mail.failure_document(request, reason, message))
    if wanted.email is not None and wanted.email.wants_failures:
        to = wanted.email.to
        _try("mail", lambda: _mail(request.sender, to, title, message, f"<p>{escape(message)}</p>"))
    if wanted.sns is not None and wanted.sns.wants_failures:
        topic = wanted.sns.topic_arn
        _try("sns", lambda: publish(topic, title, body))
    if wanted.webhook is not None and wanted.webhook.wants_failures:
        url = wanted.webhook.url
        _try("webhook", lambda: post(url, body))


def post(url: str, body: str) -> None:
    """Send JSON to a URL.

    Raises:
        ScanError: It did not answer 2xx in time. The URL may hold a secret and is not in the message.
    """
    headers = {"Content-Type": "application/json", "User-Agent": "logscan"}
    try:
        answer = urllib3.request("POST", url, body=body, headers=headers, timeout=WEBHOOK_SECONDS, retries=False)
    except urllib3.exceptions.HTTPError as error:
        raise ScanError(f"the webhook cannot be reached: {type(error).__name__}") from error
    if not 200 <= answer.status < 300:
        raise ScanError(f"the webhook answered {answer.status}")


def _mail(sender: str | None, to: list[str], title: str, text: str, html: str) -> None:
    if sender is None:
        raise ScanError("no sender is configured (the operator's LOGSCAN_MAIL_SENDER)")
    send_mail(sender, to, title, text, html)


def _once(request: ScanRequest, name: str, send: Callable[[], None], results: Results) -> None:
    try:
        if not results.claim(request.result, f"{name}_sent_at", datetime.now(UTC).isoformat(timespec="seconds")):
            return
        failure = _try(name, send)
        if failure is not None:
            results.note(request.result, f"{name}_error", failure[:NOTE_LENGTH])
    except ScanError as error:
        log.warning("not told by %s: %s", name, error)


def _try(name: str, send: Callable[[], None]) -> str | None:
    """Return what went wrong, or None."""
    try:
        send()
    except ScanError as error:
        log.warning("not told by %s: %s", name, error)
        return str(error)
    return None
