"""The content decides about the format; damage is noticed after what could be read."""

import gzip
import lzma
import random
import shutil
import subprocess
import tarfile
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import brotli
import pytest
from corpora import chunks
from formats import COMPRESS, WHOLE, WITH_END, tarred, zipped
from hypothesis import given, settings
from hypothesis import strategies as st

from logscan_engine import Unpacker
from logscan_scanner.reading.decompress import DamagedInputError, UnsupportedInputError
from logscan_scanner.reading.formats import detect
from logscan_scanner.reading.inputs import LAYERS, open_inputs
from logscan_scanner.reading.zstandard import most_window_log, window_bytes

TEXT = b"".join(b"line %d\n" % n for n in range(20000))


def read(pieces: Iterable[bytes], name: str | None = None) -> list[tuple[str, str | None, bytes]]:
    """Return formats, member and content of each log."""
    found = open_inputs(iter(pieces), name)
    return [("+".join(log.formats), log.member, b"".join(log.chunks)) for log in found]


@pytest.mark.parametrize("size", [1, 3, 1000, 1 << 20])
@pytest.mark.parametrize("kind", ["plain", *COMPRESS])
def test_every_format_at_every_cut(kind: str, size: int) -> None:
    data = TEXT[:3000] if size < 1000 else TEXT
    stored = COMPRESS[kind](data) if kind in COMPRESS else data
    assert read(chunks(stored, size)) == [(kind, None, data)]


@pytest.mark.parametrize("size", [5, 1000])
@pytest.mark.parametrize("kind", WITH_END)
def test_members_follow_each_other(kind: str, size: int) -> None:
    one, two = COMPRESS[kind](b"a\n"), COMPRESS[kind](b"b\n")
    assert read(chunks(one + two, size)) == [(kind, None, b"a\nb\n")]
    assert read(chunks(one + b"\0" * 512 + two, size)) == [(kind, None, b"a\nb\n")]
    assert read(chunks(one + b"\n" + two, size)) == [(kind, None, b"a\nb\n")]
    assert read(chunks(one + b"more\n" * 300, size)) == [(kind, None, b"a\n" + b"more\n" * 300)]
    assert read(chunks(one + b"more\n" * 300 + two, size)) == [(kind, None, b"a\n" + b"more\n" * 300 + b"b\n")]


@pytest.mark.parametrize("kind", WITH_END)
def test_binary_content_behind_a_member_is_damage(kind: str) -> None:
    (log,) = open_inputs(iter([COMPRESS[kind](b"a\n") + b"\x01\x02 a signature"]))
    assert next(log.chunks) == b"a\n"
    with pytest.raises(DamagedInputError, match="followed by bytes"):
        next(log.chunks)


@pytest.mark.parametrize("data", [b"", b"a", b"\x1f\x8b", b"\x1f", b"(\xb5", b"BZh9 is no archive", b"PK"])
def test_what_only_looks_like_a_format_is_plain(data: bytes) -> None:
    assert read([data]) == [("plain", None, data)]


@pytest.mark.parametrize(
    "text", [b"x^2 + y^2 = z^2\n", b"x^", b"] [error]\n", b"\x1f\x9d\xff is none\n", b"\0\0\0\x01"]
)
def test_what_begins_like_a_format_with_a_short_mark_is_plain(text: bytes) -> None:
    assert detect(text) == detect(text * 100) == "plain"


@pytest.mark.parametrize("size", [7, 1 << 20])
def test_brotli_is_known_by_its_name(size: int) -> None:
    stored = brotli.compress(TEXT)
    assert read(chunks(stored, size), "a.log.br") == [("brotli", None, TEXT)]
    assert read([tarred({"a.br": stored, "b.br": TEXT})]) == [("tar+brotli", "a.br", TEXT), ("tar", "b.br", TEXT)]
    assert read([brotli.compress(b"x\n")], "x.br") == [("brotli", None, b"x\n")]
    assert read([TEXT], "text.br") == [("plain", None, TEXT)]


