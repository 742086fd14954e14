"""Content stored in every format that is looked into."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import cramjam
import inflate64
import lz4.block
import lz4.frame
import ncompress

from logscan_local.testkit.pipes import Pipe
from logscan_scanner.reading.zstandard import zstd

HADOOP_BLOCK, LEGACY_BLOCK = 256 * 1024, 256 * 1024  # `lz4 -l` writes 8 MiB


def lzma_alone(data: bytes) -> bytes:
    return lzma.compress(data, format=lzma.FORMAT_ALONE)


def lz4_legacy(data: bytes) -> bytes:
    blocks = [lz4.block.compress(part, store_size=False) for part in _parts(data, LEGACY_BLOCK)]
    return b"\x02\x21\x4c\x18" + b"".join(struct.pack("<I", len(block)) + block for block in blocks)


def snappy(data: bytes) -> bytes:
    return bytes(cramjam.snappy.compress(data))


def hadoop_snappy(data: bytes) -> bytes:
    """Return blocks of two chunks each."""
    stored = b""
    for block in _parts(data, HADOOP_BLOCK):
        stored += struct.pack(">I", len(block))
        for part in _parts(block, len(block) // 2 + 1):
            chunk = bytes(cramjam.snappy.compress_raw(part))
            stored += struct.pack(">I", len(chunk)) + chunk
    return stored


def deflate64(data: bytes) -> bytes:
    stream = inflate64.Deflater()
    return bytes(stream.deflate(data) + stream.flush())


def _parts(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


WITH_END: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lzma_alone,
    "zlib": zlib.compress,
    "lz4": lz4.frame.compress,
}  # formats that mark their end, so that others may follow
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    **WITH_END,
    "lz4-legacy": lz4_legacy,
    "snappy": snappy,
    "hadoop-snappy": hadoop_snappy,
    "compress": ncompress.compress,
}  # formats that are found by content
WHOLE = [kind for kind in COMPRESS if kind != "compress"]  # formats that show whether they were cut


def tarred(members: dict[str, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind) as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, seekable: bool = True) -> bytes:
    file = io.BytesIO() if seekable else Pipe()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("folder/", b"")
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue() if isinstance(file, io.BytesIO) else bytes(file.written)


STORED: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    **COMPRESS,
    "tar": lambda data: tarred({"a.log": data}),
    "zip": lambda data: zipped({"a.log": data}),
    "streamed zip": lambda data: zipped({"a.log": data}, seekable=False),
    "tar.xz": lambda data: lzma.compress(tarred({"a.log": data})),
    "zip of gzip": lambda data: zipped({"a.gz": gzip.compress(data)}),
}
