"""Archives read as they stream by, member by member: tar, and zip by its local headers (APPNOTE.TXT 4.3.7)."""

import struct
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO

from isal import igzip_lib

from logscan_scanner.decompress import DamagedInputError, expand

READ_BYTES = 512 * 1024
TAR_ERRORS = (tarfile.TarError, ValueError, OverflowError)
Member = tuple[str, Iterator[bytes]]

_LOCAL_HEADER = struct.Struct("<4sHHHHHIIIHH")
_LOCAL_MARK, _STORED, _DEFLATED = b"PK\x03\x04", 0, 8
_ENCRYPTED, _SIZES_FOLLOW = 0x1, 0x8
_ZIP64 = 0xFFFFFFFF


class Reader:
    """A stream of chunks, read by the byte."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        """Prepare."""
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        while len(self._rest) < size and (chunk := next(self._chunks, None)) is not None:
            self._rest += chunk
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def read_some(self) -> bytes:
        """Return whatever is at hand, nothing at the end."""
        data, self._rest = self._rest or next(self._chunks, b""), b""
        return data

    def give_back(self, data: bytes) -> None:
        """Make bytes the next to be read."""
        self._rest = data + self._rest


def tar_members(chunks: Iterator[bytes]) -> Iterator[Member]:
    """Yield the files of a tar archive; each must be read before the next is asked for.

    Raises:
        DamagedInputError: The archive ends early or is corrupt.
    """
    reader = Reader(chunks)
    try:
        with tarfile.open(fileobj=reader, mode="r|", bufsize=READ_BYTES) as archive:  # type: ignore[call-overload]
            for entry in archive:
                archive.members = []  # it would keep one for each file
                file = archive.extractfile(entry) if entry.isreg() else None
                if file is not None:
                    yield entry.name, _contents(file)
    except TAR_ERRORS as error:
        raise DamagedInputError(f"the tar archive is corrupt: {error}") from error


def _contents(file: IO[bytes]) -> Iterator[bytes]:
    try:
        while data := file.read(READ_BYTES):
            yield data
    except TAR_ERRORS as error:
        raise DamagedInputError(f"the tar archive is corrupt: {error}") from error


def zip_members(chunks: Iterator[bytes]) -> Iterator[Member]:
    """Yield the files of a zip archive; each must be read before the next is asked for.

    Raises:
        DamagedInputError: The archive ends early, is corrupt, encrypted or compressed in a way that is not known.
    """
    reader = Reader(chunks)
    while True:
        head = reader.read(_LOCAL_HEADER.size)
        if not head.startswith(_LOCAL_MARK):
            if not head.startswith(b"PK"):  # neither the central directory nor the end record
                raise DamagedInputError("the zip archive is corrupt: no header where one should be")
            return
        if len(head) < _LOCAL_HEADER.size:
            raise DamagedInputError("the zip archive ends within a header")
        _, _, flags, method, _, _, _, size, _, name_size, extra_size = _LOCAL_HEADER.unpack(head)
        name = reader.read(name_size).decode("utf-8", "replace")
        size = _whole_size(size, reader.read(extra_size))
        content = _content(reader, name, flags, method, size)
        if not name.endswith("/"):
            yield name, content
        for _ in content:  # what was not read
            pass
        if flags & _SIZES_FOLLOW:
            _skip_descriptor(reader)


def _whole_size(size: int, extra: bytes) -> int:
    """Return a member's compressed size, from the zip64 field (4.5.3) where the header has no room for it."""
    while size == _ZIP64 and len(extra) >= 4:
        tag, length = struct.unpack("<HH", extra[:4])
        if tag == 1 and length >= 16:
            return int(struct.unpack("<Q", extra[12:20])[0])
        extra = extra[4 + length :]
    return size


def _content(reader: Reader, name: str, flags: int, method: int, size: int) -> Iterator[bytes]:
    if flags & _ENCRYPTED:
        raise DamagedInputError(f"{name} in the zip archive is encrypted")
    if method == _DEFLATED:
        return _inflated(reader, name)
    if method != _STORED or flags & _SIZES_FOLLOW:
        raise DamagedInputError(f"{name} in the zip archive is stored in a way (method {method}) that cannot be read")
    return _stored(reader, name, size)


def _stored(reader: Reader, name: str, size: int) -> Iterator[bytes]:
    while size:
        data = reader.read(min(size, READ_BYTES))
        if not data:
            raise DamagedInputError(f"the zip archive ends within {name}")
        size -= len(data)
        yield data


def _inflated(reader: Reader, name: str) -> Iterator[bytes]:
    member = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE, hist_bits=zlib.MAX_WBITS)
    while not member.eof:
        data = reader.read_some()
        if not data:
            raise DamagedInputError(f"the zip archive ends within {name}")
        yield from expand("zip", member, data)
    reader.give_back(member.unused_data)


def _skip_descriptor(reader: Reader) -> None:
    """Pass over a data descriptor (4.3.9): with a mark or without, with sizes of four bytes or of eight."""
    data = reader.read(24)
    for length in (16, 12, 24, 20):
        if (length in (16, 24)) == data.startswith(b"PK\x07\x08") and data[length : length + 2] in (b"PK", b""):
            reader.give_back(data[length:])
            return
    reader.give_back(data)
