"""From decompressed bytes to blocks of whole lines.

The end of a chunk that is no whole line is carried into the next block. A line longer than the limit is cut there: its
beginning is scanned, the rest is passed over, and it still counts as one line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

BLOCK_BYTES = 512 * 1024  # with what belongs to it, it fits a processor's cache


@dataclass(frozen=True)
class Block:
    """Whole lines.

    Attributes:
        data: The lines, each with its newline (one is added to a last line that has none).
        offset: Offset of the first line in its decompressed input, in bytes.
        place: Which input it is from, when there are several.
    """

    data: bytes
    offset: int
    place: str | None = None


class LineBlocks:
    """Cuts inputs into blocks.

    Attributes:
        bytes: Bytes seen so far.
        long_lines: Lines over the limit so far.
    """

    def __init__(self, max_line_bytes: int) -> None:
        """Prepare for inputs whose lines are matched up to `max_line_bytes`."""
        self.bytes = 0
        self.long_lines = 0
        self._limit = max_line_bytes
        self._parts: list[bytes] = []
        self._size = 0
        self._skipping = False
        self._offset = 0
        self._place: str | None = None

    def cut(self, chunks: Iterable[bytes], place: str | None = None) -> Iterator[Block]:
        """Yield the blocks of one input; a last line without a newline counts as a line."""
        self._keep(b"")
        self._skipping, self._offset, self._place = False, 0, place
        for chunk in _pieces(chunks):
            self.bytes += len(chunk)
            rest = self._skip(chunk) if self._skipping else chunk
            if rest:
                yield from self._take(rest)
        data = b"".join(self._parts)
        if data:
            yield from self._cut_long(data if data.endswith(b"\n") else data + b"\n")

    def _skip(self, chunk: bytes) -> bytes:
        """Return what follows the end of a line that was cut."""
        end = chunk.find(b"\n")
        if end < 0:
            self._offset += len(chunk)
            return b""
        self._offset += end + 1
        self._skipping = False
        return chunk[end + 1 :]

    def _keep(self, rest: bytes) -> None:
        """Make some bytes all that waits for the next block."""
        self._parts, self._size = [rest] if rest else [], len(rest)

    def _take(self, chunk: bytes) -> Iterator[Block]:
        """Gather chunks until they are a block's worth of lines, or a line that is too long."""
        self._parts.append(chunk)
        self._size += len(chunk)
        if self._size < BLOCK_BYTES:
            return
        end = chunk.rfind(b"\n") + 1
        if end:
            self._parts[-1] = chunk[:end]
            data = b"".join(self._parts)
            self._keep(chunk[end:])
            yield from self._cut_long(data)
        elif self._size > self._limit:
            data = b"".join(self._parts)
            end = data.rfind(b"\n") + 1
            self._keep(data[end:])
            if end:
                yield from self._cut_long(data[:end])
            if self._size > self._limit:
                yield self._cut_open_line(data[end:])

    def _cut_open_line(self, line: bytes) -> Block:
        """Return the beginning of a line that is over the limit and whose end has not come yet."""
        self.long_lines += 1
        self._keep(b"")
        self._skipping = True
        block = self._block(line[: self._limit] + b"\n")
        self._offset += len(line) - len(block.data)
        return block

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
        block = Block(data, self._offset, self._place)
        self._offset += len(data)
        return block


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield chunks that are not much larger than a block."""
    for chunk in chunks:
        if len(chunk) <= 2 * BLOCK_BYTES:
            yield chunk
        else:
            yield from (chunk[at : at + BLOCK_BYTES] for at in range(0, len(chunk), BLOCK_BYTES))
