"""Damage ends the member that has it: what follows in an archive is read, and what was not is named."""

import gzip
import io
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from corpora import chunks
from formats import COMPRESS, WHOLE, deflate64, tarred
from hostile import zip_entry

from logscan_scanner.reading.decompress import DamagedInputError
from logscan_scanner.reading.inputs import open_inputs

LOG = b"".join(b"2026-11-24 10:00:00 line %d\n" % n for n in range(500))
METHODS = {"stored": 0, "deflated": 8, "bzip2": 12, "lzma": 14}


def read(data: bytes, size: int = 1000) -> tuple[dict[str | None, bytes], dict[str | None, str]]:
    """Return the content of each log by member, as far as it was read, and the damage of each."""
    found, damage = dict[str | None, bytes](), dict[str | None, str]()
    for log in open_inputs(chunks(data, size)):
        parts = found.setdefault(log.member, b"")
        try:
            for chunk in log.chunks:
                parts += chunk
        except DamagedInputError as error:
            damage[log.member] = str(error)
        found[log.member] = parts
    return found, damage


def zipped(members: dict[str, bytes], method: int = 8) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("kind", WHOLE)
def test_a_half_written_log_in_a_tar_archive_ends_only_itself(kind: str) -> None:
    """The usual state of a support bundle: the newest file was being written."""
    half = COMPRESS[kind](LOG * 6)[:-30]
    found, damage = read(gzip.compress(tarred({"a.log": LOG, "b": half, "c.log": LOG})))
    assert (found["a.log"], found["c.log"]) == (LOG, LOG)
    assert list(damage) == ["b"]
    assert (LOG * 6).startswith(found["b"])


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_of_a_zip_archive_is_read(method: int) -> None:
    assert read(zipped({"a": LOG, "b": b""}, method), 7) == ({"a": LOG, "b": b""}, {})


def test_the_methods_that_only_other_programs_write_are_read() -> None:
    """Members by Deflate64, zstd and xz have a central directory and headers like any other."""
    for method, compress in ((9, deflate64), (93, COMPRESS["zstd"]), (95, COMPRESS["xz"])):
        data = bytearray(zipped({"a": compress(LOG), "b": LOG}, 0))
        data[8:10] = method.to_bytes(2, "little")
        data[14:18] = zlib.crc32(LOG).to_bytes(4, "little")
        assert read(bytes(data)) == ({"a": LOG, "b": LOG}, {})


@pytest.mark.parametrize("seekable", [True, False])
@pytest.mark.parametrize("method", [0, 8])
def test_a_member_is_compared_with_its_checksum(method: int, seekable: bool) -> None:
    target = io.BytesIO() if seekable else Unseekable()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name in ("a", "b"):
            archive.writestr(name, LOG)
    data = bytearray(target.getvalue() if isinstance(target, io.BytesIO) else target.written)
    checksum = zlib.crc32(LOG).to_bytes(4, "little")
    at = data.index(checksum)
    data[at] ^= 1
    found, damage = read(bytes(data))
    assert found == {"a": LOG, "b": LOG}
    assert damage == {"a": "a in the zip archive does not match its checksum"}


def test_archives_that_follow_each_other_are_read() -> None:
    for one, two in ((zipped({"a": LOG}), zipped({"b": LOG})), (tarred({"a": LOG}), tarred({"b": LOG}))):
        assert read(one + two) == ({"a": LOG, "b": LOG}, {})
        assert read(one + b"\0" * 2048 + two) == ({"a": LOG, "b": LOG}, {})
    assert read(zipped({}) * 5000) == ({}, {})


@pytest.mark.parametrize("behind", [b"a signature of it", b"2026-11-24 10:00:00 ERROR later\n" * 50])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_what_follows_an_archive_and_is_none_is_reported(pack: Callable[..., bytes], behind: bytes) -> None:
    found, damage = read(pack({"a": LOG}) + behind)
    assert found["a"] == LOG
    assert list(damage) == [None]


def test_an_archive_that_ends_within_its_directory_says_so() -> None:
    _, damage = read(zipped({"a": LOG})[:-30])
    assert damage == {None: "the zip archive ends within its directory"}


