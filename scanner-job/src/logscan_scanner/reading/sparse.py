"""Files with holes in tar archives, in every way that GNU tar has stored them (its manual, "Storing Sparse Files")."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from logscan_scanner.reading.decompress import DamagedInputError
from logscan_scanner.reading.stream import READ_BYTES, Stream
from logscan_scanner.reading.tarfields import (
    BLOCK,
    EXTENDED_BYTES,
    SPARSE_BYTES,
    SPARSE_MAP,
    SPARSE_OFFSET,
    SPARSE_REAL_SIZE,
    SPARSE_SIZE,
    Records,
    decimal,
    number,
)

_HOLE = bytes(READ_BYTES)
_CORRUPT = "the tar archive is corrupt: the map of a file with holes"


@dataclass(frozen=True)
class Sparse:
    """A file of which only some parts are stored.

    Attributes:
        parts: Offset and length of each part, in order.
        size: The size of the whole file.
    """

    parts: list[tuple[int, int]]
    size: int

    @property
    def stored(self) -> int:
        """Return how many bytes of it are stored."""
        return sum(length for _, length in self.parts)

    def filled(self, read: Callable[[int], Iterator[bytes]], stored: int) -> Iterator[bytes]:
        """Yield the whole file, holes as zeros.

        Args:
            read: Yields the next bytes that are stored.
            stored: How many there are.

        Raises:
            DamagedInputError: The parts overlap, or are more than there is.
        """
        if self.stored > stored:
            raise DamagedInputError(f"{_CORRUPT} names more than is stored")
        position = 0
        for offset, length in [*self.parts, (self.size, 0)]:
            if not position <= offset <= self.size - length:
                raise DamagedInputError(f"{_CORRUPT} is not in order")
            yield from _zeros(offset - position)
            yield from read(length)
            position = offset + length


def map_in_header(stream: Stream, block: bytes) -> Sparse:
    """Return the parts of a file in GNU's old format: in its header, and in blocks behind it.

    Raises:
        DamagedInputError: There are too many blocks, or they end.
    """
    parts, more, size, read = _entries(block[386:482]), block[482], number(block[483:495]), 0
    while more:
        block, read = stream.read(BLOCK), read + BLOCK
        if len(block) < BLOCK or read > EXTENDED_BYTES:
            raise DamagedInputError(f"{_CORRUPT} has no end within {EXTENDED_BYTES} bytes")
        parts += _entries(block[:504])
        more = block[504]
    return Sparse(parts, size)


def map_in_records(pax: Records) -> Sparse | None:
    """Return the parts of a file in the formats 0.0 and 0.1, from the pax header, or None if it has no holes.

    Raises:
        DamagedInputError: They are not numbers, or one is missing.
    """
    if SPARSE_SIZE not in pax:
        return None
    numbers = [
        number for pair in zip(pax.get(SPARSE_OFFSET, []), pax.get(SPARSE_BYTES, []), strict=False) for number in pair
    ]
    if SPARSE_MAP in pax:
        numbers = pax[SPARSE_MAP][-1].split(b",")
    return Sparse(_pairs(numbers), decimal(pax[SPARSE_SIZE][-1]))


def map_in_data(stream: Stream, pax: Records) -> tuple[Sparse, int]:
    """Return the parts of a file in the format 1.0, whose map is lines of numbers before the content, and its length.

    Raises:
        DamagedInputError: They are not numbers, or too many, or end.
    """
    data, lines, wanted = bytearray(), 0, 1
    while lines < wanted:
        block = stream.read(BLOCK)
        if len(block) < BLOCK or len(data) >= EXTENDED_BYTES:
            raise DamagedInputError(f"{_CORRUPT} has no end within {EXTENDED_BYTES} bytes")
        data += block
        lines += block.count(b"\n")
        if wanted == 1 and lines:
            wanted = 1 + 2 * decimal(bytes(data.partition(b"\n")[0]))
    numbers = bytes(data).split(b"\n", wanted)[1:wanted]
    return Sparse(_pairs(numbers), decimal(pax.get(SPARSE_REAL_SIZE, [b""])[-1])), len(data)


def _entries(data: bytes) -> list[tuple[int, int]]:
    """Return the entries of a map in GNU's old format, up to the first that is empty."""
    parts = []
    for start in range(0, len(data) - 23, 24):
        if not data[start + 12]:
            break
        parts.append((number(data[start : start + 12]), number(data[start + 12 : start + 24])))
    return parts


def _pairs(numbers: Iterable[bytes]) -> list[tuple[int, int]]:
    values = iter(map(decimal, numbers))
    return list(zip(values, values, strict=False))


def _zeros(count: int) -> Iterator[bytes]:
    while count:
        yield _HOLE[: min(count, READ_BYTES)]
        count -= min(count, READ_BYTES)
