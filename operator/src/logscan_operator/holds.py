"""What failed a moment ago and is left alone for a while, longer each time.

In memory only: it spares an API server that fails, and a new process may try everything at once. What a scan itself
waits for is in its status.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from logscan_operator.actions import Action, CheckPending, CreateJob
from logscan_operator.items import Key
from logscan_operator.scanjobs import ScanJob
from logscan_operator.settings import Settings

FIRST_SECONDS = 1.0
MOST_SECONDS = 30.0
FIRST_LOOK = timedelta(seconds=5)
FORGET_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class Hold:
    """Until when something is left alone, and why.

    Attributes:
        failures: How many failures in a row.
        until: When it may be tried again.
        message: What the last failure said.
        unexpected: How many of the failures had a cause that the operator does not know.
    """

    failures: int
    until: datetime
    message: str
    unexpected: int = 0


class Holds:
    """Scans whose action failed, namespaces in which no Job can be created, and pods that were looked at."""

    def __init__(self, settings: Settings) -> None:
        """Hold nothing back yet; of the settings, `pending_seconds` is how long a pod may take to start."""
        self._pending = timedelta(seconds=settings.pending_seconds)
        self._scans: dict[Key, Hold] = {}
        self._outages: dict[str, Hold] = {}
        self._looks: dict[str, datetime] = {}
        self._unsure: dict[Key, tuple[Action, datetime]] = {}

    def failed(self, action: Action, message: str, outage: bool, unsure: bool, now: datetime) -> None:
        """Hold back what an action was for.

        Args:
            action: The action.
            message: How it failed.
            outage: Whether creating any other Job in the namespace would fail likewise.
            unsure: Whether it may have been carried out all the same.
            now: The time.
        """
        key = action.scan.key
        self._scans[key] = _longer(self._scans.get(key), message, now)
        if isinstance(action, CreateJob) and outage:
            self._outages[key[0]] = _longer(self._outages.get(key[0]), message, now)
        if isinstance(action, CreateJob) and unsure:
            self._unsure[key] = action, self._scans[key].until

    def failed_unexpectedly(self, action: Action, message: str, now: datetime) -> int:
        """Hold back what an action was for; return how often it has failed in this way since it last succeeded."""
        key = action.scan.key
        hold = _longer(self._scans.get(key), message, now)
        self._scans[key] = replace(hold, unexpected=hold.unexpected + 1)
        return self._scans[key].unexpected

    def succeeded(self, action: Action, now: datetime) -> None:
        """Forget the failures before; remember when a pod was looked at."""
        key = action.scan.key
        self._scans.pop(key, None)
        self._unsure.pop(key, None)
        if isinstance(action, CreateJob):
            self._outages.pop(key[0], None)
        if isinstance(action, CheckPending):
            self._looks[action.job.uid] = self._next_look(action, now)

    def _next_look(self, action: CheckPending, now: datetime) -> datetime:
        """Return when to look at a pod again: as long from now as it has had, but not later than its deadline."""
        started = action.job.started
        if started is None or action.late:
            return now + FIRST_LOOK
        return min(now + max(now - started, FIRST_LOOK), started + self._pending)

    def rest(self, key: Key, now: datetime) -> None:
        """Leave a scan alone for a moment, for a reason that is not its own."""
        self._scans[key] = Hold(0, now + timedelta(seconds=FIRST_SECONDS), "")

    def scan(self, key: Key, now: datetime) -> bool:
        """Return whether a scan is to be left alone."""
        hold = self._scans.get(key)
        return hold is not None and hold.until > now

    def scans(self, now: datetime) -> set[Key]:
        """Return all scans that are to be left alone."""
        return {key for key in self._scans if self.scan(key, now)}

    def outage(self, namespace: str) -> Hold | None:
        """Return what keeps Jobs from being created in a namespace; once its time is up, one scan may try."""
        return self._outages.get(namespace)

    def look_at(self, job: ScanJob) -> datetime | None:
        """Return when to look at the pod of a Job, in longer and longer steps; None if there is no need."""
        if job.started is None or job.ready or job.suspended:
            return None
        return self._looks.get(job.uid, job.started + min(FIRST_LOOK, self._pending))

    def unsure(self, now: datetime) -> Mapping[Key, Action]:
        """Return the actions that failed and may have been carried out; by their time the watch has shown which."""
        return {key: action for key, (action, until) in self._unsure.items() if until > now}

    def deadlines(self) -> Iterator[datetime]:
        """Yield when something need not be left alone any more."""
        yield from (hold.until for hold in (*self._scans.values(), *self._outages.values()))

    def prune(self, now: datetime) -> None:
        """Forget what has long been over."""
        old = now - FORGET_AFTER
        self._scans = {key: hold for key, hold in self._scans.items() if hold.until > old}
        self._outages = {name: hold for name, hold in self._outages.items() if hold.until > old}
        self._looks = {uid: look for uid, look in self._looks.items() if look > old}
        self._unsure = {key: kept for key, kept in self._unsure.items() if kept[1] > now}


def _longer(before: Hold | None, message: str, now: datetime) -> Hold:
    failures = before.failures + 1 if before else 1
    seconds = min(FIRST_SECONDS * 2 ** min(failures - 1, 10), MOST_SECONDS)
    return Hold(failures, now + timedelta(seconds=seconds), message, before.unexpected if before else 0)
