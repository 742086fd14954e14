"""Scans of the last hours or days, from the indexes of the result table: also those whose LogScans are gone.

An index has a partition for each day, so what is asked for becomes one query for each part of each day. Rows in the
indexes have no counts by rule; `results` and `history` read whole ones.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kubectl_logscan.errors import UsageError
from logscan_api import attributes, table
from logscan_api.results import DAY_SHARDS, stamp
from logscan_api.rules import Severity

MOST_DAYS = 366
_SPAN = re.compile(r"(\d{1,9})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}  # seconds


def span(text: str) -> timedelta:
    """Return a length of time such as `90m`, `24h`, `7d` or `2w`.

    Raises:
        UsageError: The text is not a length of time, or is longer than 366 days.
    """
    found = _SPAN.fullmatch(text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= MOST_DAYS * _UNITS["d"]:
        raise UsageError(f"--since {text} is no time up to {MOST_DAYS}d: write for example 90m, 24h, 7d or 2w")
    return timedelta(seconds=seconds)


@dataclass(frozen=True)
class Past:
    """Which scans are asked for.

    Attributes:
        since: The earliest end of a scan.
        until: The latest one.
        severity: The severity that a scan found, or a worse one; None for all scans.
        bucket: The bucket; None for all.
        namespace: The namespace; None for all.
    """

    since: datetime
    until: datetime
    severity: Severity | None = None
    bucket: str | None = None
    namespace: str | None = None

    def queries(self, name: str) -> list[dict[str, Any]]:
        """Return Query's arguments, of all parts of all days, by the index that reads the fewest rows.

        Args:
            name: The table.
        """
        first, last = self.since.astimezone(UTC).date(), self.until.astimezone(UTC).date()
        days = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
        since, until = stamp(self.since), stamp(self.until)
        ends = (since, f"{until}~")  # `~` is after every character of what follows a time
        if self.bucket is not None:
            return [_query(name, "by_bucket", f"{self.bucket}#{day}", *ends) for day in days]
        if self.severity is not None and self.severity.rank >= Severity.ERROR.rank:
            words = [severity for severity in Severity if severity.rank >= self.severity.rank]
            return [
                _query(name, "with_errors", f"E#{day}", f"{word}#{since}", f"{word}#{until}")
                for day in days
                for word in words
            ]
        return [_query(name, "by_day", f"{day}#{shard}", *ends) for day in days for shard in range(DAY_SHARDS)]

    def wanted(self, row: dict[str, Any]) -> bool:
        """Return whether a row that the queries found is asked for.

        A severity that a newer version added may be worse than all that are known, so it is.
        """
        worst = row.get("worst_severity")
        known = {str(severity): severity.rank for severity in Severity}
        return (self.namespace is None or str(row["pk"]).startswith(f"{self.namespace}#")) and (
            self.severity is None or (worst is not None and known.get(worst, len(known)) >= self.severity.rank)
        )


def _query(name: str, index: str, partition: str, first: str, last: str) -> dict[str, Any]:
    hash_key, range_key = table.INDEXES[index]
    return {
        "TableName": name,
        "IndexName": index,
        "KeyConditionExpression": "#partition = :partition AND #order BETWEEN :first AND :last",
        "ExpressionAttributeNames": {"#partition": hash_key, "#order": range_key},
        "ExpressionAttributeValues": attributes.to_item({":partition": partition, ":first": first, ":last": last}),
    }
