"""Sends the notifications of a scan: each at least once, and one that cannot be sent does not fail the scan.

A channel is recorded in the row after it took the message. A process that is killed between the two, or that cannot
reach the table, sends the message again when the Job is tried again, under the same name (`Message.id_for`), by which a
receiver tells that it has it.
"""

import logging
import os
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import inf
from time import monotonic, sleep, time
from typing import Protocol

from logscan_api.requests import Request, ScanRequest
from logscan_api.results import ScanResult
from logscan_api.statuses import ResultRef
from logscan_scanner.errors import ScanError
from logscan_scanner.reporting import messages
from logscan_scanner.reporting.channels import Outlet, outlets, send
from logscan_scanner.reporting.grouping import SENDS, Group, Turn, Updates, group_of
from logscan_scanner.reporting.messages import Message
from logscan_scanner.reporting.webhooks import NotSentError

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before a message is sent again; less by chance, so that scans spread
SECONDS = 60.0  # after which nothing is sent again; a scan takes so long for all of its channels
SPARE_SECONDS = 90.0  # before the end of the Job's time, when no scan waits for others

log = logging.getLogger("logscan.scanner.notifying")


class Notifications(Updates, Protocol):
    """Where it is recorded what was sent: `Results`, on the row, and in the items of groups."""

    def sent(self, ref: ResultRef, scan_uid: str) -> set[str]:
        """Return the channels on which a scan has notified already."""

    def note_sent(self, ref: ResultRef, scan_uid: str, channel: str, now: str, grouped: bool = False) -> None:
        """Record that a scan has sent a notification, or is counted in that of another."""

    def note_error(self, ref: ResultRef, scan_uid: str, channel: str, error: str) -> None:
        """Record why a scan's notification was not sent."""


# Is told of each channel that is done, whether another scan counts this one, and what went wrong if anything did.
Record = Callable[[Outlet, bool, str | None], None]


def notify_finished(
    request: ScanRequest, result: ScanResult, notifications: Notifications, started: float | None = None
) -> None:
    """Send the notifications of a scan with a result that were not sent before.

    Args:
        request: The Job's input.
        result: The result in the table.
        notifications: Where it is recorded what was sent, and what went wrong.
        started: When the scan began, by the monotonic clock; absent means now.
    """
    wanted = [outlet for outlet in outlets(request.notify, os.environ) if outlet.channel.wants(result.worst_severity)]
    if not wanted:
        return
    ref, uid = request.result, request.scan.uid
    try:
        sent = notifications.sent(ref, uid)
    except ScanError as error:
        log.warning("could not read which notifications were sent, and sends all: %s", error)
        sent = set()

    def record(outlet: Outlet, grouped: bool, failure: str | None) -> None:
        try:
            if failure is None:
                now = datetime.now(UTC).isoformat(timespec="seconds")
                notifications.note_sent(ref, uid, outlet.name, now, grouped)
            else:
                notifications.note_error(ref, uid, outlet.name, failure)
        except ScanError as error:
            log.warning("could not record the notification by %s: %s", outlet.name, error)

    left = [outlet for outlet in wanted if outlet.name not in sent]
    if left:
        _send_all(left, messages.of_result(request, result), record, notifications, _ends(request, started))


def notify_failed(
    request: Request, reason: str, why: str, updates: Updates, started: float | None = None
) -> dict[str, str]:
    """Send the notifications of a scan that failed for good; return what went wrong, by channel.

    There is no row to record it in, and whoever does it does not try again.

    Args:
        request: What the process was asked to do.
        reason: Why the scan failed, in a word.
        why: The same, for a person.
        updates: Where the groups are.
        started: When the process began, by the monotonic clock; absent means now.
    """
    wanted = [outlet for outlet in outlets(request.notify, os.environ) if outlet.channel.wants_failures]
    failures: dict[str, str] = {}

    def record(outlet: Outlet, _grouped: bool, failure: str | None) -> None:
        if failure is not None:
            failures[outlet.name] = failure

    if wanted:
        _send_all(wanted, messages.of_failure(request, reason, why), record, updates, _ends(request, started))
    return failures


def _ends(request: Request, started: float | None) -> float:
    """Return when the scan must not wait any more, by the monotonic clock."""
    if request.timeout_seconds is None:
        return inf
    return (monotonic() if started is None else started) + request.timeout_seconds - SPARE_SECONDS


def _send_all(wanted: Sequence[Outlet], message: Message, record: Record, updates: Updates, ends: float) -> None:
    """Send a message on each channel, one after the other; those last for which the scan waits, until it must end."""
    deadline = monotonic() + SECONDS
    waiting: list[tuple[int, Outlet, Group]] = []
    for outlet in wanted:
        group = group_of(outlet, message, updates)
        turn = SENDS if group is None else _turn(outlet, group.enter)
        if group is not None and turn.wakes is not None:
            waiting.append((turn.wakes, outlet, group))
        else:
            _take(turn, outlet, message, deadline, record)
    for wakes, outlet, group in sorted(waiting, key=lambda found: found[0]):
        sleep(max(min(wakes - time(), ends - monotonic()), 0))
        turn = _turn(outlet, group.wake)
        # Whoever took this one's place sends soon; there is no second wait.
        _take(SENDS if turn.wakes is not None else turn, outlet, message, monotonic() + SECONDS, record)


def _turn(outlet: Outlet, ask: Callable[[int], Turn]) -> Turn:
    """Return what a scan does on a channel with a group; if the table cannot be reached, it sends."""
    try:
        return ask(int(time()))
    except ScanError as error:
        log.warning("could not group the notification by %s: %s", outlet.name, error)
        return SENDS


def _take(turn: Turn, outlet: Outlet, message: Message, deadline: float, record: Record) -> None:
    """Send a message if it is the scan's turn, and record what became of it."""
    if not turn.sends:
        record(outlet, True, None)
        return
    failure = _send(outlet, message.counting(turn.others), deadline)
    if failure is not None:
        log.warning("could not send the notification by %s: %s", outlet.name, failure)
    record(outlet, False, failure)


def _send(outlet: Outlet, message: Message, deadline: float) -> str | None:
    """Send a message, again if that may help; return what went wrong, or None."""
    for pause in (*PAUSES, None):
        try:
            send(outlet, message)
            return None
        except ScanError as error:
            if pause is None or not (isinstance(error, NotSentError) and error.again):
                return str(error)
            wait = max(pause * random.uniform(0.5, 1), error.after)  # noqa: S311 - no secret
            if monotonic() + wait >= deadline:
                return str(error)
            sleep(wait)
    raise AssertionError("the last pause is none")
