"""Tar archives: what tarfile and GNU tar write is read as they would, and no header takes memory or time of its own."""

import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from corpora import chunks
from hostile import sparse, tar_header
from hypothesis import given
from hypothesis import strategies as st

from logscan_scanner.reading.decompress import DamagedInputError
from logscan_scanner.reading.tar import tar_members

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
MIB = 1 << 20


def read(data: bytes, size: int = 1000) -> dict[str, bytes]:
    """Return the files of an archive that arrives in chunks of a size."""
    return {name: b"".join(content) for name, content in tar_members(chunks(data, size))}


def archive(members: list[tuple[bytes, bytes]], kind: int) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind, encoding="utf-8", errors="surrogateescape") as made:
        for name, content in members:
            entry = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return file.getvalue()


NAME = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=60)


@given(
    st.lists(st.tuples(NAME, st.binary(max_size=2000)), max_size=5, unique_by=lambda member: member[0]),
    st.sampled_from(FORMATS),
    st.integers(1, 3000),
)
def test_what_tarfile_writes_is_read(members: list[tuple[str, bytes]], kind: int, size: int) -> None:
    short = [(name[:20] if kind == tarfile.USTAR_FORMAT else name, content) for name, content in members]
    wanted = dict(short)
    data = archive([(name.encode(), content) for name, content in wanted.items()], kind)
    assert read(data, size) == wanted


@pytest.mark.parametrize("kind", FORMATS)
def test_a_name_in_another_encoding_is_shown_and_its_file_read(kind: int) -> None:
    data = archive([(b"gr\xfc\xdfe.log", b"ERROR\n"), (b"next", b"ok\n")], kind)
    assert read(data) == {"gr\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}e.log": b"ERROR\n", "next": b"ok\n"}


@pytest.mark.parametrize("kind", FORMATS[1:])
def test_a_long_name_is_cut_and_its_file_read(kind: int) -> None:
    ((name, content),) = read(archive([(b"d/" * 125_000 + b"x.log", b"ERROR\n")], kind)).items()
    assert (len(name.encode()), content) == (255, b"ERROR\n")


def test_a_name_that_drives_terminals_is_made_printable() -> None:
    (name,) = read(archive([(b"\x1b[2J\x07\r\nFAKE\xc2\x9b\xe2\x80\xae.log", b"x")], tarfile.GNU_FORMAT))
    assert name.isprintable()
    assert "FAKE" in name


@pytest.mark.parametrize("options", [[], ["--sparse-version=0.0"], ["--sparse-version=0.1"], ["--sparse-version=1.0"]])
@pytest.mark.parametrize("form", ["gnu", "oldgnu", "posix"])
def test_files_with_holes_are_what_they_are(tmp_path: Path, form: str, options: list[str]) -> None:
    if shutil.which("tar") is None:
        pytest.skip("there is no GNU tar")
    with (tmp_path / "holes.log").open("wb") as file:
        for number in range(40):
            file.seek(number * 65_536)
            file.write(b"line %d\n" % number)
        file.truncate(3 * MIB)
    (tmp_path / "whole.log").write_bytes(b"x\n" * 3000)
    names = [path.name for path in tmp_path.iterdir()]
    command = ["tar", "--create", "--sparse", f"--format={form}", *options, "--file=-", *names]
    data = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    assert len(data) < MIB
    assert read(data) == {name: (tmp_path / name).read_bytes() for name in names}


@pytest.mark.parametrize("kind", [b"x", b"X", b"g", b"L", b"K"])
def test_a_large_extended_header_is_damage(kind: bytes) -> None:
    with pytest.raises(DamagedInputError, match="extended header of 1048577 bytes"):
        read(tar_header(kind, MIB + 1) + bytes(2 * MIB))


def ones() -> Iterator[bytes]:
    """Yield ones for ever."""
    while True:
        yield b"1\n" * 50_000


@pytest.mark.parametrize(
    "start",
    [
        sparse([(0, 1)], 1, 1) + (bytes(504) + b"\1" + bytes(7)) * 2048,
        tar_header(b"x", 512)
        + b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n".ljust(512, b"\0")
        + tar_header(b"0", 1 << 40),
    ],
    ids=["old", "1.0"],
)
def test_a_map_of_holes_without_an_end_is_damage(start: bytes) -> None:
    def data() -> Iterator[bytes]:
        yield start
        yield b"9" * 15 + b"\n"
        yield from ones()

    found = (next(content) for _, content in tar_members(data()))
    with pytest.raises(DamagedInputError, match="has no end within 1048576 bytes"):
        next(found)


@pytest.mark.parametrize("parts", [[(10, 5), (0, 5)], [(0, 5), (4, 5)], [(0, 1 << 30)], [(90, 20)]])
def test_a_map_of_holes_that_cannot_be_is_damage(parts: list[tuple[int, int]]) -> None:
    with pytest.raises(DamagedInputError, match="the map of a file with holes"):
        read(sparse(parts, 100, 0) + bytes(1024))


@pytest.mark.parametrize("record", [b"1" * MIB, b"30 path=short\n", b"9999 path=x\n", b"0 path=x\n", b"5 a\n", b"x"])
def test_a_pax_record_without_an_end_is_damage(record: bytes) -> None:
    padded = record + bytes(-len(record) % 512)
    with pytest.raises(DamagedInputError, match="extended header"):
        read(tar_header(b"x", len(record)) + padded + tar_header(b"0", 0))


def test_a_long_chain_of_extended_headers_is_read() -> None:
    chain = (tar_header(b"L", 6) + b"named\0".ljust(512, b"\0")) * 5000
    assert read(chain + tar_header(b"0", 2) + b"x\n".ljust(512, b"\0")) == {"named": b"x\n"}


def test_a_header_that_is_none_ends_the_archive_as_damage() -> None:
    good = archive([(b"a", b"a\n")], tarfile.GNU_FORMAT)[:1024]
    with pytest.raises(DamagedInputError, match="is corrupt: a field of a header"):
        read(good + b"garbage".ljust(512, b"x"))
    with pytest.raises(DamagedInputError, match="behind an extended header"):
        read(tar_header(b"L", 6) + b"named\0".ljust(512, b"\0"))
    with pytest.raises(DamagedInputError, match="within a header"):
        read(good + good[:100])
    with pytest.raises(DamagedInputError, match=r"ends within a$"):
        read(good[:513])


@given(st.binary(max_size=2000), st.integers(0, 511), st.integers(0, 255))
def test_any_bytes_are_content_or_damage(tail: bytes, at: int, byte: int) -> None:
    block = bytearray(tar_header(b"0", 100))
    block[at] = byte
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 256)
    with suppress(DamagedInputError):
        assert all(name.isprintable() for name in read(bytes(block) + tail))
