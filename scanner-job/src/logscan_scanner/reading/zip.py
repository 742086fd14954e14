"""Zip archives read as they stream by, by their local headers (APPNOTE.TXT 4.3.7)."""

import struct
import zlib
from collections import deque
from collections.abc import Iterator

from isal import igzip_lib

from logscan_scanner.reading.decompress import DamagedInputError, exactly, fed, gathered
from logscan_scanner.reading.names import shown_name
from logscan_scanner.reading.stream import Stream

_LOCAL_HEADER = struct.Struct("<4sHHHHHIIIHH")
_LOCAL_MARK, _STORED, _DEFLATED = b"PK\x03\x04", 0, 8
_ENCRYPTED, _SIZES_FOLLOW = 0x1, 0x8
_ZIP64 = 0xFFFFFFFF


def zip_members(chunks: Iterator[bytes]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the files of a zip archive; each must be read before the next is asked for.

    Raises:
        DamagedInputError: The archive ends early, is corrupt, encrypted or compressed in a way that is not known.
    """
    stream = Stream(chunks)
    while True:
        head = stream.read(_LOCAL_HEADER.size)
        if not head.startswith(_LOCAL_MARK):
            if not head.startswith(b"PK"):  # neither the central directory nor the end record
                raise DamagedInputError("the zip archive is corrupt: no header where one should be")
            return
        if len(head) < _LOCAL_HEADER.size:
            raise DamagedInputError("the zip archive ends within a header")
        _, _, flags, method, _, _, _, size, _, name_size, extra_size = _LOCAL_HEADER.unpack(head)
        raw = stream.read(name_size)
        name = shown_name(raw)
        size = _whole_size(size, stream.read(extra_size))
        content = _content(stream, name, flags, method, size)
        if not raw.endswith(b"/"):
            yield name, content
        deque(content, maxlen=0)  # what was not read
        if flags & _SIZES_FOLLOW:
            _skip_descriptor(stream)


def _whole_size(size: int, extra: bytes) -> int:
    """Return a member's compressed size, from the zip64 field (4.5.3) where the header has no room for it."""
    at = 0
    while size == _ZIP64 and len(extra) >= at + 4:
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1 and length >= 16 and len(extra) >= at + 20:
            return int(struct.unpack_from("<Q", extra, at + 12)[0])
        at += 4 + length
    return size


def _content(stream: Stream, name: str, flags: int, method: int, size: int) -> Iterator[bytes]:
    if flags & _ENCRYPTED:
        raise DamagedInputError(f"{name} in the zip archive is encrypted")
    if method == _DEFLATED:
        return _inflated(stream, name)
    if method != _STORED or flags & _SIZES_FOLLOW:
        raise DamagedInputError(f"{name} in the zip archive is stored in a way (method {method}) that cannot be read")
    return exactly(stream, size, f"the zip archive ends within {name}")


def _inflated(stream: Stream, name: str) -> Iterator[bytes]:
    member = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE, hist_bits=zlib.MAX_WBITS)
    yield from gathered(fed("zip", member, stream))
    if not member.eof:
        raise DamagedInputError(f"the zip archive ends within {name}")


def _skip_descriptor(stream: Stream) -> None:
    """Skip a data descriptor (4.3.9): with a mark or without, with sizes of four bytes or of eight."""
    data = stream.read(24)
    for length in (16, 12, 24, 20):
        if (length in (16, 24)) == data.startswith(b"PK\x07\x08") and data[length : length + 2] in (b"PK", b""):
            stream.give_back(data[length:])
            return
    stream.give_back(data)
