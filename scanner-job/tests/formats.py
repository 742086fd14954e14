"""Content stored in every format that is looked into."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable

from logscan_scanner.reading.zstandard import zstd

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


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


class Pipe(io.RawIOBase):
    """A file that cannot seek, so that zipfile writes sizes after the content."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self.written += data
        return len(data)


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
