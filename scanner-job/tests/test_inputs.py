"""The content decides about the format; damage is noticed after what could be read."""

import gzip
import lzma
import random
import tarfile
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

import pytest
from corpora import chunks
from formats import COMPRESS, tarred, zipped
from hypothesis import given, settings
from hypothesis import strategies as st

from logscan_scanner.reading.decompress import DamagedInputError
from logscan_scanner.reading.formats import detect
from logscan_scanner.reading.inputs import LAYERS, open_inputs
from logscan_scanner.reading.unsupported import UnsupportedInputError

TEXT = b"".join(b"line %d\n" % n for n in range(20000))


def read(pieces: Iterable[bytes]) -> list[tuple[str, str | None, bytes]]:
    """Return formats, member and content of each log."""
    found = open_inputs(iter(pieces))
    return [("+".join(log.formats), log.member, b"".join(log.chunks)) for log in found]


@pytest.mark.parametrize("size", [1, 3, 1000, 1 << 20])
@pytest.mark.parametrize("kind", ["plain", *COMPRESS])
def test_every_format_at_every_cut(kind: str, size: int) -> None:
    data = TEXT[:3000] if size < 1000 else TEXT
    stored = COMPRESS[kind](data) if kind in COMPRESS else data
    assert read(chunks(stored, size)) == [(kind, None, data)]


@pytest.mark.parametrize("size", [5, 1000])
@pytest.mark.parametrize("kind", COMPRESS)
def test_members_follow_each_other(kind: str, size: int) -> None:
    one, two = COMPRESS[kind](b"a\n"), COMPRESS[kind](b"b\n")
    assert read(chunks(one + two, size)) == [(kind, None, b"a\nb\n")]
    assert read(chunks(one + b"\0" * 512 + two, size)) == [(kind, None, b"a\nb\n")]
    assert read(chunks(one + b"\n" + two, size)) == [(kind, None, b"a\nb\n")]
    assert read(chunks(one + b"more\n" * 300, size)) == [(kind, None, b"a\n" + b"more\n" * 300)]
    assert read(chunks(one + b"more\n" * 300 + two, size)) == [(kind, None, b"a\n" + b"more\n" * 300 + b"b\n")]


@pytest.mark.parametrize("kind", COMPRESS)
def test_binary_content_behind_a_member_is_damage(kind: str) -> None:
    (log,) = open_inputs(iter([COMPRESS[kind](b"a\n") + b"\x01\x02 a signature"]))
    assert next(log.chunks) == b"a\n"
    with pytest.raises(DamagedInputError, match="followed by bytes"):
        next(log.chunks)


@pytest.mark.parametrize("data", [b"", b"a", b"\x1f\x8b", b"\x1f", b"(\xb5", b"BZh9 is no archive", b"PK"])
def test_what_only_looks_like_a_format_is_plain(data: bytes) -> None:
    assert read([data]) == [("plain", None, data)]


def test_a_skippable_frame_is_zstd() -> None:
    assert detect(b"\x52\x2a\x4d\x18") == "zstd"


MEMBERS = {"a.log": TEXT, "folder/" + "long" * 40 + ".log": b"", "ünï.log": b"no newline"}


@pytest.mark.parametrize("size", [100, 1 << 20])
@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_the_files_of_a_tar_archive(kind: int, size: int) -> None:
    expected = [("tar", name, content) for name, content in MEMBERS.items()]
    assert read(chunks(tarred(MEMBERS, kind), size)) == expected


@pytest.mark.parametrize("size", [7, 1 << 20])
@pytest.mark.parametrize(("method", "seekable"), [(8, True), (8, False), (0, True)])
def test_the_files_of_a_zip_archive(method: int, seekable: bool, size: int) -> None:
    expected = [("zip", name, content) for name, content in MEMBERS.items()]
    assert read(chunks(zipped(MEMBERS, method, seekable), size)) == expected


def test_archives_are_compressed_and_hold_what_is() -> None:
    inner = {"a.gz": gzip.compress(b"a\n"), "b.zst": COMPRESS["zstd"](b"b\n"), "c": b"c\n"}
    expected = [("a.gz", b"a\n"), ("b.zst", b"b\n"), ("c", b"c\n")]
    assert [(name, text) for _, name, text in read([lzma.compress(tarred(inner))])] == expected
    assert read([zipped(inner)])[0] == ("zip+gzip", "a.gz", b"a\n")


def test_archives_in_archives_are_opened() -> None:
    inner = gzip.compress(tarred({"x.gz": gzip.compress(b"x\n"), "y": b"y\n"}))
    expected = [("inner.tgz!x.gz", b"x\n"), ("inner.tgz!y", b"y\n"), ("z", b"z\n")]
    assert [(name, text) for _, name, text in read([zipped({"inner.tgz": inner, "z": b"z\n"})])] == expected


def test_a_sixth_layer_stays_closed_and_says_so() -> None:
    packed = b"x\n"
    for _ in range(LAYERS):
        packed = gzip.compress(packed)
    assert read([packed])[0][2] == b"x\n"
    (log,) = open_inputs(iter([gzip.compress(packed)]))
    with pytest.raises(UnsupportedInputError, match="more than 5 times"):
        next(log.chunks)


def test_a_member_that_is_not_read_is_passed_over() -> None:
    for stored in (tarred(MEMBERS), zipped(MEMBERS), zipped(MEMBERS, 8, seekable=False)):
        assert [log.member for log in open_inputs(iter([stored]))] == list(MEMBERS)


@pytest.mark.parametrize("kind", COMPRESS)
def test_an_input_that_ends_early(kind: str) -> None:
    got = bytearray()
    (log,) = open_inputs(chunks(COMPRESS[kind](TEXT * 6)[:-30], 1000))
    with pytest.raises(DamagedInputError, match=f"{kind} input ends before"):
        deque(map(got.extend, log.chunks))
    assert got
    assert (TEXT * 6).startswith(bytes(got))


def test_an_encrypted_member_says_so_and_the_next_is_read() -> None:
    stored = bytearray(zipped({"a": b"a\n", "b": b"b\n"}))
    at = stored.index(b"PK\x03\x04", 4)  # the folder comes first
    stored[at + 6] |= 1
    first, second = open_inputs(iter([bytes(stored)]))
    with pytest.raises(DamagedInputError, match="a in the zip archive is encrypted"):
        next(first.chunks)
    assert b"".join(second.chunks) == b"b\n"


STORED = {
    **{kind: compress(TEXT) for kind, compress in COMPRESS.items()},
    "tar": tarred(MEMBERS),
    "zip": zipped(MEMBERS),
    "tar.gz": gzip.compress(tarred(MEMBERS)),
}


DAMAGE_CHUNK = 777


def content(data: bytes) -> bytes:
    """Return the content of all logs, up to the damage."""
    found = bytearray()
    for log in open_inputs(chunks(data, DAMAGE_CHUNK)):
        with suppress(DamagedInputError):
            deque(map(found.extend, log.chunks))
    return bytes(found)


@settings(max_examples=100)
@given(st.sampled_from(list(STORED)), st.integers(0, 10**6))
def test_damage_anywhere_loses_nothing_before_it(kind: str, seed: int) -> None:
    data, chance = bytearray(STORED[kind]), random.Random(seed)
    places = [chance.randrange(8, len(data)) for _ in range(3)]
    for place in places:
        data[place] ^= chance.randrange(1, 256)
    end = chance.randrange(len(data))
    intact = min(*places, end) // DAMAGE_CHUNK * DAMAGE_CHUNK
    assert content(bytes(data[:end])).startswith(content(STORED[kind][:intact]))
