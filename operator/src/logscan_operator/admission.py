"""Who gets a Job next: limits, priority with aging, and fairness between namespaces. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from logscan_api.exitcodes import Reason
from logscan_operator.settings import Settings
from logscan_operator.view import Scan, ScanJob

Place = tuple[str, tuple[str, str] | None]

LIMIT_MESSAGES = {
    Reason.CONCURRENCY_LIMIT: "as many Jobs run as maxConcurrent allows; the scan starts when one ends",
    Reason.NAMESPACE_LIMIT: "as many Jobs run in the namespace as maxConcurrentPerNamespace allows",
    Reason.POLICY_LIMIT: "as many Jobs run under the LogScanPolicy as its maxConcurrent allows",
}


@dataclass(frozen=True)
class Candidate:
    """A scan that could start now.

    Attributes:
        scan: The scan.
        job: Its suspended Job, which would go on, or None.
        policy: Namespace and name of the policy that would give its rules, if it has a limit.
    """

    scan: Scan
    job: ScanJob | None
    policy: tuple[str, str] | None


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


def rank(scan: Scan, settings: Settings, now: datetime) -> int:
    """Return a scan's priority with its aging: one point more for each `agingSeconds` since it was created."""
    own = scan.spec.priority if scan.spec else 0
    return own + int((now - scan.created).total_seconds() // settings.aging_seconds)


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
    queues: dict[Place, list[tuple[int, datetime, Candidate]]] = defaultdict(list)
    for candidate in candidates:
        entry = (-rank(candidate.scan, settings, now), candidate.scan.created, candidate)
        queues[candidate.scan.key[0], candidate.policy].append(entry)
    for queue in queues.values():
        queue.sort(key=lambda entry: (entry[0], entry[1], entry[2].scan.key))
    heads = dict.fromkeys(queues, 0)

    def order(place: Place) -> tuple[int, int, datetime, tuple[str, str]]:
        negative, created, candidate = queues[place][heads[place]]
        return negative, usage.by_namespace[place[0]], created, candidate.scan.key

    chosen: list[Candidate] = []
    while usage.total < settings.max_concurrent:
        open_places = [
            place
            for place, head in heads.items()
            if head < len(queues[place]) and not _full(place, usage, policy_limits, settings)
        ]
        if not open_places:
            break
        place = min(open_places, key=order)
        chosen.append(queues[place][heads[place]][2])
        heads[place] += 1
        usage.add(*place)
    waiting = [
        (entry[2], _full(place, usage, policy_limits, settings) or Reason.CONCURRENCY_LIMIT)
        for place, head in heads.items()
        for entry in queues[place][head:]
    ]
    return chosen, waiting


def _full(place: Place, usage: Usage, policy_limits: dict[tuple[str, str], int], settings: Settings) -> Reason | None:
    """Return which limit keeps scans of a namespace and policy from starting, other than the global one."""
    namespace, policy = place
    most = settings.max_concurrent_per_namespace
    if most is not None and usage.by_namespace[namespace] >= most:
        return Reason.NAMESPACE_LIMIT
    if policy is not None and usage.by_policy[policy] >= policy_limits[policy]:
        return Reason.POLICY_LIMIT
    return None
