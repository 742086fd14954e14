"""From decompressed bytes to blocks of whole lines.

The end of a block that is no whole line is carried into the next. A line longer than the limit is cut there: its
beginning is scanned, the rest is passed over, and it still counts as one line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from logscan_scanner.native import count_lines

BLOCK_BYTES = 512 * 1024


@dataclass(frozen=True)
class Block:
    """Whole lines.

    Attributes:
        data: The lines, each with its newline (one is added to a last line that has none).
        first_line: Number of the first line in its input, from 1.
        offset: Offset of the first line in its decompressed input, in bytes.
        lines: How many lines there are.
        place: Which input it is from, when there are several.
    """

    data: bytes
    first_line: int
    offset: int
    lines: int
    place: str | None = None


class LineBlocks:
    """Cuts a stream into blocks, and counts what it sees."""

    def __init__(self, max_line_bytes: int) -> None:
        """Prepare for a stream whose lines are matched up to `max_line_bytes`."""
        self.lines = 0
        self.bytes = 0
        self.long_lines = 0
        self._limit = max_line_bytes
        self._carry = b""
        self._skipping = False
        self._offset = 0
        self._first_line = 1
        self._place: str | None = None

    def cut(self, chunks: Iterable[bytes], place: str | None = None) -> Iterator[Block]:
        """Yield the blocks of one input; a last line without a newline counts as a line."""
        self._place = place
        self._carry, self._skipping, self._offset, self._first_line = b"", False, 0, 1
        for chunk in _pieces(chunks):
            self.bytes += len(chunk)
            if self._skipping:
                chunk = self._skip(chunk)
            if chunk:
                yield from self._whole_lines(chunk)
        if self._carry:
            yield self._block(self._carry + b"\n")

    def _skip(self, chunk: bytes) -> bytes:
        """Return what follows the end of a line that was cut."""
        end = chunk.find(b"\n")
        if end < 0:
            self._offset += len(chunk)
            return b""
        self._offset += end + 1
        self._skipping = False
        return chunk[end + 1 :]

    def _whole_lines(self, chunk: bytes) -> Iterator[Block]:
        end = chunk.rfind(b"\n") + 1
        if end:
            yield from self._cut_long(self._carry + chunk[:end])
            self._carry = chunk[end:]
        else:
            self._carry += chunk
        if len(self._carry) > self._limit:
            self.long_lines += 1
            whole, self._carry = len(self._carry), self._carry[: self._limit]
            yield self._block(self._carry + b"\n")
            self._offset += whole - len(self._carry) - 1
            self._carry, self._skipping = b"", True

    def _cut_long(self, data: bytes) -> Iterator[Block]:
        """Yield whole lines as one block, unless one of them is over the limit."""
        if len(data) <= self._limit:
            yield self._block(data)
            return
        start = position = 0
        while position < len(data):
            # Every line that ends within the next `limit` bytes is short enough.
            end = data.rfind(b"\n", position, position + self._limit + 1)
            if end < 0:
                end = data.find(b"\n", position)
                self.long_lines += 1
                yield self._block(data[start : position + self._limit] + b"\n")
                self._offset += end - position - self._limit
                start = end + 1
            position = end + 1
        if start < len(data):
            yield self._block(data[start:])

    def _block(self, data: bytes) -> Block:
        count = count_lines(data)
        block = Block(data, self._first_line, self._offset, count, self._place)
        self.lines += count
        self._first_line += count
        self._offset += len(data)
        return block


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield chunks that are not much larger than a block, which then fits a processor's cache."""
    for chunk in chunks:
        if len(chunk) <= 2 * BLOCK_BYTES:
            yield chunk
        else:
            yield from (chunk[at : at + BLOCK_BYTES] for at in range(0, len(chunk), BLOCK_BYTES))
