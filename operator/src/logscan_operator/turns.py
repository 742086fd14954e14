"""When the objects under a prefix may go to the API server, so that a backfill leaves it time for uploads.

The API server spends about 0.6 ms of CPU time on each object of a list, from the LogScan's creation to its deletion
(benchmarks/README.md). Without a limit, a backfill of objects that are scanned faster than that takes all the time that
the API server has, and an upload's LogScan and Job wait.
"""

from collections.abc import Callable
from itertools import takewhile

# Who waits asks several times a second; whoever has not asked for this long was suspended, and holds nobody up.
PATIENCE_SECONDS = 1.0
# Time that nobody used may be used later, so that small pages, which are asked for now and then, keep the pace too.
SAVED_SECONDS = 0.2


class Turns:
    """Gives turns to those who ask, in the order in which they first asked.

    Only a turn that is given takes time from the others: who asks and is deleted then has delayed nobody.
    """

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        """Give no turn yet.

        Args:
            per_second: The pace, in objects a second.
            clock: Returns seconds that only grow.
        """
        self._per_second = per_second
        self._clock = clock
        self._free_at = clock()
        self._asked: dict[str, float] = {}  # when each asked last; the first to ask is the first here

    def take(self, who: str, objects: int) -> bool:
        """Return whether it is somebody's turn, who has had it then; if not, they are to ask again.

        Args:
            who: Who asks.
            objects: How many objects go to the API server then; none need no turn.
        """
        now = self._clock()
        self._asked[who] = now
        before = takewhile(lambda other: other != who, self._asked)
        first = all(now - self._asked[other] > PATIENCE_SECONDS for other in before)
        if objects and not (first and now >= self._free_at):
            return False
        self.leave(who)
        if objects:
            self._free_at = max(self._free_at, now - SAVED_SECONDS) + objects / self._per_second
        return True

    def leave(self, who: str) -> None:
        """Take in that somebody asks no more."""
        self._asked.pop(who, None)
