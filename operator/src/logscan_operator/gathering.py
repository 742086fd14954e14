"""Objects that become one LogScan: how many fit, and which version of a key counts. Pure.

A list is closed by its size in the Job's request as well as by its length: a request of many kilobytes is stored twice,
in the Job and in its pod.
"""

import zlib
from dataclasses import dataclass

from logscan_api.identity import padded_sequencer
from logscan_api.sources import MOST_OBJECTS, OBJECTS_BYTES, S3Object

PACKED_BYTES = 100 * 1024  # of the objects in a request, compressed and in base64
TOKENS_BYTES = 2 * 32  # of a row, while a signing key is replaced; nothing makes them shorter


@dataclass(frozen=True)
class Bounds:
    """How much a list may hold.

    Attributes:
        objects: Number of objects.
        bytes: Their size together; a single object may be larger.
    """

    objects: int
    bytes: int


class Gathering:
    """A list of objects of one bucket that grows until it is full."""

    def __init__(self, bounds: Bounds) -> None:
        """Begin with none."""
        self._bounds = Bounds(min(bounds.objects, MOST_OBJECTS), bounds.bytes)
        self._objects: dict[str, S3Object] = {}
        self._bytes = self._text = self._packed = 0
        self._last = b""

    def __contains__(self, key: str) -> bool:
        """Return whether an object of a key is in the list."""
        return key in self._objects

    @property
    def objects(self) -> list[S3Object]:
        """Return the objects in the order in which they came."""
        return list(self._objects.values())

    @property
    def full(self) -> bool:
        """Return whether no further object fits."""
        return len(self._objects) >= self._bounds.objects or self._bytes >= self._bounds.bytes

    def add(self, found: S3Object, supersede: bool = True) -> bool:
        """Take an object in if it fits; return whether it is in the list now, or a newer version of it.

        Args:
            found: The object.
            supersede: Whether the newest version of a key makes the others needless.
        """
        there = self._objects.get(found.key)
        if there is not None:
            if supersede and _newer(found, there):
                self._objects[found.key] = found
            return supersede
        document = found.model_dump_json(by_alias=True, exclude_none=True).encode()
        text = sum(len(value.encode()) for value in found.wire().values() if isinstance(value, str))
        packed = (_packed(document, self._last) + TOKENS_BYTES) * 4 // 3
        size = found.size or 0
        if self._objects and not self._has_room(size, text, packed):
            return False
        self._objects[found.key] = found
        self._bytes, self._text, self._packed = self._bytes + size, self._text + text, self._packed + packed
        self._last = document
        return True

    def _has_room(self, size: int, text: int, packed: int) -> bool:
        return (
            len(self._objects) < self._bounds.objects
            and self._bytes + size <= self._bounds.bytes
            and self._text + text <= OBJECTS_BYTES
            and self._packed + packed <= PACKED_BYTES
        )


def _newer(found: S3Object, there: S3Object) -> bool:
    """Return whether an object is no older than another version of it; without sequencers the later message counts."""
    if found.sequencer is None or there.sequencer is None:
        return True
    return padded_sequencer(found.sequencer) >= padded_sequencer(there.sequencer)


def _packed(document: bytes, last: bytes) -> int:
    """Return about how many bytes a document adds to a compressed text that has another one like it."""
    packer = zlib.compressobj(wbits=-15, zdict=last) if last else zlib.compressobj(wbits=-15)
    return len(packer.compress(document)) + len(packer.flush())
