"""When the rules of a LogScanPolicy or LogScanRuleSet are checked, and the conditions that follow. Pure."""

from dataclasses import dataclass
from datetime import datetime

from logscan_api.conditions import ConditionType
from logscan_api.statuses import Condition
from logscan_api.text import printable
from logscan_operator.items import Policy, RuleSet
from logscan_operator.rulechecks import Verdict
from logscan_operator.statuses import stamp

FIRST_RETRY_SECONDS = 10.0
MAX_RETRY_SECONDS = 600.0

Item = Policy | RuleSet


def conditions(item: Item, verdict: Verdict, now: datetime) -> list[Condition]:
    """Return the conditions of a policy or rule set after its rules were checked.

    Rules that cannot be used are `Stalled` too: for kstatus an object that is only not ready is still in progress.

    Args:
        item: The policy or rule set, with its conditions before.
        verdict: The result of the check.
        now: The time.
    """
    said = {ConditionType.READY: verdict.status}
    if verdict.final:
        said[ConditionType.STALLED] = "True"
    known = {condition.type: condition for condition in item.status.conditions or []}
    return [
        Condition(
            type=str(kind),
            status=status,
            reason=str(verdict.reason),
            message=printable(verdict.message)[:1024],
            last_transition_time=_since(known.get(kind), status, now),
            observed_generation=item.generation,
        )
        for kind, status in said.items()
    ]


def _since(before: Condition | None, status: str, now: datetime) -> str:
    """Return since when a condition has a status."""
    return before.last_transition_time if before is not None and before.status == status else stamp(now)


class Rests:
    """Namespaces whose rules took too long to check.

    Their next check waits, so that nobody keeps others from theirs by changing slow rules again and again.
    """

    def __init__(self) -> None:
        self._namespaces: dict[str, tuple[int, float]] = {}

    def resting(self, namespace: str, clock: float) -> bool:
        """Return whether a namespace's rules are not to be checked yet."""
        return namespace in self._namespaces and clock < self._namespaces[namespace][1]

    def note(self, namespace: str, took_too_long: bool, clock: float) -> None:
        """Record a check: each one in a row that took too long doubles the rest, any other one ends it.

        Args:
            namespace: The namespace of what was checked.
            took_too_long: Whether the check was ended for the time that it took.
            clock: The time, on the event loop's clock.
        """
        if not took_too_long:
            self._namespaces.pop(namespace, None)
            return
        failures = self._namespaces.get(namespace, (0, 0.0))[0] + 1
        self._namespaces[namespace] = failures, clock + _pause(failures)


def _pause(failures: int) -> float:
    return min(MAX_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 20))


@dataclass(frozen=True)
class Retry:
    """A check that came to no verdict, or whose verdict could not be written.

    Attributes:
        generation: The generation that was checked.
        failures: How many checks of it failed in a row.
        at: When the next one is due, on the event loop's clock.
    """

    generation: int
    failures: int
    at: float

    @classmethod
    def after(cls, earlier: "Retry | None", generation: int, clock: float) -> "Retry":
        """Return the retry after one more failure: each waits twice as long, up to `MAX_RETRY_SECONDS`."""
        failures = earlier.failures + 1 if earlier is not None and earlier.generation == generation else 1
        return cls(generation, failures, clock + _pause(failures))


def due(item: Item, retry: Retry | None, clock: float) -> bool:
    """Return whether the rules of a policy or rule set are to be checked now.

    Args:
        item: The policy or rule set.
        retry: What came of its last check, if that failed.
        clock: The time, on the event loop's clock.
    """
    if retry is not None and retry.generation == item.generation:
        return clock >= retry.at
    ready = item.ready
    return item.status.observed_generation != item.generation or ready is None or ready.status == "Unknown"
