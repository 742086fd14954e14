"""Lines compressed once, for the file of the findings and for the page, which holds the beginning of that file.

A deflate stream (RFC 1951) can be cut where it was flushed, so no line is compressed a second time for the page.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

KEPT_BYTES = 2_800_000  # compressed; base64 makes 3.7 MB of them, and with all else a page stays below 5
KEPT_TEXT_BYTES = 24 * 1024 * 1024  # uncompressed, which a browser holds
STEP_BYTES = 256 * 1024  # of lines, from one place where the page may stop to the next

_HEADER_BYTES = 10  # of gzip (RFC 1952) without a name
_LAST_BLOCK = b"\x03\x00"  # of deflate, empty


@dataclass(frozen=True)
class Excerpt:
    """The beginning of the findings.

    Attributes:
        data: Lines of JSON, compressed by deflate without a header.
        lines: How many there are.
        of: How many the file has.
    """

    data: bytes
    lines: int
    of: int


class Packer:
    """Compresses lines as gzip, and keeps the beginning."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        """Start without lines.

        Args:
            write: Takes the compressed bytes.
        """
        self._write = write
        self._compress = zlib.compressobj(6, wbits=16 + zlib.MAX_WBITS)
        self._lines = self._bytes = self._flushed = 0
        self._kept = bytearray()
        self._keeping = True
        self._end, self._lines_kept = _HEADER_BYTES, 0  # where the page may stop

    def add(self, line: bytes) -> None:
        """Add a line."""
        self._lines += 1
        self._bytes += len(line)
        self._put(self._compress.compress(line))
        if self._keeping and self._bytes - self._flushed >= STEP_BYTES:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        self._put(self._compress.flush())

    def excerpt(self) -> Excerpt:
        """Return the lines that were kept."""
        data = bytes(self._kept[_HEADER_BYTES : self._end]) + _LAST_BLOCK
        return Excerpt(data, self._lines_kept, self._lines)

    def _flush(self) -> None:
        self._flushed = self._bytes
        self._put(self._compress.flush(zlib.Z_SYNC_FLUSH))
        if self._keeping and self._bytes <= KEPT_TEXT_BYTES:
            self._end, self._lines_kept = len(self._kept), self._lines

    def _put(self, data: bytes) -> None:
        if not data:
            return
        self._write(data)
        if len(self._kept) + len(data) > KEPT_BYTES or self._bytes > KEPT_TEXT_BYTES:
            self._keeping = False
            del self._kept[self._end :]
        if self._keeping:
            self._kept += data
