"""When the objects under a prefix may go to the API server, so that a backfill leaves it time for uploads.

The API server spends about 0.6 ms of CPU time on each object of a list, from the LogScan's creation to its deletion
(benchmarks/README.md). Without a limit, a backfill of objects that are scanned faster than that takes all the time that
the API server has, and an upload's LogScan and Job wait.
"""

from collections.abc import Callable
from itertools import takewhile

# A waiting LogScan asks several times a second. One that has not asked for this long, such as a suspended one,
# loses its precedence.
PATIENCE_SECONDS = 1.0
# Unused time up to this long can be used later. Small pages are asked for in intervals and would fall behind otherwise.
SAVED_SECONDS = 0.2


class Turns:
    """Grants turns in the order of the first request.

    Only a granted turn uses time: a LogScan that is deleted while it waits delays no other.
    """

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        """Grant nothing yet.

        Args:
            per_second: The pace, in objects a second.
            clock: Returns seconds that only grow.
        """
        self._per_second = per_second
        self._clock = clock
        self._free_at = clock()
        self._asked: dict[str, float] = {}  # when each asked last, in the order of their first requests

    def take(self, who: str, objects: int) -> bool:
        """Return whether the turn is granted; otherwise, ask again later.

        Args:
            who: Uid of the LogScan that asks.
            objects: How many objects it sends to the API server. A page without objects does not wait.
        """
        now = self._clock()
        self._asked[who] = now
        before = takewhile(lambda other: other != who, self._asked)
        first = all(now - self._asked[other] > PATIENCE_SECONDS for other in before)
        if objects and not (first and now >= self._free_at):
            return False
        self.leave(who)
        self._free_at = max(self._free_at, now - SAVED_SECONDS) + objects / self._per_second
        return True

    def leave(self, who: str) -> None:
        """Remove a LogScan from the queue."""
        self._asked.pop(who, None)
