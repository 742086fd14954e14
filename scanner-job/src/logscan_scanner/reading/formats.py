"""Detect the format of an input by its first bytes; only brotli, which has no mark, also needs its name."""

import zlib
from enum import StrEnum

import brotli

from logscan_scanner.reading.controls import controls

HEAD_BYTES = 512
TRIAL_BYTES = 4096  # unpacked of what may be brotli
HADOOP_BLOCK_BYTES = 16 * 1024 * 1024  # the most that the engine unpacks; Hadoop's blocks have 256 KiB


class Format(StrEnum):
    """A format that the scanner unpacks; everything else is plain."""

    PLAIN = "plain"
    GZIP = "gzip"
    ZSTD = "zstd"
    BZIP2 = "bzip2"
    XZ = "xz"
    LZMA = "lzma"
    ZLIB = "zlib"
    LZ4 = "lz4"
    LZ4_LEGACY = "lz4-legacy"
    SNAPPY = "snappy"
    HADOOP_SNAPPY = "hadoop-snappy"
    COMPRESS = "compress"
    BROTLI = "brotli"
    TAR = "tar"
    ZIP = "zip"

    @property
    def archive(self) -> bool:
        """Return whether the format holds named members."""
        return self in (Format.TAR, Format.ZIP)


_ZSTD_SKIPPABLE = tuple(bytes([0x50 + n, 0x2A, 0x4D, 0x18]) for n in range(16))
STARTS: dict[Format, tuple[bytes, ...]] = {
    Format.GZIP: (b"\x1f\x8b\x08",),
    Format.ZSTD: (b"\x28\xb5\x2f\xfd", *_ZSTD_SKIPPABLE),
    Format.BZIP2: tuple(b"BZh%d" % n + mark for n in range(1, 10) for mark in (b"1AY&SY", b"\x17rE8P\x90")),
    Format.XZ: (b"\xfd7zXZ\x00",),
    Format.LZMA: (b"\x5d\x00\x00",),
    Format.ZLIB: (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"),
    Format.LZ4: (b"\x04\x22\x4d\x18",),
    Format.LZ4_LEGACY: (b"\x02\x21\x4c\x18",),
    Format.SNAPPY: (b"\xff\x06\x00\x00sNaPpY",),
    Format.COMPRESS: (b"\x1f\x9d",),
    Format.ZIP: (b"PK\x03\x04", b"PK\x05\x06\x00\x00"),
}  # the first bytes of each format, but of tar, whose mark is further back, and of those that have none


def detect(head: bytes) -> Format:
    """Return the format that the first `HEAD_BYTES` bytes (fewer for a shorter input) identify."""
    for kind, starts in STARTS.items():
        if head.startswith(starts) and (kind not in _CHECKS or _CHECKS[kind](head[:HEAD_BYTES])):
            return kind
    if head[257:262] == b"ustar":
        return Format.TAR
    return Format.HADOOP_SNAPPY if _is_hadoop_snappy(head) else Format.PLAIN


def is_brotli(head: bytes, name: str | None) -> bool:
    """Return whether an input is brotli: its name ends in `.br`, and its first bytes can be unpacked."""
    if not (name or "").endswith(".br"):
        return False
    trial = brotli.Decompressor()
    try:
        trial.process(head[:HEAD_BYTES], output_buffer_limit=TRIAL_BYTES)
    except brotli.error:
        return False
    return trial.is_finished() or controls(head[:HEAD_BYTES]) > 0


def _is_zlib(head: bytes) -> bool:
    """Return whether the two letters that begin a zlib stream are followed by one."""
    trial = zlib.decompressobj()
    try:
        trial.decompress(head, TRIAL_BYTES)
    except zlib.error:
        return False
    return trial.eof or controls(head) > 0


def _is_lzma(head: bytes) -> bool:
    """Return whether a header of `.lzma` is complete: the size of the content, or none, and a zero."""
    size = head[5:13]
    return head[13:14] == b"\0" and (size == b"\xff" * 8 or size[6:] == b"\0\0")


def _is_compress(head: bytes) -> bool:
    """Return whether the third byte of `.Z` states codes of up to 10 to 16 bits and no unknown flags.

    `compress -b 9` writes what neither it nor gzip can read.
    """
    return len(head) > 2 and head[2] & 0x60 == 0 and 10 <= head[2] & 0x1F <= 16


def _is_hadoop_snappy(head: bytes) -> bool:
    """Return whether a block begins: its size, that of its first chunk, and in the chunk the size of its content."""
    block, chunk = int.from_bytes(head[:4]), int.from_bytes(head[4:8])
    if len(head) < 10 or not 0 < block <= HADOOP_BLOCK_BYTES or not 0 < chunk <= 32 + block + block // 6:
        return False
    size = shift = 0
    for at, byte in enumerate(head[8:12], 8):
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # what follows must be a literal, as there is nothing to copy yet
            return 0 < size <= block and head[at + 1 : at + 2] != b"" and head[at + 1] & 3 == 0
    return False


_CHECKS = {Format.ZLIB: _is_zlib, Format.LZMA: _is_lzma, Format.COMPRESS: _is_compress}
