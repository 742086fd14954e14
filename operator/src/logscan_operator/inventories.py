"""What S3 Inventory writes: a manifest, and files of rows that name objects. Pure.

The Amazon S3 user guide, "Locating your inventory list" and "Amazon S3 Inventory list", describes both. The rows are in
no order. A list of all versions also has rows of older versions and of delete markers, which are no objects to scan.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from logscan_api.models import MOST
from logscan_api.sources import S3_BYTES
from logscan_operator.errors import InventoryError
from logscan_operator.listings import Listed

FORMAT = "CSV"
BUCKET, KEY, SIZE, MODIFIED = "Bucket", "Key", "Size", "LastModifiedDate"
LATEST, DELETED = "IsLatest", "IsDeleteMarker"
ARN = ":s3:::"
NEVER = datetime.min.replace(tzinfo=UTC)


class File(NamedTuple):
    """A file of rows.

    Attributes:
        key: Its key, in the bucket of the manifest.
        size: Its size in bytes, compressed.
        md5: The MD5 of its content, hexadecimal.
    """

    key: str
    size: int
    md5: str


class Manifest(NamedTuple):
    """What a list consists of.

    Attributes:
        columns: The names of the columns of a row.
        files: Its files.
    """

    columns: tuple[str, ...]
    files: tuple[File, ...]


def parse_manifest(body: bytes, source_bucket: str, bucket: str, key: str) -> Manifest:
    """Return what is in a manifest.

    Args:
        body: Its content.
        source_bucket: The bucket whose objects it should list.
        bucket: The bucket that it is in.
        key: Its key, for messages.

    Raises:
        InventoryError: It is none, or is of another bucket or of a format that is not read; the message says what to
            do.
    """
    where = f"s3://{bucket}/{key}"
    try:
        document: Any = json.loads(body)
        written = str(document["fileFormat"])
        _check(written, str(document["sourceBucket"]), source_bucket, where)
        destination = str(document["destinationBucket"]).rpartition(ARN)[2]
        columns = tuple(name.strip() for name in str(document["fileSchema"]).split(","))
        files = tuple(File(str(f["key"]), int(f["size"]), str(f["MD5checksum"]).lower()) for f in document["files"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InventoryError(
            f"{where} is no manifest of S3 Inventory ({type(error).__name__}: {error}): name a manifest.json"
        ) from error
    if destination != bucket:
        raise InventoryError(f"{where} says that its files are in the bucket {destination}: name the manifest there")
    _check_columns(columns, where)
    return Manifest(columns, files)


def _check(written: str, listed: str, source_bucket: str, where: str) -> None:
    if written.upper() != FORMAT:
        raise InventoryError(
            f"{where} lists files of the format {written}, and only CSV is read: choose CSV as the output format of "
            "the inventory configuration, and name the manifest of its next list"
        )
    if listed != source_bucket:
        raise InventoryError(f"{where} lists the bucket {listed}, and source.s3.bucket is {source_bucket}")


def _check_columns(columns: Sequence[str], where: str) -> None:
    needed = {BUCKET, KEY, SIZE, MODIFIED} | ({LATEST, DELETED} if "VersionId" in columns else set())
    missing = sorted(needed - set(columns))
    if missing:
        raise InventoryError(
            f"{where} has no column {' and '.join(missing)}: add Size and Last modified to the fields of the inventory "
            "configuration, and name the manifest of its next list"
        )


class Rows:
    """Makes entries of a listing from rows."""

    def __init__(self, manifest: Manifest, bucket: str, prefix: str) -> None:
        """Read nothing yet.

        Args:
            manifest: Which columns there are.
            bucket: The bucket whose objects are listed.
            prefix: With what a key begins that is listed.
        """
        self._columns = manifest.columns
        self._bucket = bucket
        self._prefix = prefix

    def entries(self, lines: Sequence[bytes], before: str, first: int) -> Iterator[Listed]:
        """Yield the entries of some rows; a row that cannot be read becomes one that says so.

        Args:
            lines: The rows.
            before: The cursor, but for the number of the row.
            first: The number of the first row, from 1.
        """
        for number, line in enumerate(lines, first):
            place = f"{before}{number}"
            try:
                entry = self._entry(line, place)
            except (ValueError, csv.Error):
                yield Listed("", 0, NEVER, place, readable=False)
                continue
            if entry is not None:
                yield entry

    def _entry(self, line: bytes, place: str) -> Listed | None:
        """Return the entry of a row, or None if it is no object under the prefix.

        Raises:
            ValueError, csv.Error: It cannot be read.
        """
        (fields,) = csv.reader((line.decode(),), strict=True)
        row = dict(zip(self._columns, fields, strict=True))
        key = unquote_plus(row[KEY], errors="strict")
        if row[BUCKET] != self._bucket or not 0 < len(key.encode()) <= S3_BYTES:
            raise ValueError("it is of another bucket, or has no key that S3 would accept")
        if not _flag(row.get(LATEST, "true")) or _flag(row.get(DELETED, "false")) or not key.startswith(self._prefix):
            return None
        modified = datetime.fromisoformat(row[MODIFIED])
        if modified.tzinfo is None:
            raise ValueError("its time has no zone")
        return Listed(key, _size(row[SIZE]), modified, place)


def _flag(text: str) -> bool:
    flags = {"true": True, "false": False, "": False}
    if text.lower() not in flags:
        raise ValueError(f"neither true nor false: {text}")
    return flags[text.lower()]


def _size(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > MOST:
        raise ValueError(f"no size: {text}")
    return int(text)
