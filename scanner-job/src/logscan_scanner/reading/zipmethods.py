"""How members of zip archives are compressed (APPNOTE.TXT 4.4.5): a decompressor for each method that is known."""

import lzma
import struct
import zlib
from collections.abc import Callable, Iterator

from isal import igzip_lib

import logscan_engine as engine
from logscan_scanner.reading.decompress import (
    DECOMPRESSORS,
    MEMORY_BYTES,
    DamagedInputError,
    Decompressor,
    UnsupportedInputError,
    check_window,
    fed,
)
from logscan_scanner.reading.formats import Format
from logscan_scanner.reading.stream import Stream

STORED, DEFLATE64, LZMA, ZSTD = 0, 9, 14, 93
_LZMA_HEADER = struct.Struct("<HHBI")  # version, size of the properties, then these (5.8.8)


def unpacked(stored: Stream, method: int, name: str, sized: bool) -> Iterator[bytes]:
    """Yield the content of a member.

    Args:
        stored: Its bytes as they are stored.
        method: How they are compressed, one of `METHODS` but not stored.
        name: Its name, for messages.
        sized: Whether `stored` ends where the member does; else what follows the member stays in it.

    Raises:
        DamagedInputError: It ends early or is corrupt.
        UnsupportedInputError: It needs more memory than the limit.
    """
    if method == ZSTD:
        check_window(stored)
    exact = method == DEFLATE64 and not sized
    member = engine.Unpacker("deflate64-exact") if exact else _DECOMPRESSORS[method](stored)
    yield from fed("zip", member, stored)
    if not (member.eof or method == LZMA):  # whose end need not be marked: the sizes say it
        raise DamagedInputError(f"the zip archive ends within {name}")


def _lzma(stored: Stream) -> Decompressor:
    head = stored.read(_LZMA_HEADER.size)
    if len(head) < _LZMA_HEADER.size:
        raise DamagedInputError("the zip archive is corrupt: an LZMA member without properties")
    _, _, packed, window = _LZMA_HEADER.unpack(head)
    if window > MEMORY_BYTES:
        raise UnsupportedInputError(
            f"the zip archive has a member whose window of {window} bytes is above {MEMORY_BYTES}"
        )
    bits = {"lc": packed % 9, "lp": packed // 9 % 5, "pb": packed // 45}
    try:
        return lzma.LZMADecompressor(
            format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": window, **bits}]
        )
    except (lzma.LZMAError, ValueError) as error:
        raise DamagedInputError(f"the zip archive is corrupt: {error}") from error


_DECOMPRESSORS: dict[int, Callable[[Stream], Decompressor]] = {
    8: lambda _: igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE, hist_bits=zlib.MAX_WBITS),
    DEFLATE64: lambda _: engine.Unpacker("deflate64"),
    12: lambda _: DECOMPRESSORS[Format.BZIP2](),
    LZMA: _lzma,
    ZSTD: lambda _: DECOMPRESSORS[Format.ZSTD](),
    95: lambda _: DECOMPRESSORS[Format.XZ](),
}
METHODS = frozenset({STORED, *_DECOMPRESSORS})
