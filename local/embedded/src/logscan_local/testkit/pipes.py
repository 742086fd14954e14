"""A file that is written like a pipe, for archives whose writer cannot go back."""

import io


class Pipe(io.RawIOBase):
    """A file that cannot seek, so that zipfile writes sizes after the content.

    Attributes:
        written: Everything that was written.
    """

    def __init__(self) -> None:
        """Begin an empty file."""
        self.written = bytearray()

    def writable(self) -> bool:
        """Return that the file can be written."""
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        """Append data, and return its length."""
        self.written += data
        return len(data)
