"""Reads the files of an inventory piece by piece: verifies a file, then yields its rows.

A file has up to some gigabytes. Nothing holds more than a piece of it: it is read in ranges, once for its MD5, so that
no key of a damaged file is ever used, and once for its rows, of the content that was verified. After a kill its rows up
to the cursor are read again and left out.
"""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from logscan_api.sources import S3Source
from logscan_operator.errors import AwsError, InventoryError
from logscan_operator.gzipped import GzipLines
from logscan_operator.inventories import File, Manifest, Rows, parse_manifest
from logscan_operator.listings import Listed

PIECE = 1 << 20
MANIFEST_BYTES = 16 << 20  # about 80,000 files


class Piece(NamedTuple):
    """A range of an object.

    Attributes:
        data: Its bytes; fewer than were asked for at the end of the object.
        etag: The object's entity tag.
        size: The object's size.
    """

    data: bytes
    etag: str
    size: int


class Objects(Protocol):
    """Reads objects; see `buckets.Buckets`."""

    async def read(self, bucket: str, key: str, start: int, length: int, etag: str | None) -> Piece:
        """Return a range of an object, which must have an entity tag if one is named.

        Raises:
            AwsError: It was not read; the code is `PreconditionFailed` if it is another object now.
        """


@dataclass
class _Open:
    """The file that is being read.

    Attributes:
        file: Which it is.
        verifying: Whether its MD5 is still to be computed.
        etag: Its entity tag, once it is known.
        offset: How many bytes were read in this pass.
        row: How many rows were read.
    """

    file: File
    verifying: bool
    etag: str | None = None
    offset: int = 0
    row: int = 0
    lines: GzipLines = field(default_factory=GzipLines)
    digest: "hashlib._Hash" = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    @property
    def ended(self) -> bool:
        """Return whether all bytes were read."""
        return self.offset >= self.file.size


class InventoryKeys:
    """The entries of an inventory after a cursor, a few at a time."""

    def __init__(self, objects: Objects, source: S3Source, cursor: str | None, verify: bool) -> None:
        """Read nothing yet.

        Args:
            objects: What reads objects.
            source: The source, which names an inventory.
            cursor: Where to go on: the manifest's checksum, the number of a file, and how many of its rows are done.
            verify: Whether to compare each file with its MD5 before its rows are used.

        Raises:
            ValueError: The source names no inventory.
        """
        if source.inventory is None:
            raise ValueError("the source names no inventory")
        self._objects = objects
        self._source = source
        self._bucket = source.inventory.bucket or source.bucket
        self._key = source.inventory.manifest_key
        self._cursor = cursor
        self._verify = verify
        self._manifest: Manifest | None = None
        self._checksum = ""
        self._file = self._row = 0
        self._open: _Open | None = None

    async def following(self) -> tuple[list[Listed], bool]:
        """Return the next entries, which may be none, and whether more may follow.

        Raises:
            AwsError: Something was not read; the next call goes on.
            InventoryError: The inventory cannot be used.
        """
        await asyncio.sleep(0)  # between two pieces of work others have their turn
        if self._manifest is None:
            self._manifest = await self._read_manifest()
        if self._file >= len(self._manifest.files):
            return [], False
        if self._open is None:
            self._open = _Open(self._manifest.files[self._file], self._verify)
        try:
            return await self._advance(self._manifest, self._open), True
        except InventoryError:
            self._open = None
            raise

    async def _read_manifest(self) -> Manifest:
        body = b""
        etag: str | None = None
        while True:
            piece = await self._read(self._key, len(body), etag)
            body, etag = body + piece.data, piece.etag
            if len(body) >= piece.size or not piece.data:
                break
            if piece.size > MANIFEST_BYTES:
                raise InventoryError(
                    f"{self._where(self._key)} has {piece.size} bytes, at most {MANIFEST_BYTES} are read"
                )
        manifest = parse_manifest(body, self._source.bucket, self._bucket, self._key)
        self._checksum = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if self._cursor is not None:
            checksum, file, row = self._cursor.split("/")
            if checksum != self._checksum:
                raise InventoryError(
                    f"{self._where(self._key)} has changed since the scan began: create another LogScan"
                )
            self._file, self._row = int(file), int(row)
        return manifest

    async def _advance(self, manifest: Manifest, opened: _Open) -> list[Listed]:
        """Do the next piece of work with a file, and return what entries it gives."""
        if opened.verifying:
            await self._verify_more(opened)
            return []
        if opened.lines.hungry and not opened.ended:
            opened.lines.feed(await self._next(opened))
        try:
            over = opened.lines.hungry and opened.ended
            lines = opened.lines.end() if over else opened.lines.take()
        except ValueError as error:
            raise InventoryError(f"{self._where(opened.file.key)} is no gzip file that can be read: {error}") from error
        entries = self._entries(manifest, opened, lines)
        if over:
            self._file, self._row, self._open = self._file + 1, 0, None
        return entries

    def _entries(self, manifest: Manifest, opened: _Open, lines: list[bytes]) -> list[Listed]:
        known = min(max(self._row - opened.row, 0), len(lines))
        first = opened.row + known + 1
        opened.row += len(lines)
        self._row = max(self._row, opened.row)
        rows = Rows(manifest, self._source.bucket, self._source.prefix or "")
        return list(rows.entries(lines[known:], f"{self._checksum}/{self._file}/", first))

    async def _verify_more(self, opened: _Open) -> None:
        if not opened.ended:
            opened.digest.update(await self._next(opened))
            return
        if opened.digest.hexdigest() != opened.file.md5:
            raise InventoryError(f"{self._where(opened.file.key)} does not have the MD5 that the manifest names")
        opened.verifying, opened.offset = False, 0

    async def _next(self, opened: _Open) -> bytes:
        """Return the next piece of a file."""
        piece = await self._read(opened.file.key, opened.offset, opened.etag)
        if piece.size != opened.file.size or not piece.data:
            raise InventoryError(
                f"{self._where(opened.file.key)} has {piece.size} bytes, and {opened.file.size} by the manifest"
            )
        opened.etag, opened.offset = piece.etag, opened.offset + len(piece.data)
        return piece.data

    async def _read(self, key: str, start: int, etag: str | None) -> Piece:
        try:
            return await self._objects.read(self._bucket, key, start, PIECE, etag)
        except AwsError as error:
            if error.code == "PreconditionFailed":
                raise InventoryError(f"{self._where(key)} was overwritten while it was read") from error
            raise AwsError(f"{self._where(key)}: {error}", error.code) from error

    def _where(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"
