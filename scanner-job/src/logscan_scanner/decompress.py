"""Decompression by content: the first bytes decide, never the name.

Each format yields decompressed chunks and, where the input ends early or is damaged, raises `DamagedInputError`
after everything that could be read.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import IO, cast

import zstandard
from isal import igzip_lib, isal_zlib

OUTPUT_BYTES = 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b\x08"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = frozenset(bytes([0x50 + n, 0x2A, 0x4D, 0x18]) for n in range(16))
MAX_WINDOW_BYTES = 128 * 1024 * 1024


class DamagedInputError(Exception):
    """Compressed input that ends early or is corrupt."""


def detect(head: bytes) -> str:
    """Return the format that some first bytes (4 or more, fewer at the end) announce: plain, gzip or zstd."""
    if head.startswith(GZIP_MAGIC):
        return "gzip"
    if head.startswith(ZSTD_MAGIC) or head[:4] in ZSTD_SKIPPABLE:
        return "zstd"
    return "plain"


def decompress(chunks: Iterable[bytes]) -> tuple[str, Iterator[bytes]]:
    """Return the format of an input and its decompressed chunks.

    Args:
        chunks: The input as it is stored.

    Raises:
        DamagedInputError: While iterating: the input ends early or is corrupt.
    """
    source = iter(chunks)
    head = b""
    while len(head) < 4:
        chunk = next(source, None)
        if chunk is None:
            break
        head += chunk
    kind = detect(head)
    readers: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
        "plain": iter,
        "gzip": _gzip,
        "zstd": _zstd,
    }
    return kind, readers[kind](chain([head] if head else [], source))


def _gzip(source: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content of one or more gzip members; padding zeros and trailing garbage are passed over."""
    pending, member, begun = b"", None, False
    for chunk in source:
        pending += chunk
        while pending:
            if member is None:
                pending = pending.lstrip(b"\0") if begun else pending
                if len(pending) < 3:
                    break
                if not pending.startswith(GZIP_MAGIC):
                    return
                member, begun = isal_zlib.decompressobj(wbits=16 + zlib.MAX_WBITS), True
            yield from _inflate(member, pending)
            if not member.eof:
                pending = b""
                break
            pending, member = member.unused_data, None
    if member is not None:
        raise DamagedInputError("the gzip input ends before its end mark")


def _inflate(member: "isal_zlib.Decompress", data: bytes) -> Iterator[bytes]:
    try:
        while True:
            out = member.decompress(data, OUTPUT_BYTES)
            if out:
                yield out
            data = member.unconsumed_tail
            if member.eof or not (data or out):
                return
    except igzip_lib.error as error:  # type: ignore[misc] # the stub takes the class for an instance
        raise DamagedInputError(f"the gzip input is corrupt: {error}") from error


def _zstd(source: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content of one or more zstd frames."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    reader = decompressor.stream_reader(
        cast("IO[bytes]", _Chunks(source)), read_size=OUTPUT_BYTES, read_across_frames=True
    )
    try:
        while out := reader.read(OUTPUT_BYTES):
            yield out
    except zstandard.ZstdError as error:
        raise DamagedInputError(f"the zstd input is corrupt: {error}") from error


class _Chunks:
    """A file-like view of chunks, for a reader that pulls."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, and none at the end."""
        if not self._rest:
            self._rest = next(self._source, b"")
        if size < 0:
            size = len(self._rest)
        out, self._rest = self._rest[:size], self._rest[size:]
        return out
