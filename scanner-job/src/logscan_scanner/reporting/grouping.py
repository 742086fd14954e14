"""Groups of notifications: which scan sends, which one waits to send, and which are counted (`logscan_api.groups`)."""

from dataclasses import dataclass, field
from typing import Protocol

from logscan_api import groups
from logscan_api.attributes import Item
from logscan_api.statuses import ResultRef
from logscan_api.table import Call
from logscan_scanner.reporting.channels import Outlet
from logscan_scanner.reporting.messages import Message

MOST_TRIES = 5  # to enter a group whose item others change meanwhile


class Updates(Protocol):
    """Changes items: `Results`."""

    def update(self, call: Call) -> Item | None:
        """Change an item if the call's condition holds; return what it was before, or None if it does not hold."""


@dataclass(frozen=True)
class Turn:
    """What a scan does on a channel.

    Attributes:
        sends: Whether it sends now.
        others: The scans that its message counts, by word.
        wakes: The second from which it may send, if it waits.
    """

    sends: bool
    others: dict[str, int] = field(default_factory=dict)
    wakes: int | None = None


SENDS, COUNTED = Turn(True), Turn(False)


class Group:
    """The messages of one policy on one channel, as one scan sees them."""

    def __init__(self, ref: ResultRef, uid: str, word: str, seconds: int, updates: Updates) -> None:
        """Enter nothing yet.

        Args:
            ref: The group's item.
            uid: The LogScan.
            word: By which it is counted.
            seconds: Length of a window.
            updates: Changes the item.
        """
        self._ref, self._uid, self._word, self._seconds = ref, uid, word, seconds
        self._updates = updates

    def enter(self, now: int) -> Turn:
        """Return what the scan does: it sends, waits, or is counted by the scan that waits.

        Raises:
            ScanError: The table cannot be reached.
        """
        for _ in range(MOST_TRIES):
            before = self._updates.update(groups.open_window(self._ref, now, self._seconds))
            if before is not None:
                return Turn(True, groups.counted(before))
            before = self._updates.update(groups.wait(self._ref, self._uid, now, self._seconds))
            if before is not None:
                return Turn(False, wakes=groups.next_at(before))
            if self._updates.update(groups.join(self._ref, self._uid, self._word)) is not None:
                return COUNTED
        return SENDS

    def wake(self, now: int) -> Turn:
        """Return what the scan does at the end of its wait: it sends, unless another took its place meanwhile.

        Raises:
            ScanError: The table cannot be reached.
        """
        before = self._updates.update(groups.end_wait(self._ref, self._uid, now, self._seconds))
        return self.enter(now) if before is None else Turn(True, groups.counted(before))


def group_of(outlet: Outlet, message: Message, updates: Updates) -> Group | None:
    """Return the group of a message on a channel, or None if each scan has a message of its own."""
    request, seconds = message.request, outlet.channel.window
    if request.policy is None or not seconds:
        return None
    ref = groups.group_of(request.result.table, request.scan.namespace, request.policy, outlet.name)
    return Group(ref, request.scan.uid, message.word, seconds, updates)
