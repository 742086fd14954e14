"""Zip archives read as they stream by, by their local headers (APPNOTE.TXT 4.3.7)."""

import struct
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass

from isal.isal_zlib import crc32

from logscan_scanner.reading.decompress import DamagedInputError, UnsupportedInputError, exactly, gathered
from logscan_scanner.reading.names import shown_name
from logscan_scanner.reading.stream import Stream
from logscan_scanner.reading.zipdirectory import skip_directory
from logscan_scanner.reading.zipmethods import METHODS, STORED, unpacked

_LOCAL_HEADER = struct.Struct("<4sHHHHHIIIHH")
_LOCAL_MARK, _CENTRAL_MARK, _DESCRIPTOR_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x07\x08"
_ENCRYPTED, _SIZES_FOLLOW = 0x1, 0x8
_ZIP64 = 0xFFFFFFFF


@dataclass(frozen=True)
class _Entry:
    """A member's local header.

    Attributes:
        raw: Its name as it is stored.
        encrypted: Whether it is.
        method: How it is compressed (4.4.5).
        size: How many bytes of it are stored; None if that follows them.
        checksum: CRC-32 of its content; nothing if that follows, too.
    """

    raw: bytes
    encrypted: bool
    method: int
    size: int | None
    checksum: int

    @property
    def name(self) -> str:
        """Its name as it is shown."""
        return shown_name(self.raw)

    @property
    def problem(self) -> str | None:
        """Why it cannot be unpacked."""
        if self.encrypted:
            return f"{self.name} in the zip archive is encrypted"
        if self.method not in METHODS:
            return f"{self.name} in the zip archive is compressed in a way (method {self.method}) that cannot be read"
        return None


def zip_members(chunks: Iterator[bytes]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the files of a zip archive; each must be read before the next is asked for.

    What is wrong with one, such as damage or encryption, is raised where its content is read.

    Raises:
        DamagedInputError: The archive ends early or is corrupt.
    """
    stream = Stream(chunks)
    while (entry := _next_entry(stream)) is not None:
        content = _up_to_its_end(stream, entry) if entry.size is None else _of_size(stream, entry, entry.size)
        if not entry.raw.endswith(b"/"):
            yield entry.name, content
        with suppress(DamagedInputError):
            deque(content, maxlen=0)  # what was not read


def _next_entry(stream: Stream) -> _Entry | None:
    """Return the next member, or None at the archive's end."""
    while stream.peek(len(_LOCAL_MARK)) != _LOCAL_MARK:
        skip_directory(stream)
        if not stream.peek(1):
            return None
    head = stream.read(_LOCAL_HEADER.size)
    if len(head) < _LOCAL_HEADER.size:
        raise DamagedInputError("the zip archive ends within a header")
    _, _, flags, method, _, _, checksum, size, _, name_size, extra_size = _LOCAL_HEADER.unpack(head)
    raw = stream.read(name_size)
    size = _whole_size(size, stream.read(extra_size))
    return _Entry(raw, bool(flags & _ENCRYPTED), method, None if flags & _SIZES_FOLLOW else size, checksum)


def _whole_size(size: int, extra: bytes) -> int:
    """Return a member's compressed size, from the zip64 field (4.5.3) where the header has no room for it."""
    at = 0
    while size == _ZIP64 and len(extra) >= at + 4:
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1 and length >= 16 and len(extra) >= at + 20:
            return int(struct.unpack_from("<Q", extra, at + 12)[0])
        at += 4 + length
    return size


def _of_size(stream: Stream, entry: _Entry, size: int) -> Iterator[bytes]:
    """Yield the content of a member whose stored size is known; what it leaves of that is skipped."""
    stored = exactly(stream, size, f"the zip archive ends within {entry.name}")
    try:
        found = yield from _summed(_content(Stream(stored), entry))
    finally:
        deque(stored, maxlen=0)
    _compare(entry, found, entry.checksum)


def _up_to_its_end(stream: Stream, entry: _Entry) -> Iterator[bytes]:
    """Yield the content of a member whose size follows it: its compression marks the end, or the descriptor does.

    What follows damage is skipped up to the next header.
    """
    stored = entry.method == STORED and entry.problem is None
    try:
        found = yield from _summed(_until_descriptor(stream, entry) if stored else _content(stream, entry))
    except DamagedInputError:
        deque(stream.until((_LOCAL_MARK, _CENTRAL_MARK)), maxlen=0)
        raise
    _compare(entry, found, _descriptor(stream))


def _summed(content: Iterator[bytes]) -> Generator[bytes, None, int]:
    """Yield content, and return its CRC-32."""
    found = 0
    for data in content:
        found = crc32(data, found)
        yield data
    return found


def _compare(entry: _Entry, found: int, stated: int | None) -> None:
    if stated is not None and found != stated:
        raise DamagedInputError(f"{entry.name} in the zip archive does not match its checksum")


def _until_descriptor(stream: Stream, entry: _Entry) -> Iterator[bytes]:
    """Yield what is stored before the data descriptor (4.3.9) that states how much that is.

    The descriptor must have its mark, as every program writes it. Other marks may be in the content, of an archive that
    is stored in this one.
    """
    size = 0
    while True:
        for data in stream.until((_DESCRIPTOR_MARK,)):
            size += len(data)
            yield data
        head = stream.peek(24)
        if not head:
            raise DamagedInputError(f"the zip archive ends within {entry.name}")
        if _states(head, size):
            return
        data = stream.read(len(_DESCRIPTOR_MARK))
        size += len(data)
        yield data


def _states(descriptor: bytes, size: int) -> bool:
    """Return whether a data descriptor with its mark states a compressed size, in four bytes or in eight."""
    four = len(descriptor) >= 12 and struct.unpack_from("<I", descriptor, 8)[0] == size % (1 << 32)
    return four or (len(descriptor) >= 16 and struct.unpack_from("<Q", descriptor, 8)[0] == size)


def _content(stored: Stream, entry: _Entry) -> Iterator[bytes]:
    if entry.problem is not None:
        raise UnsupportedInputError(entry.problem)
    if entry.method == STORED:
        while data := stored.read_some(1 << 20):
            yield data
        return
    yield from gathered(unpacked(stored, entry.method, entry.name, sized=entry.size is not None))


def _descriptor(stream: Stream) -> int | None:
    """Return the checksum of a data descriptor (4.3.9), which may have a mark, and sizes of four bytes or of eight."""
    data = stream.read(24)
    for length in (16, 12, 24, 20):
        if (length in (16, 24)) == data.startswith(_DESCRIPTOR_MARK) and data[length : length + 2] in (b"PK", b""):
            stream.give_back(data[length:])
            return int(struct.unpack_from("<I", data, 4 if data.startswith(_DESCRIPTOR_MARK) else 0)[0])
    stream.give_back(data)
    return None
