"""The time that a line of a log tells.

Known forms, the first one in the line counts:

- ISO 8601 and its kin: `2026-11-24T10:00:00.123Z`, `2026-11-24 10:00:00,123 +0100`, `2026/11/24 10:00:00`;
- the access logs of Apache httpd and nginx: `24/Nov/2026:10:00:00 +0000`;
- syslog (RFC 3164): `Nov 24 10:00:00` and klog: `I1124 10:00:00.000000`, at the start of the line, without a year;
- seconds or milliseconds since the epoch, at the start of the line or as the value of a JSON field whose name ends in
  `ts`, `time`, `timestamp` or `date`.

It is looked for in the first 128 bytes, in JSON in the first 4096. No zone means UTC. `_clock.h` is the same in C.
"""

import re
from calendar import timegm
from datetime import date

HEAD_BYTES = 128
JSON_HEAD_BYTES = 4096
DAY = 86400
MONTHS = {name: n for n, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}

_MONTH = rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_TIME = rb"(\d\d):(\d\d):(\d\d)(?:[.,]\d+)?"
_ZONE = rb"(?: ?([+-])(\d\d):?(\d\d)(?!\d))?"
_ISO = re.compile(rb"(\d{4})([-/])(\d\d)\2(\d\d)[T _]" + _TIME + _ZONE)
_ACCESS_LOG = re.compile(rb"(\d\d)/" + _MONTH + rb"/(\d{4}):" + _TIME + _ZONE)
_SYSLOG = re.compile(rb"(?:<\d*>)?" + _MONTH + rb" (?: (\d)|(\d\d)) " + _TIME)
_KLOG = re.compile(rb"[IWEF](\d\d)(\d\d) " + _TIME)
_DIGITS = re.compile(rb"\d+")
_TIME_FIELD = re.compile(rb"(?:ts|time|Time|timestamp|Timestamp|date)\" ?: ?\Z")


def time_of(line: bytes, reference: int) -> int | None:
    """Return the second since the epoch that a line tells, or None.

    Args:
        line: The line, with or without its newline.
        reference: A second that the log is not newer than by more than a day: it gives the year where there is none.
    """
    found = _without_year(_KLOG.match(line), reference)
    if found is None:
        found = _without_year(_SYSLOG.match(line), reference)
    json = line.startswith(b"{")
    head = JSON_HEAD_BYTES if json else HEAD_BYTES
    for number in _DIGITS.finditer(line):
        if found is not None or number.start() >= head:
            break
        found = _at_number(line, number, json)
    return found


def _at_number(line: bytes, number: "re.Match[bytes]", json: bool) -> int | None:
    start, length = number.start(), number.end() - number.start()
    if length == 4 and (iso := _ISO.match(line, start)):
        year, _, month, day, *rest = iso.groups()
        return _zoned(_days(int(year), int(month), int(day)), rest)
    if length == 2 and (access := _ACCESS_LOG.match(line, start)):
        day, name, year, *rest = access.groups()
        return _zoned(_days(int(year), MONTHS[name], int(day)), rest)
    if start == 0 or (json and _TIME_FIELD.search(line, max(start - 16, 0), start)):
        second = int(number[0][:10]) if length in (10, 13) else 0
        return second if 1_000_000_000 <= second < 4_102_444_800 else None
    return None


def _days(year: int, month: int, day: int) -> int | None:
    """Return the days from the epoch to a date, or None if there is no such date or it is before the epoch."""
    try:
        return timegm(date(year, month, day).timetuple()) // DAY if year >= 1970 else None
    except ValueError:
        return None


def _seconds(hour: bytes, minute: bytes, second: bytes) -> int | None:
    if int(hour) > 23 or int(minute) > 59 or int(second) > 60:
        return None
    return int(hour) * 3600 + int(minute) * 60 + int(second)


def _zoned(days: int | None, rest: list[bytes]) -> int | None:
    hour, minute, second, sign, ahead_hours, ahead_minutes = rest
    seconds = _seconds(hour, minute, second)
    if days is None or seconds is None:
        return None
    found = days * DAY + seconds
    if sign and int(ahead_hours) <= 14 and int(ahead_minutes) <= 59:
        ahead = int(ahead_hours) * 3600 + int(ahead_minutes) * 60
        found += ahead if sign == b"-" else -ahead
    return found


def _without_year(match: "re.Match[bytes] | None", reference: int) -> int | None:
    """Return the latest time with a month and day that is not more than a day after a reference."""
    if match is None:
        return None
    *when, hour, minute, second = match.groups()
    month = MONTHS.get(when[0]) or int(when[0])
    day, seconds = int(when[-1] or when[1]), _seconds(hour, minute, second)
    year = date.fromordinal(date(1970, 1, 1).toordinal() + (reference + DAY) // DAY).year
    for candidate in range(year, year - 9, -1):  # the 29th of February may be far back
        days = _days(candidate, month, day)
        if seconds is not None and days is not None and days * DAY + seconds <= reference + DAY:
            return days * DAY + seconds
    return None
