"""Which finished LogScans are deleted: those whose time is up, and the oldest beyond those that are kept. Pure.

The namespaces share the number that is kept: beyond it, the namespace with the most loses its oldest. So nobody can
push out the history of others by many scans of their own.

A LogScan is never deleted before its status is final; its row in DynamoDB stays. One whose TTL is `never` stays too,
and does not count among those that are kept. One that works for a LogScan of a prefix is deleted once it is counted
there (`backfills`), and not before.
"""

from collections import Counter
from collections.abc import Container, Mapping
from datetime import datetime, timedelta

from logscan_api.logscans import MAX_TTL_SECONDS, NEVER
from logscan_api.statuses import Phase
from logscan_operator.items import Key, Scan
from logscan_operator.settings import Settings
from logscan_operator.view import View


def expiry(scan: Scan, settings: Settings) -> datetime:
    """Return when a finished LogScan is to be deleted: by its own TTL, else by that of its outcome."""
    usual = settings.ttl_seconds if scan.status.phase is Phase.SUCCEEDED else settings.failed_ttl_seconds
    seconds = scan.ttl_seconds if isinstance(scan.ttl_seconds, int) else usual
    return scan.ended + timedelta(seconds=min(seconds, MAX_TTL_SECONDS))  # one stored by an older CRD had no bound


def expired(view: View, settings: Settings, now: datetime, in_flight: Container[Key], most: int) -> list[Scan]:
    """Return up to `most` LogScans to delete now, the oldest first.

    Args:
        view: What is known.
        settings: The operator's settings.
        now: The time.
        in_flight: Scans that something is being done with; they are left alone.
        most: How many at the most, which paces the deletes.
    """
    ended = (scan for scan in view.scans.values() if scan.finished and not scan.deleting and scan.parent is None)
    finished = [scan for scan in ended if scan.ttl_seconds != NEVER and view.synced_in(scan.key[0])]
    finished.sort(key=lambda scan: (scan.ended, scan.key))
    surplus = Counter(scan.key[0] for scan in finished)
    surplus.subtract(shares(surplus, settings.max_finished))
    due = []
    for scan in finished:
        if surplus[scan.key[0]] > 0 or expiry(scan, settings) <= now:
            surplus[scan.key[0]] -= 1
            due.append(scan)
    return [scan for scan in due if scan.key not in in_flight][:most]


def shares(wanted: Mapping[str, int], total: int) -> dict[str, int]:
    """Return a fair share of a total for each of some namespaces.

    None gets more than it wants, and nothing is left over while one wants more.

    Args:
        wanted: How much each wants.
        total: How much there is.
    """
    found: dict[str, int] = {}
    names = sorted(wanted, key=lambda name: (wanted[name], name))
    for number, name in enumerate(names):
        found[name] = min(wanted[name], total // (len(names) - number))
        total -= found[name]
    return found
