"""The time that a line tells, and lines over time."""

import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from corpora import REFERENCE, count
from hypothesis import given
from hypothesis import strategies as st

from logscan_api.rules import Rule, Severity
from logscan_engine import second_of
from logscan_scanner.scanning import histogram

BUCKETS = 120
# A folder with the `*_2k.log` of https://github.com/logpai/loghub, which this repository has no copy of.
REAL = Path(os.environ.get("LOGSCAN_LOGHUB", Path(__file__).resolve().parents[3] / "shared" / "data" / "loghub"))
# Where lines go back in time: logs of several machines were put together, and HPC is ordered by something else.
JUMPS = {"Proxifier_2k.log": 1, "Zookeeper_2k.log": 2, "HPC_2k.log": 2000}


def time_of(line: bytes, reference: int = REFERENCE) -> datetime | None:
    found = second_of(line, reference)
    return None if found is None else datetime.fromtimestamp(found, UTC)


NOON = datetime(2026, 11, 24, 12, 0, 5, tzinfo=UTC)


# Lines of the forms that programs write, each at that time.
LINES = (Path(__file__).parent / "at_noon.log").read_bytes().splitlines()
FORMS = [
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S,123 ERROR",
    "%Y%m%dT%H%M%SZ",
    "%Y/%m/%d %H:%M:%S",
    "%y%m%d %H:%M:%S",
    "[%a %b %d %H:%M:%S.123456 %Y]",
    "%a %b %e %H:%M:%S UTC %Y",
    "%b %e %Y %H:%M:%S",
    "%B %d, %Y %I:%M:%S %p",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S UTC",
    "[%d/%b/%Y:%H:%M:%S +0000]",
    "%d-%b-%Y::%H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y-%m-%d\t%H:%M:%S\t",
    "%Y-%m-%d-%H.%M.%S.123456",
    "%m/%d/%Y-%H:%M:%S.123456",
    "%s.123 ",
    "%s123 ",
    '{"msg":"2001-02-03 04:05:06","time":"%Y-%m-%dT%H:%M:%SZ"}',
    '{"msg":"x","@timestamp":%s123456}',
]
YEARLESS = [
    "%b %e %H:%M:%S host",
    "I%m%d %H:%M:%S.000001 1 x.go:7]",
    "%m-%d %H:%M:%S.123  1234  5678 E Tag",
    "%m/%d-%H:%M:%S.123456  [**]",
    "[1] %d %b %H:%M:%S.123 #",
]
ZONES = sorted(name for name in available_timezones() if "/" in name)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.decode())
def test_the_forms_that_programs_write(line: bytes) -> None:
    assert time_of(line) == NOON


@given(st.datetimes(datetime(2001, 9, 10), datetime(2026, 11, 24)), st.sampled_from(FORMS))
def test_what_strftime_writes_is_read(time: datetime, form: str) -> None:
    time = time.replace(microsecond=0, tzinfo=UTC)
    assert time_of(f"{time:{form}} x".encode()) == time


@given(st.integers(0, 363 * 86_400), st.sampled_from(YEARLESS))
def test_a_time_without_a_year_is_the_last_one(seconds_ago: int, form: str) -> None:
    time = datetime.fromtimestamp(REFERENCE - seconds_ago, UTC)
    assert time_of(f"{time:{form}} x".encode()) == time


@given(st.datetimes(datetime(2019, 1, 1), datetime(2026, 11, 24)), st.sampled_from(ZONES))
def test_a_zone_is_read_right_or_not_at_all(time: datetime, name: str) -> None:
    local = time.replace(microsecond=0, tzinfo=ZoneInfo(name))
    # Two of RFC 5322 are the names of other zones too.
    known = {"PST": timedelta(hours=-8), "CDT": timedelta(hours=-5)}
    if (local.tzname() or "") in known and local.utcoffset() != known[local.tzname() or ""]:
        return
    for form in ("%Y-%m-%d %H:%M:%S.123 %Z [7] ERROR:  x", "%a %b %e %H:%M:%S %Z %Y", "%d-%b-%Y %H:%M:%S %Z"):
        assert time_of(f"{local:{form}}".encode()) in (local, None)
    assert time_of(f"[{local:%d-%b-%Y %H:%M:%S} {name}] x".encode()) in (local, None)
    assert time_of(f"{local:%Y-%m-%d %H:%M:%S %z} x".encode()) == local


@pytest.mark.parametrize("name", ["CET", "CEST", "EST", "EDT", "PST", "JST", "AEDT", "UTC", "GMT"])
def test_usual_zones_are_read(name: str) -> None:
    assert time_of(f"2026-11-24 12:00:05 {name} x".encode()) is not None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no time here",
        b"2026-11-24",
        b"2026-02-30T12:00:00Z",
        b"2026-11-24T25:00:00Z",
        b"at 1795521605",
        b"12345678901 x",
        b"x" * 1100 + b" 2026-11-24T12:00:05Z",
        b"I1324 12:00:05.0 x",
        b"Nov 32 12:00:05 x",
        b'{"count":1795521605}',
        b'{"request_time":"0.123","status":500}',
        b"version 1.2.3 10:00:00",
        b"192.168.10.24 10:00:00 x",
        b"ids 2026112410 2611241000 11-24 10:00:00",
        b"== 20261124100000 CreateUsers: migrating",
        b"20261124100000_create_users.rb",
        b"/var/log/2026-11-24_10:00:00.log: ERROR",
        b"ratio 1/2 10:00:00",
    ],
)
def test_what_is_no_time(line: bytes) -> None:
    assert time_of(line) is None


