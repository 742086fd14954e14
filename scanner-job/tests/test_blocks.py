"""Whole lines, exact offsets, and a bound on the length of a line, however the input is cut."""

from corpora import REFERENCE, chunks, count
from hypothesis import given, settings
from hypothesis import strategies as st

from logscan_api.rules import Rule
from logscan_engine import Scan
from logscan_scanner.scanning.rules import compile_for_scan

LIMIT = 16
ANY = Rule(name="any", pattern="^")


@settings(max_examples=200)
@given(st.lists(st.text("ab\n\r", max_size=60).map(str.encode), max_size=10), st.integers(1, 40), st.integers(1, 3))
def test_every_line_arrives_whole_or_cut_with_its_place(pieces: list[bytes], size: int, threads: int) -> None:
    data = b"".join(pieces)
    found = count([ANY], chunks(data, size), LIMIT, threads, samples=1000)
    offset, whole, cut_records = 0, [], 0
    for number, line in enumerate(data.splitlines(keepends=True) if b"\r" not in data else split(data), 1):
        text = line.removesuffix(b"\n")
        cut_records += len(text) > LIMIT
        whole.append((number, offset, text.removesuffix(b"\r")[:LIMIT] if line.endswith(b"\r\n") else text[:LIMIT]))
        offset += len(line)
    assert [(line.number, line.offset, line.text) for line in found.lines] == whole
    assert (found.scan.cut_records, found.scan.bytes) == (cut_records, len(data))


def split(data: bytes) -> list[bytes]:
    """Return lines with their newlines; a carriage return alone ends none."""
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def test_a_line_of_any_length_is_one_line() -> None:
    found = count([ANY], (b"x" * 1000 for _ in range(5000)), 1000, samples=1)
    assert [line.text for line in found.lines] == [b"x" * 1000]
    assert (found.counts.lines, found.scan.cut_records, found.scan.bytes) == (1, 1, 5_000_000)


def test_several_inputs_follow_each_other() -> None:
    scan = Scan(
        compile_for_scan([ANY]),
        threads=2,
        reference=REFERENCE,
        max_record_bytes=1000,
        samples=10,
        findings=0,
        before=0,
        after=0,
        line_bytes=100,
    )
    for place, text in ((None, b"a\nb"), ("second", b"c\n")):
        scan.begin(place)
        scan.push(text)
    scan.finish()
    found = [(line.key, line.number, line.offset, line.text) for line in scan.take_lines()]
    assert found == [(None, 1, 0, b"a"), (None, 2, 2, b"b"), ("second", 1, 0, b"c")]
