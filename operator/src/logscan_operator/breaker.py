"""Whether messages may be received, by what the API server said to LogScans: a circuit breaker. Pure.

While creation is refused for everyone (the API server is away, an admission webhook is down, a quota is used up), each
message that is received would come nearer to the dead-letter queue for nothing. So receiving stops, and goes on slowly
once a trial is accepted.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from logscan_operator.aws import BATCH
from logscan_operator.errors import ApiError

FIRST_SECONDS = 2.0
MOST_SECONDS = 60.0
# The server fails for so many different LogScans in a row, though a trial is accepted: a trial writes nothing, and
# etcd may be full.
DOUBTS = 3


class State(StrEnum):
    """Whether messages are received."""

    CLOSED = "closed"  # yes
    OPEN = "open"  # no
    HALF_OPEN = "half-open"  # one, to see what becomes of it


@dataclass(frozen=True)
class Breaker:
    """The state, and what decides about the next.

    Attributes:
        state: Whether messages are received.
        reason: Why not, in the words of the last refusal.
        refusals: How often it was opened without having been wholly closed.
        due: When to try next, on the clock that `opened` is given.
        most: Messages that may be received at once: after a refusal few, doubled with each LogScan that is stored. A
            quota that frees one place at a time would otherwise cost nine messages a receive for each that passes.
        doubted: LogScans that the server failed for since it last stored one.
    """

    state: State = State.CLOSED
    reason: str | None = None
    refusals: int = 0
    due: float = 0.0
    most: int = BATCH
    doubted: frozenset[str] = frozenset()

    def opened(self, reason: str, now: float) -> "Breaker":
        """Return the breaker after a refusal that is everyone's: the next try is later each time."""
        seconds = min(FIRST_SECONDS * 2.0 ** min(self.refusals, 20), MOST_SECONDS)
        return replace(self, state=State.OPEN, reason=reason, refusals=self.refusals + 1, due=now + seconds, most=1)

    def half_opened(self) -> "Breaker":
        """Return the breaker that lets one message through, since no trial can tell."""
        return replace(self, state=State.HALF_OPEN)

    def closed(self) -> "Breaker":
        """Return the breaker after a trial that was accepted."""
        return replace(self, state=State.CLOSED, reason=None)

    def stored(self) -> "Breaker":
        """Return the breaker after a LogScan was stored."""
        if self == HEALTHY:
            return self
        most = min(self.most * 2, BATCH)
        refusals = 0 if most == BATCH else self.refusals
        return Breaker(refusals=refusals, most=most)

    def failed_for(self, name: str, reason: str, now: float) -> "Breaker":
        """Return the breaker after the server failed for one LogScan, though a trial was accepted."""
        doubting = replace(self, doubted=self.doubted | {name})
        return doubting.opened(reason, now) if len(doubting.doubted) >= DOUBTS else doubting


HEALTHY = Breaker()


def is_outage(error: ApiError) -> bool:
    """Return whether a refusal does not depend on the object: by its status code, or by Kubernetes' own words."""
    if error.status in (401, 404, 429) or error.status >= 500:
        return True
    return error.status == 403 and any(words in str(error) for words in ("exceeded quota", "cannot create resource"))
