"""Inventories as S3 writes them: a manifest, and gzip files of rows in which every field is quoted."""

import gzip
import hashlib
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote_plus

from logscan_operator.errors import AwsError
from logscan_operator.inventoryfiles import Piece
from logscan_operator.items import Object

FIELDS = ("Bucket", "Key", "Size", "LastModifiedDate", "StorageClass")
VERSIONED = ("Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "Size", "LastModifiedDate")
WRITTEN = "2026-11-01T00:00:00.000Z"
FOLDER = "lists/logs/daily/2026-11-26T01-00Z"
MANIFEST = f"{FOLDER}/manifest.json"


def encoded(key: str) -> str:
    """Return a key as in an inventory: a space is a plus, and slashes are kept."""
    return quote_plus(key, safe="/")


def row(*fields: object) -> str:
    """Return a row."""
    return ",".join(f'"{field}"' for field in fields)


def row_of(key: str, size: int = 1, bucket: str = "logs", written: str = WRITTEN) -> str:
    """Return the row of an object, with the columns of FIELDS."""
    return row(bucket, encoded(key), size, written, "STANDARD")


def inventory(
    files: Sequence[Sequence[str]], fields: Sequence[str] = FIELDS, bucket: str = "logs", into: str = "logs"
) -> dict[str, bytes]:
    """Return the objects of an inventory by key, the manifest among them.

    Args:
        files: The rows of each file.
        fields: The columns.
        bucket: The bucket that is listed.
        into: The bucket that the list is in.
    """
    objects, named = {}, []
    for number, rows in enumerate(files):
        body = gzip.compress("".join(f"{one}\n" for one in rows).encode(), mtime=0)
        key = f"lists/logs/daily/data/{number}.csv.gz"
        objects[key] = body
        named.append(named_file(key, body))
    objects[MANIFEST] = json.dumps(manifest(named, fields, bucket, into)).encode()
    return objects


def named_file(key: str, body: bytes) -> Object:
    """Return what a manifest says of a file."""
    return {"key": key, "size": len(body), "MD5checksum": hashlib.md5(body, usedforsecurity=False).hexdigest()}


def manifest(files: list[Object], fields: Sequence[str] = FIELDS, bucket: str = "logs", into: str = "logs") -> Object:
    """Return a manifest."""
    return {
        "sourceBucket": bucket,
        "destinationBucket": f"arn:aws:s3:::{into}",
        "version": "2016-11-30",
        "creationTimestamp": "1764118800000",
        "fileFormat": "CSV",
        "fileSchema": ", ".join(fields),
        "files": files,
    }


class MemoryObjects:
    """Objects of one bucket, read in ranges that may be shorter than S3's.

    Attributes:
        reads: How many ranges were read.
        largest: The most bytes of a range.
    """

    def __init__(self, objects: dict[str, bytes], most: int = 1 << 20) -> None:
        self.objects = objects
        self.most = most
        self.reads = self.largest = 0
        self.problems: list[AwsError] = []

    async def read(self, bucket: str, key: str, start: int, length: int, etag: str | None) -> Piece:
        """Return a range of an object."""
        if self.problems:
            raise self.problems.pop(0)
        if key not in self.objects:
            raise AwsError("no such key", "NoSuchKey")
        body = self.objects[key]
        tag = hashlib.sha256(body).hexdigest()
        if etag not in (None, tag):
            raise AwsError("it is another one", "PreconditionFailed")
        data = body[start : start + min(length, self.most)]
        self.reads, self.largest = self.reads + 1, max(self.largest, len(data))
        return Piece(data, tag, len(body))


def source_of(**fields: Any) -> dict[str, Any]:
    """Return a source that names the inventory."""
    return {"bucket": "logs", "inventory": {"manifestKey": MANIFEST}, **fields}
