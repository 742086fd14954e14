"""Detect the format of an input by its first bytes, never by its name."""

from enum import StrEnum

HEAD_BYTES = 512


class Format(StrEnum):
    """A format that the scanner unpacks; everything else is plain."""

    PLAIN = "plain"
    GZIP = "gzip"
    ZSTD = "zstd"
    BZIP2 = "bzip2"
    XZ = "xz"
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
    Format.ZIP: (b"PK\x03\x04", b"PK\x05\x06\x00\x00"),
}  # the first bytes of each format, but of tar, whose mark is further back


def detect(head: bytes) -> Format:
    """Return the format that the first `HEAD_BYTES` bytes (fewer for a shorter input) identify."""
    for kind, starts in STARTS.items():
        if head.startswith(starts):
            return kind
    return Format.TAR if head[257:262] == b"ustar" else Format.PLAIN
