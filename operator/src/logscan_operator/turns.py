"""When the objects under a prefix may go to the API server, so that a backfill leaves it time for uploads.

The API server spends about 0.6 ms of CPU time on each object of a list, from the LogScan's creation to its deletion
(benchmarks/README.md). Without a limit, a backfill of objects that are scanned faster than that takes all the time that
the API server has, and an upload's LogScan and Job wait.
"""

from collections.abc import Callable


class Turns:
    """Gives each page a turn, one after the other, for as long as its objects take at the pace."""

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        """Keep no time yet.

        Args:
            per_second: The pace, in objects a second.
            clock: Returns seconds that only grow.
        """
        self._per_second = per_second
        self._clock = clock
        self._free_at = 0.0

    def reserve(self, objects: int) -> float:
        """Keep the time after the turns before for a page; return when it begins.

        Args:
            objects: How many objects go to the API server then; a page without any needs no turn.
        """
        now = self._clock()
        if objects == 0:
            return now
        begin = max(self._free_at, now)
        self._free_at = begin + objects / self._per_second
        return begin

    def reached(self, begin: float) -> bool:
        """Return whether a turn has begun."""
        return self._clock() >= begin
