"""Who gets a Job next: limits, priority with aging, and fairness between namespaces. Pure."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import NamedTuple

from logscan_api.exitcodes import Reason
from logscan_operator.items import Key, Scan, ScanJob
from logscan_operator.settings import Settings

Place = tuple[str, tuple[str, str] | None]

LIMIT_MESSAGES = {
    Reason.CONCURRENCY_LIMIT: "as many Jobs run as maxConcurrent allows; the scan starts when one ends",
    Reason.NAMESPACE_LIMIT: "as many Jobs run in the namespace as maxConcurrentPerNamespace allows",
    Reason.POLICY_LIMIT: "as many Jobs run under the LogScanPolicy as its maxConcurrent allows",
}


class Candidate(NamedTuple):
    """A scan that could start now.

    Attributes:
        scan: The scan.
        job: Its suspended Job, which would go on, or None.
        policy: Namespace and name of the policy that would give its rules, if it has a limit.
    """

    scan: Scan
    job: ScanJob | None
    policy: tuple[str, str] | None


Entry = tuple[int, datetime, Key, Candidate]


@dataclass
class Usage:
    """Slots in use: in all, by namespace, and by policy."""

    total: int = 0
    by_namespace: Counter[str] = field(default_factory=Counter)
    by_policy: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, namespace: str, policy: tuple[str, str] | None) -> None:
        """Count one more Job."""
        self.total += 1
        self.by_namespace[namespace] += 1
        if policy is not None:
            self.by_policy[policy] += 1


def rank(scan: Scan, aging: timedelta, now: datetime) -> int:
    """Return a scan's priority with its aging: one point more for each such time since it was created."""
    own = scan.spec.priority if scan.spec else 0
    return own + (now - scan.created) // aging


def admit(
    candidates: Iterable[Candidate],
    usage: Usage,
    policy_limits: dict[tuple[str, str], int],
    settings: Settings,
    now: datetime,
) -> tuple[list[Candidate], list[tuple[Candidate, Reason]]]:
    """Return which candidates start now, and why each of the others waits.

    The highest rank goes first; among equals the namespace with the fewest Jobs, then the oldest.

    Args:
        candidates: Scans that could start, in any order.
        usage: Slots in use; counted on for those that start.
        policy_limits: Limits of policies that have one.
        settings: The operator's settings.
        now: The time.
    """
    places: dict[Place, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        places[candidate.scan.key[0], candidate.policy].append(candidate)
    aging = timedelta(seconds=settings.aging_seconds)
    free = max(settings.max_concurrent - usage.total, 0)
    # Only as many of a place are put in order as could start: most plans are made while all slots are taken.
    queues = {place: deque(nsmallest(free, _entries(found, aging, now))) for place, found in places.items() if free}

    def order(place: Place) -> tuple[int, int, datetime, Key]:
        negative, created, key, _ = queues[place][0]
        return negative, usage.by_namespace[place[0]], created, key

    chosen: dict[Key, Candidate] = {}
    while len(chosen) < free:
        open_places = [p for p, queue in queues.items() if queue and not _full(p, usage, policy_limits, settings)]
        if not open_places:
            break
        place = min(open_places, key=order)
        *_, key, candidate = queues[place].popleft()
        chosen[key] = candidate
        usage.add(*place)
    waiting = []
    for place, found in places.items():
        reason = _full(place, usage, policy_limits, settings) or Reason.CONCURRENCY_LIMIT
        waiting += [(candidate, reason) for candidate in found if candidate.scan.key not in chosen]
    return list(chosen.values()), waiting


def _entries(candidates: list[Candidate], aging: timedelta, now: datetime) -> list[Entry]:
    """Return candidates with what puts them in order; keys are unique, so candidates are never compared."""
    return [(-rank(c.scan, aging, now), c.scan.created, c.scan.key, c) for c in candidates]


def _full(place: Place, usage: Usage, policy_limits: dict[tuple[str, str], int], settings: Settings) -> Reason | None:
    """Return which limit keeps scans of a namespace and policy from starting, other than the global one."""
    namespace, policy = place
    most = settings.max_concurrent_per_namespace
    if most is not None and usage.by_namespace[namespace] >= most:
        return Reason.NAMESPACE_LIMIT
    if policy is not None and usage.by_policy[policy] >= policy_limits[policy]:
        return Reason.POLICY_LIMIT
    return None
