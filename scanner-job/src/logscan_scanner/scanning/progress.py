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
        now = monotonic()
        if now < self._next:
            return
        self._next = now + PERIOD_SECONDS
        elapsed = now - self._started
        facts: dict[str, float] = {"bytes": read, "lines": lines, "matchedLines": matched}
        facts["mbPerSecond"] = round(decompressed / elapsed / 1e6, 1)
        if self._size and read:
            facts["secondsLeft"] = round(elapsed * max(self._size - read, 0) / read, 1)
        log.info("scanning", extra=facts)