@pytest.mark.parametrize(("end", "why"), [(-9, "ends before"), (None, "is corrupt")])
def test_damaged_brotli_says_so(end: int | None, why: str) -> None:
    stored = brotli.compress(TEXT) + (b"" if end else b"something behind it")
    (log,) = open_inputs(chunks(stored[:end], 1000), "a.br")
    with pytest.raises(DamagedInputError, match=f"the brotli input {why}"):
        deque(log.chunks, maxlen=0)


@pytest.mark.parametrize("level", [28, 31])
def test_a_window_that_does_not_fit_is_named(level: int) -> None:
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([(level - 10) << 3])
    assert window_bytes(frame + b"x") == 1 << level
    assert most_window_log(256 << 20) == most_window_log(1 << 20) == 27
    assert most_window_log(1 << 30) == 29
    assert most_window_log(1 << 40) == 31


def test_a_frame_whose_window_is_its_content_names_it() -> None:
    assert window_bytes(COMPRESS["zstd"](TEXT)) == len(TEXT)
    assert window_bytes(COMPRESS["zstd"](b"x" * 300)) == 300
    assert window_bytes(b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little")) == 1 << 40


def test_a_frame_that_needs_more_than_there_is_is_not_unpacked() -> None:
    frame = b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little") + b"\x01\0\0"
    (log,) = open_inputs(iter([COMPRESS["zstd"](b"a\n") + frame]))
    assert next(log.chunks) == b"a\n"
    with pytest.raises(UnsupportedInputError, match="a window of 1099511627776 bytes"):
        next(log.chunks)


@settings(max_examples=300)
@given(
    st.sampled_from(["compress", "deflate64", "deflate64-exact", "snappy", "hadoop-snappy"]),
    st.binary(max_size=400),
    st.integers(1, 50),
)
def test_any_bytes_are_content_or_corrupt(name: str, data: bytes, size: int) -> None:
    start = {"compress": b"\x1f\x9d\x90", "snappy": b"\xff\x06\0\0sNaPpY"}.get(name, b"")
    unpacker = Unpacker(name)
    with suppress(ValueError):
        for piece in chunks(start + data, size):
            unpacker.decompress(piece)


def test_an_unknown_format_has_no_unpacker() -> None:
    with pytest.raises(ValueError, match="unknown format: rar"):
        Unpacker("rar")


PROGRAMS = {
    "lz4": ["lz4", "-c"],
    "lz4, linked blocks": ["lz4", "-c", "-B4", "-BD"],
    "lz4, legacy": ["lz4", "-c", "-l"],
    **{f"compress, {bits} bits": ["compress", "-c", "-b", str(bits)] for bits in range(10, 17)},
    "brotli": ["brotli", "-c"],
    "xz, lzma": ["xz", "-c", "--format=lzma"],
}
# So that `compress` fills its table and clears it.
MIXED = TEXT + random.Random(5).randbytes(200_000).hex().encode()


@pytest.mark.parametrize("command", PROGRAMS.values(), ids=PROGRAMS)
def test_what_the_programs_write_is_read(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    stored = subprocess.run(command, input=MIXED, check=True, capture_output=True).stdout
    ((_, _, found),) = read(chunks(stored, 1000), "a.br")
    same = found == MIXED  # a comparison by pytest would take minutes to explain
    assert same


def test_what_7z_packs_with_deflate64_is_read(tmp_path: Path) -> None:
    if shutil.which("7z") is None:
        pytest.skip("7z is not installed (Debian: p7zip-full)")
    (tmp_path / "a.log").write_bytes(MIXED)
    subprocess.run(
        ["7z", "a", "-tzip", "-mm=Deflate64", "x.zip", "a.log"], cwd=tmp_path, check=True, capture_output=True
    )
    assert read(chunks((tmp_path / "x.zip").read_bytes(), 1000)) == [("zip", "a.log", MIXED)]


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


@pytest.mark.parametrize("kind", WHOLE)
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
