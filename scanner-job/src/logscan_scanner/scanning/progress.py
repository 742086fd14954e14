"""Progress lines in the pod's log, a few a minute."""

import logging
from time import monotonic

PERIOD_SECONDS = 5.0

log = logging.getLogger("logscan.scanner.progress")


class Progress:
    """Logs how far a scan is, at most once every `PERIOD_SECONDS`."""

    def __init__(self, size: int | None) -> None:
        """Start the clock for an input of `size` stored bytes; None if the size is unknown."""
        self._size = size
        self._started = self._next = monotonic()
        self._next += PERIOD_SECONDS

    def report(self, read: int, decompressed: int, lines: int, matched: int) -> None:
        """Log the state if the last log line is old enough.

        Args:
            read: Stored bytes read so far.
            decompressed: Bytes scanned so far.
            lines: Lines scanned so far.
            matched: Lines matched so far.
        """
        elapsed = self._due()
        if elapsed is None:
            return
        facts: dict[str, float] = {"bytes": read, "lines": lines, "matchedLines": matched}
        facts["mbPerSecond"] = round(decompressed / elapsed / 1e6, 1)
        if self._size and read:
            facts["secondsLeft"] = round(elapsed * max(self._size - read, 0) / read, 1)
        log.info("scanning", extra=facts)

    def _due(self) -> float | None:
        """Return the seconds since the start if the last log line is old enough."""
        now = monotonic()
        if now < self._next:
            return None
        self._next = now + PERIOD_SECONDS
        return now - self._started


class ObjectsProgress(Progress):
    """Logs how many of several objects are finished."""

    def __init__(self, total: int) -> None:
        """Start the clock for so many objects."""
        super().__init__(None)
        self._total = total
        self._finished = self._bytes = self._lines = self._matched = 0

    def finished(self, read: int = 0, lines: int = 0, matched: int = 0) -> None:
        """Count an object that is finished, with what was found in it; then as `report`."""
        self._finished += 1
        self._bytes += read
        self._lines += lines
        self._matched += matched
        self.report(0, 0, 0, 0)

    def report(self, read: int, decompressed: int, lines: int, matched: int) -> None:
        """Log the state if the last log line is old enough, with that of an object which is being scanned."""
        elapsed = self._due()
        if elapsed is None:
            return
        facts: dict[str, float] = {"objects": self._finished, "of": self._total, "bytes": self._bytes + read}
        facts |= {"lines": self._lines + lines, "matchedLines": self._matched + matched}
        if self._finished:
            facts["secondsLeft"] = round(elapsed * (self._total - self._finished) / self._finished, 1)
        log.info("scanning", extra=facts)
