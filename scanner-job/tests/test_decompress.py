"""The content decides about the format; damage is noticed after what could be read."""

import gzip
import random
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

import pytest
from corpora import chunks
from hypothesis import given, settings
from hypothesis import strategies as st

from logscan_scanner.decompress import DamagedInputError, decompress, detect

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b"".join(b"line %d\n" % n for n in range(20000))
FORMATS = {
    "plain": TEXT,
    "gzip": gzip.compress(TEXT),
    "zstd": zstd.compress(TEXT),
}


def read(pieces: Iterator[bytes]) -> bytes:
    return b"".join(decompress(pieces)[1])


@pytest.mark.parametrize("size", [1, 3, 1000, 1 << 20])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_at_every_cut(kind: str, size: int) -> None:
    found, content = decompress(chunks(FORMATS[kind], size))
    assert (found, b"".join(content)) == (kind, TEXT)


@pytest.mark.parametrize("size", [5, 1000])
def test_members_and_frames_follow_each_other(size: int) -> None:
    assert read(chunks(gzip.compress(b"a\n") + gzip.compress(b"b\n"), size)) == b"a\nb\n"
    assert read(chunks(gzip.compress(b"a\n") + b"\0" * 512 + gzip.compress(b"b\n"), size)) == b"a\nb\n"
    assert read(chunks(zstd.compress(b"a\n") + zstd.compress(b"b\n"), size)) == b"a\nb\n"


def test_what_follows_the_last_member_is_passed_over() -> None:
    assert read(chunks(gzip.compress(b"a\n") + b"garbage", 1000)) == b"a\n"
    assert read(chunks(zstd.compress(b"a\n") + b"garbage", 1000)) == b"a\n"


@pytest.mark.parametrize("data", [b"", b"a", b"\x1f\x8b", b"\x1f", b"(\xb5"])
def test_short_inputs_are_plain(data: bytes) -> None:
    assert read(iter([data])) == data


def test_a_skippable_frame_is_zstd() -> None:
    assert detect(b"\x52\x2a\x4d\x18") == "zstd"


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_an_input_that_ends_early(kind: str) -> None:
    content = decompress(chunks(FORMATS[kind][:-20], 1000))[1]
    got = bytearray()
    with pytest.raises(DamagedInputError, match=f"{kind} input ends before"):
        deque(map(got.extend, content))
    assert got
    assert TEXT.startswith(bytes(got))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["gzip", "zstd"]), st.integers(0, 10**6))
def test_damage_anywhere_ends_in_content_or_a_clear_error(kind: str, seed: int) -> None:
    data, chance = bytearray(FORMATS[kind]), random.Random(seed)
    for _ in range(3):
        data[chance.randrange(8, len(data))] = chance.randrange(256)
    with suppress(DamagedInputError):
        read(chunks(bytes(data), 777))
