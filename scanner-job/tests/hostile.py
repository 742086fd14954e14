"""Objects that mean harm, and any bytes at all."""

import gzip
import io
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator
from itertools import chain, repeat

from formats import COMPRESS, STORED, tarred, zipped
from hypothesis import strategies as st

MIB = 1 << 20
LINE = b"ERROR panic: it broke password=hunter2\n"
ESCAPES = "\x1b[2J\x1b]0;owned\x07\r\nERROR fake\x9b31m\u202e.log"


def named_tar(name: bytes, content: bytes = LINE, form: int = tarfile.GNU_FORMAT) -> bytes:
    """Return a tar archive whose only file has a name of any bytes."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as archive:
        entry = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def tar_header(kind: bytes, size: int) -> bytes:
    """Return a header alone, whatever it announces."""
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = kind, size
    return entry.tobuf(tarfile.GNU_FORMAT)


def sparse(parts: list[tuple[int, int]], size: int, more: int) -> bytes:
    """Return a header of GNU's old format for a file with holes, and so many blocks that say that another follows."""
    block = bytearray(tar_header(b"S", 0))
    for number, (offset, length) in enumerate(parts):
        block[386 + 24 * number : 410 + 24 * number] = b"%011o\0%011o\0" % (offset, length)
    block[482], block[483:495] = bool(more), b"%011o\0" % size
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 256)
    return bytes(block) + (bytes(504) + b"\1" + bytes(7)) * more


def zip_entry(name: bytes, method: int, stored: bytes, flags: int = 0, extra: bytes = b"") -> bytes:
    """Return a local header with its content, as it is said to be stored; with an extra field, its size is there."""
    size = 0xFFFFFFFF if extra else len(stored)
    sizes = (0, size, size, len(name), len(extra))
    return struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, flags, method, 0, 0, *sizes) + name + extra + stored


def deflated(data: bytes, wbits: int) -> bytes:
    made = zlib.compressobj(9, wbits=wbits)
    return made.compress(data) + made.flush()


