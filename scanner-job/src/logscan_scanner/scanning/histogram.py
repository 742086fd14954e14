"""Matching lines over time, as a result has them."""

from datetime import UTC, datetime
from typing import Any

from logscan_api.results import Bin
from logscan_api.rules import Severity
from logscan_engine import Counts


def facts(counts: Counts) -> dict[str, Any]:
    """Return what the times of matching lines add to a `ScanResult`: nothing if no line has one."""
    if counts.span is None:
        return {}
    first, last = counts.span
    return {
        "first_match_at": datetime.fromtimestamp(first, UTC),
        "last_match_at": datetime.fromtimestamp(last, UTC),
        "histogram_seconds": counts.histogram_seconds,
        "histogram": [
            Bin(
                start=datetime.fromtimestamp(start, UTC),
                by_severity={s: n for s, n in zip(Severity, lines, strict=True) if n},
            )
            for start, lines in counts.histogram
        ],
    }
