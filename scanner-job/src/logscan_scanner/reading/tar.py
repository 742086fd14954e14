"""Tar archives read as they stream by: ustar, GNU and pax (POSIX.1-2008, pax; GNU tar manual, "Basic Tar Format").

Python's tarfile reads an extended header whole, however large it says it is, follows a chain of them by recursion, and
before its fix for CVE-2024-6232 searches it in quadratic time. Here each is bounded, and read in linear time.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from logscan_scanner.reading import tarfields
from logscan_scanner.reading.decompress import DamagedInputError, exactly, gathered
from logscan_scanner.reading.names import shown_name
from logscan_scanner.reading.sparse import Sparse, map_in_data, map_in_header, map_in_records
from logscan_scanner.reading.stream import Stream
from logscan_scanner.reading.tarfields import BLOCK, EXTENDED_BYTES, Records, decimal, number, records, text

LONG_NAME, LONG_LINK, GNU_SPARSE = b"L", b"K", b"S"
PAX, PAX_OF_SOLARIS, PAX_FOR_ALL = b"x", b"X", b"g"
EXTENDED = (LONG_NAME, LONG_LINK, PAX, PAX_OF_SOLARIS, PAX_FOR_ALL)
REGULAR = (b"0", b"\0", b"7", GNU_SPARSE)
WITHOUT_CONTENT = (b"1", b"2", b"3", b"4", b"5", b"6")  # links, devices, folders: their size says nothing


@dataclass(frozen=True)
class _Entry:
    """A member's header, with what extended headers before it say.

    Attributes:
        name: Its name.
        kind: What it is.
        size: How many bytes of content are stored.
        block: The header itself.
        pax: The values of an extended header, by keyword, in their order.
    """

    name: bytes
    kind: bytes
    size: int
    block: bytes
    pax: Records = field(default_factory=dict)


def tar_members(chunks: Iterator[bytes]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield name and content of the files of a tar archive; each must be read before the next is asked for.

    Raises:
        DamagedInputError: The archive ends early or is corrupt.
    """
    stream = Stream(chunks)
    while (entry := _next_entry(stream)) is not None:
        name = shown_name(entry.name)
        content = _content(stream, entry, name)
        if entry.kind in REGULAR and not entry.name.endswith(b"/"):
            yield name, content
        deque(content, maxlen=0)  # what was not read


def _next_entry(stream: Stream) -> _Entry | None:
    """Return the next member, or None at the archive's end."""
    long_name = b""
    pax: Records = {}
    while block := stream.read(BLOCK):
        if len(block) < BLOCK:
            raise DamagedInputError("the tar archive ends within a header")
        if not any(block):
            stream.skip_zeros()
            if stream.peek(BLOCK)[257:262] not in (b"", b"ustar"):
                raise DamagedInputError("the tar archive is followed by bytes that do not belong to it")
            continue
        _check(block)
        kind, size = block[156:157], number(block[124:136])
        if kind not in EXTENDED:
            return _entry(block, pax, long_name)
        data = _extended(stream, size)
        if kind == LONG_NAME:
            long_name = text(data)
        elif kind in (PAX, PAX_OF_SOLARIS):
            pax = records(data)
    if long_name or pax:
        raise DamagedInputError("the tar archive ends behind an extended header")
    return None


def _entry(block: bytes, pax: Records, long_name: bytes) -> _Entry:
    """Return the member of a header: its pax header wins over GNU's long name, and that over the short one."""
    names = [*pax.get(tarfields.SPARSE_NAME, []), *pax.get(tarfields.PATH, []), long_name, _short_name(block)]
    kind, sizes = block[156:157], pax.get(tarfields.SIZE)
    size = decimal(sizes[-1]) if sizes else number(block[124:136])
    return _Entry(next(filter(None, names), b""), kind, 0 if kind in WITHOUT_CONTENT else size, block, pax)


def _extended(stream: Stream, size: int) -> bytes:
    if size > EXTENDED_BYTES:
        raise DamagedInputError(f"the tar archive has an extended header of {size} bytes; {EXTENDED_BYTES} are allowed")
    data = stream.read(size)
    if len(data) < size or not stream.skip(-size % BLOCK):
        raise DamagedInputError("the tar archive ends within an extended header")
    return data


def _check(block: bytes) -> None:
    """Compare a header with its checksum: of unsigned bytes, or of signed ones as some old programs have it."""
    stated = number(block[148:156])
    found = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    if stated not in (found, found - 256 * sum(byte > 127 for byte in block[:148] + block[156:])):
        raise DamagedInputError("the tar archive is corrupt: a header does not match its checksum")


def _short_name(block: bytes) -> bytes:
    name, prefix = text(block[:100]), text(block[345:500])
    posix = block[257:263] == b"ustar\0"  # GNU tar keeps times where POSIX has the prefix
    return prefix + b"/" + name if posix and prefix else name


def _content(stream: Stream, entry: _Entry, name: str) -> Iterator[bytes]:
    sparse, stored = _sparse(stream, entry)
    padding, too_short = -entry.size % BLOCK, f"the tar archive ends within {name}"
    if sparse is None:
        yield from exactly(stream, stored, too_short)
    else:
        yield from gathered(sparse.filled(lambda size: exactly(stream, size, too_short), stored))
        stream.skip(stored - sparse.stored)
    stream.skip(padding)


def _sparse(stream: Stream, entry: _Entry) -> tuple[Sparse | None, int]:
    """Return where the holes of a member are, if it has any, and how many bytes are stored after that was read."""
    if entry.kind == GNU_SPARSE:
        return map_in_header(stream, entry.block), entry.size
    if entry.kind not in REGULAR:
        return None, entry.size
    if (entry.pax.get(tarfields.SPARSE_MAJOR), entry.pax.get(tarfields.SPARSE_MINOR)) == ([b"1"], [b"0"]):
        sparse, used = map_in_data(stream, entry.pax)
        return sparse, max(entry.size - used, 0)
    return map_in_records(entry.pax), entry.size
