"""Whole lines, exact offsets, and a bound on the length of a line."""

from corpora import chunks, lines_of
from hypothesis import given, settings
from hypothesis import strategies as st

from logscan_engine.blocks import LineBlocks

LIMIT = 16


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("ab\n", max_size=60).map(str.encode), max_size=10), st.integers(1, 40))
def test_every_line_arrives_whole_or_cut_with_its_offset(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    blocks = LineBlocks(LIMIT)
    found = []
    for block in blocks.cut(chunks(data, size)):
        assert block.data.endswith(b"\n")
        offset = block.offset
        for line in block.data[:-1].split(b"\n"):
            found.append((offset, line))
            offset += len(line) + 1
    offset, whole = 0, []
    for line in lines_of(data):
        whole.append((offset, line[:LIMIT]))
        offset += len(line) + 1
    assert found == whole
    assert blocks.long_lines == sum(len(line) > LIMIT for line in lines_of(data))
    assert blocks.bytes == len(data)


def test_a_line_of_any_length_takes_bounded_memory() -> None:
    blocks = LineBlocks(1000)
    sizes = [len(block.data) for block in blocks.cut(b"x" * 1000 for _ in range(5000))]
    assert sizes == [1001]
    assert (blocks.long_lines, blocks.bytes) == (1, 5_000_000)


def test_several_inputs_follow_each_other() -> None:
    blocks = LineBlocks(1000)
    first = list(blocks.cut([b"a\nb"]))
    second = list(blocks.cut([b"c\n"], "second"))
    assert [block.data for block in (*first, *second)] == [b"a\nb\n", b"c\n"]
    assert (second[0].offset, second[0].place) == (0, "second")
