"""Compressed streams that lack what the other decompressors have: an end mark, or a limit on what comes out at once."""

import struct

import brotli
from lz4 import block

LEGACY_BLOCK_BYTES = 8 * 1024 * 1024
_LEGACY_MARK = b"\x02\x21\x4c\x18"
_SIZE = struct.Struct("<I")


class Brotli:
    """A brotli stream; what follows it cannot be separated from it."""

    unused_data = b""

    def __init__(self) -> None:
        """Begin before the first byte."""
        self._stream = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        """Return whether the end was reached."""
        return bool(self._stream.is_finished())

    @property
    def needs_input(self) -> bool:
        """Return whether nothing more comes out without more going in."""
        return bool(self._stream.can_accept_more_data())

    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes:
        """Return about `max_length` bytes of content.

        Raises:
            ValueError: The data is corrupt.
        """
        try:
            return bytes(self._stream.process(data, output_buffer_limit=max_length))
        except brotli.error as error:
            raise ValueError(str(error)) from error


class LegacyLz4:
    """A frame of the format that `lz4 -l` and the Linux kernel write: blocks of 8 MiB, and no end mark."""

    eof = False
    unused_data = b""

    def __init__(self) -> None:
        """Begin before the mark."""
        self._left = bytearray()
        self.needs_input = True

    @property
    def complete(self) -> bool:
        """Return whether the input may end here."""
        return not self._left

    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes:  # a block comes out whole
        """Return the content of the next block.

        Raises:
            ValueError: The data is corrupt.
        """
        self._left += data
        while self._left.startswith(_LEGACY_MARK):
            del self._left[: len(_LEGACY_MARK)]
        self.needs_input = True
        if len(self._left) < _SIZE.size:
            return b""
        (size,) = _SIZE.unpack_from(self._left)
        if size > LEGACY_BLOCK_BYTES + LEGACY_BLOCK_BYTES // 255 + 16:
            raise ValueError(f"a block of {size} bytes")
        end = _SIZE.size + size
        if len(self._left) < end:
            return b""
        self.needs_input = False
        try:
            content: bytes = block.decompress(bytes(self._left[_SIZE.size : end]), uncompressed_size=LEGACY_BLOCK_BYTES)
        except block.LZ4BlockError as error:
            raise ValueError(str(error)) from error
        del self._left[:end]
        return content