@pytest.mark.parametrize("method", [8, 12, 14])
def test_a_corrupt_member_of_a_zip_archive_ends_only_itself(method: int) -> None:
    data = bytearray(zipped({"a": LOG, "b": LOG, "c": LOG}, method))
    start = data.index(b"PK\x03\x04", 4) + 31
    data[start + 9 : start + 60] = b"\xff" * 51
    found, damage = read(bytes(data))
    assert (found["a"], found["c"], list(damage)) == (LOG, LOG, ["b"])


def test_a_method_that_is_not_known_leaves_the_others() -> None:
    data = bytearray(zipped({"a": LOG, "b": LOG}))
    data[8:10] = (10).to_bytes(2, "little")  # of PKWARE's library
    found, damage = read(bytes(data))
    assert (found["b"], damage) == (
        LOG,
        {"a": "a in the zip archive is compressed in a way (method 10) that cannot be read"},
    )


@pytest.fixture(scope="module")
def info_zip() -> str:
    program = next((path for path in ("/usr/bin/zip", "/bin/zip") if Path(path).exists()), None)
    if program is None:
        pytest.skip("zip is not installed (Debian: apt-get install zip)")
    return program


def test_what_zip_streams_is_read_with_its_empty_files(info_zip: str, tmp_path: Path) -> None:
    files = {"a.log": LOG, "empty.log": b"", "z.log": b"last\n"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    command = [info_zip, "-q", "-", *files]
    streamed = subprocess.run(
        command, cwd=tmp_path, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    ).stdout
    assert read(streamed) == (files, {})


class Unseekable(io.RawIOBase):
    """Takes what a program writes that cannot go back."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object) -> int:
        """Take some bytes."""
        taken = bytes(data)  # type: ignore[call-overload]
        self.written += taken
        return len(taken)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_what_follows_its_sizes_is_read(method: int) -> None:
    target = Unseekable()
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.writestr("a", LOG)
        archive.writestr("marks", b"PK\x07\x08 and PK\x07\x08\n" * 3)
        archive.writestr("b", b"")
        archive.writestr("c", LOG)
    assert read(bytes(target.written), 11) == (
        {"a": LOG, "marks": b"PK\x07\x08 and PK\x07\x08\n" * 3, "b": b"", "c": LOG},
        {},
    )


@pytest.mark.parametrize("method", [0, 8])
@pytest.mark.parametrize("inner_method", [0, 8])
def test_an_archive_within_a_streamed_archive_ends_nothing(method: int, inner_method: int) -> None:
    """The marks of its own headers and descriptors are content of the outer one."""
    inner, target = Unseekable(), Unseekable()
    with zipfile.ZipFile(inner, "w", inner_method) as archive:
        archive.writestr("x.log", LOG)
        archive.writestr("y.log", b"y\n")
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.writestr("a.log", LOG)
        archive.writestr("inner.jar", bytes(inner.written))
        archive.writestr("b.log", LOG)
    expected = {"a.log": LOG, "inner.jar!x.log": LOG, "inner.jar!y.log": b"y\n", "b.log": LOG}
    assert read(bytes(target.written), 13) == (expected, {})
    assert read(bytes(target.written), 1 << 20) == (expected, {})


@pytest.mark.parametrize("size", [1, 13, 1 << 20])
def test_streamed_members_by_deflate64_are_read_to_the_byte(size: int) -> None:
    """Their ends lie at all bits of a byte."""
    contents = {f"{number}.log": LOG[number:] * (number % 4) + LOG[:number] for number in range(48)}
    data = b""
    for name, content in contents.items():
        stored = deflate64(content)
        facts = struct.pack("<III", zlib.crc32(content), len(stored), len(content))
        data += zip_entry(name.encode(), 9, stored, flags=8) + b"PK\x07\x08" + facts
    assert read(data + b"PK\x05\x06" + bytes(18), size) == (contents, {})


@pytest.mark.parametrize("method", [1, 10])
def test_a_streamed_member_that_cannot_be_read_leaves_the_others(method: int) -> None:
    target = Unseekable()
    with zipfile.ZipFile(target, "w", 8) as archive:
        for name in ("a", "b", "c"):
            archive.writestr(name, LOG)
    data = bytearray(target.written)
    data[data.index(b"PK\x03\x04", 4) + 8] = method
    found, damage = read(bytes(data))
    assert (found["a"], found["c"], list(damage)) == (LOG, LOG, ["b"])
