"""Compressed streams, member by member (gzip calls them so; zstd says frame, xz and bzip2 say stream)."""

import bz2
import lzma
from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

import lz4.frame
from isal import igzip_lib

import logscan_engine as engine
from logscan_scanner.reading.controls import controls
from logscan_scanner.reading.formats import STARTS, Format, detect
from logscan_scanner.reading.stream import READ_BYTES, Stream
from logscan_scanner.reading.unending import Brotli, LegacyLz4
from logscan_scanner.reading.zstandard import memory_bytes, most_window_log, window_bytes, zstd

OUTPUT_BYTES = 128 * 1024  # a zstd block; larger outputs are slower
MEMORY_BYTES = 128 * 1024 * 1024
LOOK_BYTES = 1024  # of what follows a member: another one, or text
ZSTD_HEADER_BYTES = 18
GATHERED_BYTES = 64 * 1024  # smaller pieces cost more to hand over than to scan


class DamagedInputError(Exception):
    """Input that ends early or is corrupt."""


class UnsupportedInputError(DamagedInputError):
    """Input that is no text, or that cannot be unpacked here."""


class Decompressor(Protocol):
    """What bz2, lzma, zstd and isal have in common."""

    @property
    def eof(self) -> bool:
        """Return whether the member's end was reached."""

    @property
    def needs_input(self) -> bool:
        """Return whether nothing more comes out without more going in."""

    @property
    def unused_data(self) -> bytes | None:
        """Return what follows the member's end."""

    def decompress(self, data: bytes, /, max_length: int = -1) -> bytes:
        """Return at most `max_length` bytes of content, or all of it if that is negative."""


@runtime_checkable
class WithoutEnd(Protocol):
    """A decompressor of a format that has no end mark."""

    @property
    def complete(self) -> bool:
        """Return whether the input may end here."""


_WINDOW_LOG = most_window_log(memory_bytes())
_OPTIONS = {int(zstd.DecompressionParameter.window_log_max): _WINDOW_LOG}
DECOMPRESSORS: dict[Format, Callable[[], Decompressor]] = {
    Format.GZIP: lambda: igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_GZIP),
    Format.ZSTD: lambda: zstd.ZstdDecompressor(options=_OPTIONS),
    Format.BZIP2: bz2.BZ2Decompressor,
    Format.XZ: lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=MEMORY_BYTES),
    Format.LZMA: lambda: lzma.LZMADecompressor(format=lzma.FORMAT_ALONE, memlimit=MEMORY_BYTES),
    Format.ZLIB: lambda: igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_ZLIB),
    Format.LZ4: lz4.frame.LZ4FrameDecompressor,
    Format.LZ4_LEGACY: LegacyLz4,
    Format.SNAPPY: lambda: engine.Unpacker("snappy"),
    Format.HADOOP_SNAPPY: lambda: engine.Unpacker("hadoop-snappy"),
    Format.COMPRESS: lambda: engine.Unpacker("compress"),
    Format.BROTLI: Brotli,
}
ERRORS: tuple[type[Exception], ...] = (
    igzip_lib.error,  # type: ignore[assignment] # the stub declares an instance, not a class
    zstd.ZstdError,
    lzma.LZMAError,
    OSError,
    EOFError,
    RuntimeError,  # of lz4
    ValueError,
)


def decompress(kind: Format, source: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content of one or more members.

    Zeros and empty lines between and behind members are passed over; other text is content, as of `>>` to a compressed
    file.

    Raises:
        DamagedInputError: After everything that could be read.
        UnsupportedInputError: It needs more memory than there is.
    """
    return gathered(_members(kind, Stream(source)))


def _members(kind: Format, stream: Stream) -> Iterator[bytes]:
    while True:
        member = DECOMPRESSORS[kind]()
        check_window(stream)
        yield from fed(kind, member, stream)
        if not (member.eof or (isinstance(member, WithoutEnd) and member.complete)):
            raise DamagedInputError(f"the {kind} input ends before its end mark")
        stream.skip_blank()
        head = stream.peek(LOOK_BYTES)
        if head and detect(head) != kind:
            if controls(head):
                raise DamagedInputError(f"the {kind} input is followed by bytes that are neither {kind} nor text")
            yield from stream.until(STARTS.get(kind, ()))
        if not stream.peek(1):
            return


def check_window(stream: Stream) -> None:
    """Compare the window of a frame of zstd with the memory that there is.

    Raises:
        UnsupportedInputError: It does not fit.
    """
    window = window_bytes(stream.peek(ZSTD_HEADER_BYTES))
    if window is not None and window > 1 << _WINDOW_LOG:
        raise UnsupportedInputError(
            f"the zstd input needs a window of {window} bytes, and {1 << _WINDOW_LOG} fit into the memory of this pod: "
            "give the scanner more memory, or compress without --long"
        )


def fed(kind: str, member: Decompressor, stream: Stream) -> Iterator[bytes]:
    """Yield a member's content, up to its end or the stream's; the bytes that follow stay in the stream.

    Raises:
        DamagedInputError: The member is corrupt.
    """
    for data in stream.feeds():
        yield from expand(kind, member, data)
        if member.eof:
            stream.give_back(member.unused_data or b"")
            return


def exactly(stream: Stream, size: int, too_short: str) -> Iterator[bytes]:
    """Yield `size` bytes of a stream unchanged.

    Args:
        stream: The stream.
        size: Number of bytes.
        too_short: The message of the error if there are fewer.

    Raises:
        DamagedInputError: There are fewer.
    """
    while size:
        data = stream.read_some(min(size, READ_BYTES))
        if not data:
            raise DamagedInputError(too_short)
        size -= len(data)
        yield data


def gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield content in fewer pieces: small ones are joined, including those before damage."""
    parts: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            parts.append(piece)
            size += len(piece)
            if size >= GATHERED_BYTES:
                yield b"".join(parts) if len(parts) > 1 else piece
                parts, size = [], 0
    except DamagedInputError:
        if parts:
            yield b"".join(parts)
        raise
    if parts:
        yield b"".join(parts)


def expand(kind: str, member: Decompressor, data: bytes) -> Iterator[bytes]:
    """Yield the content that `data` adds to a member, in pieces.

    Raises:
        DamagedInputError: The data is corrupt.
    """
    try:
        while True:
            out = member.decompress(data, max_length=OUTPUT_BYTES)
            data = b""
            if out:
                yield out
            if member.eof or member.needs_input:
                return
    except ERRORS as error:
        raise DamagedInputError(f"the {kind} input is corrupt: {error}") from error