@pytest.mark.parametrize(
    "line",
    [
        b"2026-11-24 10:00:00 CST x",
        b"2026-11-24 15:30:00 IST x",
        b"Tue Nov 24 10:00:00 CST 2026",
        b"[24-Nov-2026 11:00:00 Europe/Berlin] PHP Fatal error: since 2026-01-01T00:00:00Z",
        b'{"timestamp":"2026-11-24 10:00:00.1 CST","msg":"2020-01-01T00:00:00Z"}',
        b"04/11/2026 10:00:00 since 2026-01-01T00:00:00Z",
        b"04-11-2026 10:00:00 x",
        b"[10.05 16:49:06] x",
        b"05/11/24 10:00:00 x",
    ],
)
def test_what_may_be_several_times_is_none(line: bytes) -> None:
    assert time_of(line) is None


@pytest.mark.parametrize(
    ("line", "day"),
    [
        (b"24/11/2026 10:00:00 x", 24),
        (b"11/24/2026 10:00:00 x", 24),
        (b"11/11/2026 10:00:00 x", 11),
        (b"12/11/2026 10:00:00 x", 12),  # the 11th of December is yet to come
        (b"04.11.2026 10:00:00 x", 4),
        (b"26/11/24 10:00:00 INFO executor.Executor: x", 24),
        (b"[11/24/26 10:00:00:123 UTC] 0000001 SystemErr", 24),
    ],
)
def test_numbers_are_a_date_if_their_order_is_known(line: bytes, day: int) -> None:
    assert time_of(line) == datetime(2026, 11, day, 10, tzinfo=UTC)


def test_a_date_to_come_is_the_time_only_without_another() -> None:
    assert time_of(b"valid until 2030-01-01T00:00:00Z, seen 2026-11-24T12:00:05Z") == NOON
    assert time_of(b"valid until 2030-01-01T00:00:00Z") == datetime(2030, 1, 1, tzinfo=UTC)


def test_a_leap_second_and_midnight_and_minutes() -> None:
    assert time_of(b"2016-12-31T23:59:60Z x") == datetime(2017, 1, 1, tzinfo=UTC)
    assert time_of(b"11/24/2026 12:00:00 AM x") == datetime(2026, 11, 24, tzinfo=UTC)
    assert time_of(b"2026-11-24 12:34 x") == datetime(2026, 11, 24, 12, 34, tzinfo=UTC)


def test_every_line_of_real_logs_has_a_time_that_does_not_jump_back() -> None:
    if not REAL.is_dir():
        pytest.skip(f"no {REAL}; LOGSCAN_LOGHUB names the folder of loghub's logs")
    for path in REAL.glob("*_2k.log"):
        times = [second_of(line, REFERENCE) for line in path.read_bytes().splitlines()]
        assert None not in times, path.name
        known = [time for time in times if time is not None]
        back = sum(later < earlier - 1000 for earlier, later in pairwise(known))
        assert back <= JUMPS.get(path.name, 0), path.name


def test_a_time_without_a_year_is_not_in_the_future() -> None:
    january = int(datetime(2027, 1, 2, tzinfo=UTC).timestamp())
    assert time_of(b"Dec 31 23:59:59 h x", january) == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert time_of(b"Jan  3 00:00:00 h x", january) == datetime(2027, 1, 3, tzinfo=UTC)
    assert time_of(b"I0229 00:00:00.0 x", january) == datetime(2024, 2, 29, tzinfo=UTC)


@given(st.lists(st.integers(0, 4_000_000_000), min_size=1, max_size=300))
def test_a_histogram_is_bounded_and_loses_no_line(seconds: list[int]) -> None:
    times = [datetime.fromtimestamp(second, UTC) for second in seconds]
    lines = b"".join(f"{time:%Y-%m-%dT%H:%M:%SZ} bad\n".encode() for time in times)
    facts = histogram.facts(count([Rule(name="e", pattern="bad")], [lines]).counts)
    assert len(facts["histogram"]) <= BUCKETS
    assert sum(bucket.by_severity[Severity.ERROR] for bucket in facts["histogram"]) == len(seconds)
    for second in seconds:
        start = datetime.fromtimestamp(second - second % facts["histogram_seconds"], UTC)
        assert start in [bucket.start for bucket in facts["histogram"]]


def test_matching_lines_make_the_histogram() -> None:
    rules = [Rule(name="e", pattern="bad"), Rule(name="w", pattern="slow", severity=Severity.WARNING)]
    lines = [
        b"2026-11-24T12:%02d:05Z %s\n" % (n // 10 % 60, (b"bad", b"slow bad", b"fine")[n % 3]) for n in range(3000)
    ]
    found = count(rules, [b"".join(lines), b"no time but bad\n"])
    facts = histogram.facts(found.counts)
    assert facts["first_match_at"] == datetime(2026, 11, 24, 12, 0, 5, tzinfo=UTC)
    assert facts["last_match_at"] == datetime(2026, 11, 24, 12, 59, 5, tzinfo=UTC)
    counted = [sum(b.by_severity.get(s, 0) for b in facts["histogram"]) for s in (Severity.WARNING, Severity.ERROR)]
    assert counted == [1000, 2000]
    assert found.counts.matched == 2001
