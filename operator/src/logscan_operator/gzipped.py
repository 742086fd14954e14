"""The lines of a gzip file that comes in pieces. Pure; it never holds more than a piece and some lines."""

import zlib

GZIP = 31  # zlib's number for a window of 32 KiB with gzip's header
TEXT = 64 * 1024  # bytes of text that are taken at a time
LINE = 64 * 1024  # of a line that is longer only its beginning is kept


class GzipLines:
    """Lines of a file, of as many members as it has."""

    def __init__(self) -> None:
        """Begin before the first byte."""
        self._inflate = zlib.decompressobj(wbits=GZIP)
        self._packed = b""
        self._rest = b""
        self._more = False

    @property
    def hungry(self) -> bool:
        """Return whether `take` returns nothing more before the next piece is there."""
        return not (self._packed or self._more)

    def feed(self, piece: bytes) -> None:
        """Take the next piece in."""
        self._packed += piece

    def take(self) -> list[bytes]:
        """Return the next lines, which may be none.

        Raises:
            ValueError: The file is no gzip, or is damaged.
        """
        if self._inflate.eof:
            self._inflate = zlib.decompressobj(wbits=GZIP)
        try:
            text = self._inflate.decompress(self._packed, TEXT)
        except zlib.error as error:
            raise ValueError(str(error)) from error
        self._packed = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        self._more = len(text) == TEXT and not self._inflate.eof
        *lines, rest = (self._rest + text).split(b"\n")
        self._rest = rest[:LINE]
        return [line.removesuffix(b"\r") for line in lines]

    def end(self) -> list[bytes]:
        """Return the last line, if no end of line follows it.

        Raises:
            ValueError: The file is cut off.
        """
        if not self._inflate.eof:
            raise ValueError("it is cut off")
        return [self._rest] if self._rest else []
