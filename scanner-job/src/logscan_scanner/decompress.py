"""Decompression by content: the first bytes decide, never the name.

Each format yields decompressed chunks and, where the input ends early or is damaged, raises `DamagedInputError`
after everything that could be read.
"""

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from isal import igzip_lib, isal_zlib

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

OUTPUT_BYTES = 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b\x08"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = frozenset(bytes([0x50 + n, 0x2A, 0x4D, 0x18]) for n in range(16))
WINDOW_LOG_MAX = 27  # 128 MiB, the most that `zstd` itself takes without being told to


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
    """Yield the content of one or more zstd frames; what follows the last one and is none is passed over."""
    pending, frame = b"", None
    for chunk in source:
        pending += chunk
        while pending:
            if frame is None:
                if len(pending) < 4:
                    break
                if detect(pending) != "zstd":
                    return
                frame = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG_MAX})
            yield from _expand(frame, pending)
            if not frame.eof:
                pending = b""
                break
            pending, frame = frame.unused_data, None
    if frame is not None:
        raise DamagedInputError("the zstd input ends before its end mark")


def _expand(frame: zstd.ZstdDecompressor, data: bytes) -> Iterator[bytes]:
    try:
        while True:
            out = frame.decompress(data, OUTPUT_BYTES)
            data = b""
            if out:
                yield out
            if frame.eof or frame.needs_input:
                return
    except zstd.ZstdError as error:
        raise DamagedInputError(f"the zstd input is corrupt: {error}") from error
