"""Which scan gets a Job next: limits, fairness between namespaces, and priority with aging within one. Pure."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import NamedTuple

from logscan_api.exitcodes import Reason
from logscan_operator.items import Key, Scan
from logscan_operator.scanjobs import ScanJob
from logscan_operator.settings import Settings

# Namespace, the policy whose limit counts, and whether they work for a prefix: scans of one queue start in the order of
# their rank.
Queue = tuple[str, Key | None, bool]

LIMIT_MESSAGES = {
    Reason.CONCURRENCY_LIMIT: "as many Jobs run as maxConcurrent allows; the scan starts when one ends",
    Reason.NAMESPACE_LIMIT: "as many Jobs run in the namespace as maxConcurrentPerNamespace allows",
    Reason.POLICY_LIMIT: "as many Jobs run under the LogScanPolicy as its maxConcurrent allows",
    Reason.BACKFILL_LIMIT: "as many Jobs run for prefixes as backfillShare allows; the other slots are for the rest",
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
    policy: Key | None

    @property
    def queue(self) -> Queue:
        """Return the queue that it waits in."""
        return self.scan.key[0], self.policy, self.scan.parent is not None


Entry = tuple[int, datetime, Key, Candidate]


@dataclass
class Usage:
    """Slots in use: in all, for prefixes, by namespace, and by policy."""

    total: int = 0
    backfills: int = 0
    by_namespace: Counter[str] = field(default_factory=Counter)
    by_policy: Counter[Key] = field(default_factory=Counter)

    def add(self, namespace: str, policy: Key | None, backfill: bool = False) -> None:
        """Count one more Job; `backfill` if it works for a prefix."""
        self.total += 1
        self.backfills += backfill
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
    policy_limits: Mapping[Key, int],
    settings: Settings,
    now: datetime,
) -> tuple[list[Candidate], list[tuple[Candidate, Reason]]]:
    """Return which candidates start now, and why each of the others waits.

    Each slot goes to the namespace with the fewest Jobs, and there to the scan with the highest rank, then the oldest.
    Whoever may create LogScans sets their priority, so a priority ranks within a namespace only: no tenant gets ahead
    of another by a higher number. A namespace alone uses every slot that its own limit allows. Jobs for prefixes never
    have more than their share of all slots. Uploads rank above them, so a slot of the share that becomes free goes to
    an upload first as well.

    Args:
        candidates: Scans that could start, in any order.
        usage: Slots in use; counted on for those that start.
        policy_limits: Limits of policies that have one.
        settings: The operator's settings.
        now: The time.
    """
    found: dict[Queue, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        found[candidate.queue].append(candidate)
    aging = timedelta(seconds=settings.aging_seconds)
    free = max(settings.max_concurrent - usage.total, 0)
    # Sort only as many of a queue as could start: most plans are made while all slots are in use.
    heads = {queue: deque(nsmallest(free, _entries(members, aging, now))) for queue, members in found.items() if free}

    def order(queue: Queue) -> tuple[int, int, datetime, Key]:
        negative, created, key, _ = heads[queue][0]
        return usage.by_namespace[queue[0]], negative, created, key

    chosen: dict[Key, Candidate] = {}
    while len(chosen) < free:
        ready = [q for q, entries in heads.items() if entries and not _full(q, usage, policy_limits, settings)]
        if not ready:
            break
        queue = min(ready, key=order)
        *_, key, candidate = heads[queue].popleft()
        chosen[key] = candidate
        usage.add(*queue)
    waiting = []
    for queue, members in found.items():
        reason = _full(queue, usage, policy_limits, settings) or Reason.CONCURRENCY_LIMIT
        waiting += [(candidate, reason) for candidate in members if candidate.scan.key not in chosen]
    return list(chosen.values()), waiting


def _entries(candidates: list[Candidate], aging: timedelta, now: datetime) -> list[Entry]:
    """Return candidates with what sorts them; keys are unique, so candidates are never compared."""
    return [(-rank(c.scan, aging, now), c.scan.created, c.scan.key, c) for c in candidates]


def _full(queue: Queue, usage: Usage, policy_limits: Mapping[Key, int], settings: Settings) -> Reason | None:
    """Return which limit keeps scans of a namespace and policy from starting, other than the global one."""
    namespace, policy, backfill = queue
    slots = settings.namespace_slots
    if slots < settings.max_concurrent and usage.by_namespace[namespace] >= slots:
        return Reason.NAMESPACE_LIMIT
    if policy is not None and usage.by_policy[policy] >= policy_limits[policy]:
        return Reason.POLICY_LIMIT
    if backfill and usage.backfills >= settings.backfill_slots:
        return Reason.BACKFILL_LIMIT
    return None