def packed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces as one gzip member."""
    made = zlib.compressobj(1, wbits=31)
    yield from filter(None, map(made.compress, pieces))
    yield made.flush()


def lines(start: bytes) -> Iterator[bytes]:
    """Yield 20,000 lines of 4 KB that each match, made of one beginning again and again."""
    line = (b"ERROR " + start * (4090 // len(start)))[:4095] + b"\n"
    return packed(repeat(line * 100, 200))


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


# What each is, in pieces, since some are larger than what a test should hold.
CORPUS: dict[str, Callable[[], Iterator[bytes]]] = {
    "latin1.tar": lambda: iter([named_tar(b"gr\xfc\xdfe.log")]),
    "surrogate.tar": lambda: iter([named_tar(b"\xed\xa0\x80.log", form=tarfile.PAX_FORMAT)]),
    "longname.tar": lambda: iter([named_tar(b"d/" * 125_000 + b"x.log", LINE * 5)]),
    "escapes.tar": lambda: iter([named_tar(ESCAPES.encode())]),
    "encrypted.zip": lambda: iter([zip_entry(ESCAPES.encode() + b"A" * 400, 8, b"x" * 10, flags=1)]),
    "unknown.zip": lambda: iter([zip_entry(b"\xff\xfe" * 30_000, 99, b"x" * 10)]),
    "pax.tar.gz": lambda: packed(chain([tar_header(b"x", 600 * MIB)], repeat(b"A" * MIB, 600), [LINE])),
    "longlink.tar.gz": lambda: packed(chain([tar_header(b"L", 600 * MIB)], repeat(b"A" * MIB, 600), [LINE])),
    "digits.tar": lambda: repeat(tar_header(b"x", MIB) + b"1" * MIB, 8),
    "records.tar": lambda: repeat(tar_header(b"x", 5 * 200_000) + padded(b"5 a=\n" * 200_000), 8),
    "globals.tar": lambda: chain(repeat(tar_header(b"g", 4096) + b"5 a=\n" * 819 + b"\0", 4000), [tar_header(b"0", 0)]),
    "holes.tar.gz": lambda: packed(
        chain([sparse([(0, 1)], 1, 1)], repeat((bytes(504) + b"\1" + bytes(7)) * 2048, 600))
    ),
    "tiny-members.gz": lambda: repeat(deflated(b"", 31) * 50_000, 40),
    "tiny-members.bz2": lambda: repeat(COMPRESS["bzip2"](b"") * 50_000, 20),
    "tiny-members.xz": lambda: repeat(COMPRESS["xz"](b"") * 50_000, 10),
    "tiny-members.zst": lambda: repeat(COMPRESS["zstd"](b"") * 50_000, 20),
    "tiny-members.zip": lambda: repeat(zip_entry(b"a", 8, deflated(b"", -15)) * 20_000, 40),
    "extra-fields.zip": lambda: repeat(zip_entry(b"a", 8, deflated(b"", -15), extra=b"\2\0\0\0" * 16_000) * 16, 16),
    "short-zip64.zip": lambda: iter([zip_entry(b"a", 0, b"", extra=b"\1\0\x10\0")]),
    "tiny-members.tar": lambda: repeat(tar_header(b"0", 0) * 2000, 40),
    "zeros.gz": lambda: chain([gzip.compress(LINE)], repeat(bytes(MIB), 200), [gzip.compress(LINE)]),
    "bomb.gz": lambda: packed(repeat(bytes(MIB), 1024)),
    "bomb-of-lines.gz": lambda: packed(repeat(b"\n" * MIB, 300)),
    "nested.gz": lambda: iter([gzip.compress(gzip.compress(gzip.compress(gzip.compress(LINE))))]),
    "jwt.log.gz": lambda: lines(b"eyJ-"),
    "keys.log.gz": lambda: lines(b"-----BEGIN "),
    "passwords.log.gz": lambda: lines(b"passwordsecret"),
    "addresses.log.gz": lambda: lines(b"a.a@a."),
    "cards.log.gz": lambda: lines(b"1 "),
}


def _mutated(data: bytes, changes: list[tuple[int, int]], end: int) -> bytes:
    made = bytearray(data)
    for at, value in changes:
        if made:
            made[at % len(made)] = value
    return bytes(made[: len(made) - end % (len(made) + 1)] if end else made)


_NAMES = st.binary(min_size=1, max_size=300).filter(lambda name: b"\0" not in name)
_CONTENT = st.binary(max_size=300) | st.just(LINE * 3)
_ARCHIVES = st.one_of(
    st.builds(named_tar, _NAMES, _CONTENT, st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])),
    st.builds(
        zip_entry,
        _NAMES,
        st.sampled_from([0, 8, 99]),
        _CONTENT,
        st.sampled_from([0, 1, 8, 9]),
        st.binary(max_size=40) | st.binary(max_size=20).map(lambda data: b"\1\0\x10\0" + data),
    ),
    st.builds(
        lambda kind, size, rest: tar_header(kind, size) + rest,
        st.sampled_from([b"x", b"g", b"L", b"S", b"0"]),
        st.integers(0, 1 << 33),
        _CONTENT,
    ),
    st.builds(lambda name, content: STORED[name](content), st.sampled_from(sorted(STORED)), _CONTENT),
    st.builds(lambda content: tarred({"a": content}), _CONTENT),
    st.builds(lambda content: zipped({"a": content}, seekable=False), _CONTENT),
)
_CHANGES = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=4)
_DAMAGED = st.builds(_mutated, _ARCHIVES, _CHANGES, st.just(0) | st.integers(0, 1 << 20))
# Anything: bytes, archives whole and damaged, one behind the other, and compressed.
ANY_OBJECT = st.one_of(
    st.binary(max_size=2000),
    _DAMAGED,
    st.lists(_DAMAGED, max_size=4).map(b"".join),
    st.builds(lambda kind, data: COMPRESS[kind](data), st.sampled_from(sorted(COMPRESS)), _DAMAGED),
)
