"""The time that a line tells, and lines over time."""

from datetime import UTC, datetime

import pytest
from corpora import REFERENCE, count
from hypothesis import given
from hypothesis import strategies as st

from logscan_api.rules import Rule, Severity
from logscan_engine import second_of
from logscan_scanner.scanning import histogram

BUCKETS = 120


def time_of(line: bytes, reference: int = REFERENCE) -> datetime | None:
    found = second_of(line, reference)
    return None if found is None else datetime.fromtimestamp(found, UTC)


NOON = datetime(2026, 11, 24, 12, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        b"2026-11-24T12:00:05Z x",
        b"2026-11-24 12:00:05,123 x",
        b"2026-11-24T14:00:05.123456+02:00 x",
        b"2026-11-24 04:00:05.1 -0800 x",
        b"2026/11/24 12:00:05 [error] 1#1: x",
        b"[2026-11-24 12:00:05] x",
        b"2026-11-24T12:00:05.000000001Z stdout F x",
        b"<13>1 2026-11-24T12:00:05.003Z host app - - x",
        b"Nov 24 12:00:05 host app[1]: x",
        b"<34>Nov 24 12:00:05 host x",
        b"I1124 12:00:05.000001       1 x.go:7] x",
        b'1.2.3.4 - - [24/Nov/2026:12:00:05 +0000] "GET /"',
        b'1.2.3.4 - - [24/Nov/2026:13:00:05 +0100] "GET /"',
        b"1795521605 x",
        b"1795521605.123 x",
        b"1795521605123 x",
        b'{"level":"error","ts":1795521605.1,"msg":"x"}',
        b'{"msg":"1234567890 items","timestamp": 1795521605123}',
        b'{"msg":"x","@timestamp":"2026-11-24T12:00:05.000Z"}',
        b'{"pad":"' + b"x" * 500 + b'","eventTime":"2026-11-24T12:00:05Z"}',
        b"took 99 ms at 2026-11-24 12:00:05",
        b"2026-13-24T12:00:05 is none, 2026-11-24T12:00:05 is one",
    ],
)
def test_the_forms_that_are_known(line: bytes) -> None:
    assert time_of(line) == NOON


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
        b"x" * 200 + b" 2026-11-24T12:00:05Z",
        b"I1324 12:00:05.0 x",
        b"Nov 32 12:00:05 x",
        b'{"count":1795521605}',
    ],
)
def test_what_is_no_time(line: bytes) -> None:
    assert time_of(line) is None


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
