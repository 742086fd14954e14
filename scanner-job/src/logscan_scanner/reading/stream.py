"""A stream of chunks, read by the byte without copying what is left of a chunk."""

import re
from collections.abc import Collection, Iterator

READ_BYTES = 512 * 1024
FIRST_FEED_BYTES = 1024
_NOT_BLANK = re.compile(rb"[^\0\s]")
_NOT_ZERO = re.compile(rb"[^\0]")


class Stream:
    """Reads chunks by any number of bytes; a few bytes can be given back."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        """Begin before the first chunk, which is not read yet."""
        self._chunks = chunks
        self._chunk = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        data = self.read_some(size)
        if len(data) == size or not data:
            return data
        parts, missing = [data], size - len(data)
        while missing and (data := self.read_some(missing)):
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def read_some(self, most: int) -> bytes:
        """Return at most `most` bytes of the current chunk; empty only at the end."""
        self._fill()
        data = self._chunk[self._at : self._at + most]
        self._at += len(data)
        return data

    def give_back(self, data: bytes) -> None:
        """Make bytes that were read last the next to be read."""
        if self._at >= len(data):
            self._at -= len(data)
        else:
            self._chunk, self._at = data + self._chunk[self._at :], 0

    def peek(self, size: int) -> bytes:
        """Return the next bytes, fewer at the end, and leave them to be read."""
        data = self.read(size)
        self.give_back(data)
        return data

    def skip(self, size: int) -> bool:
        """Skip `size` bytes; return whether the stream has that many."""
        while size and self._fill():
            step = min(size, len(self._chunk) - self._at)
            self._at += step
            size -= step
        return not size

    def skip_blank(self) -> None:
        """Skip zero bytes, spaces and line ends."""
        self._skip_to(_NOT_BLANK)

    def skip_zeros(self) -> None:
        """Skip zero bytes."""
        self._skip_to(_NOT_ZERO)

    def _skip_to(self, pattern: re.Pattern[bytes]) -> None:
        while self._fill():
            found = pattern.search(self._chunk, self._at)
            self._at = found.start() if found else len(self._chunk)
            if found:
                return

    def until(self, marks: Collection[bytes]) -> Iterator[bytes]:
        """Yield what precedes the first of some marks, or all that follows if there is none."""
        # Without marks, a pattern that is found nowhere.
        pattern = re.compile(b"|".join(map(re.escape, marks)) or rb"(?!)")
        kept = max(map(len, marks), default=1) - 1
        while self._fill():
            found = pattern.search(self._chunk, self._at)
            end = found.start() if found else max(len(self._chunk) - kept, self._at)
            data, self._at = self._chunk[self._at : end], end
            if data:
                yield data
            if found:
                return
            # A mark may begin in what is left of this chunk.
            more = next(self._chunks, b"")
            if not more:
                yield self._chunk[self._at :]
                self._at = len(self._chunk)
                return
            self._chunk, self._at = self._chunk[self._at :] + more, 0

    def feeds(self) -> Iterator[bytes]:
        """Yield all that follows in pieces that grow, for a reader that learns only afterwards how much it needed.

        A decompressor copies what follows its member's end. A chunk may hold tens of thousands of members, so that a
        piece as large as a chunk would be copied as often.
        """
        size = FIRST_FEED_BYTES
        while data := self.read_some(size):
            yield data
            size = min(size * 2, READ_BYTES)

    def _fill(self) -> bool:
        """Take the next chunk if this one is used up; return whether there is anything to read."""
        while self._at == len(self._chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._chunk, self._at = chunk, 0
        return True
