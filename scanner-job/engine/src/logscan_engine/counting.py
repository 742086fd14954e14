"""Lines counted of a text that is in memory."""

import time

from logscan_engine._native import Counts, RuleSet, Scan

MAX_RECORD_BYTES = 64 * 1024 * 1024


def count(rules: RuleSet, text: bytes, threads: int = 1) -> Counts:
    """Return what rules count in a text.

    Args:
        rules: Compiled rules.
        text: The lines.
        threads: How many scan.

    Raises:
        InternalError: The engine panicked.
    """
    scan = Scan(
        rules,
        threads=threads,
        reference=int(time.time()),
        max_record_bytes=MAX_RECORD_BYTES,
        samples=0,
        findings=0,
        before=0,
        after=0,
        line_bytes=1,
    )
    scan.begin(None)
    scan.push(text)
    scan.finish()
    return scan.counts()
