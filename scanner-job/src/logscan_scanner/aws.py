"""The two AWS services that the scanner uses, each behind what the scan needs of it: S3 and DynamoDB.

Every failure leaves as a `ScanError`, so that nothing above knows botocore.
"""

import logging
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError
from botocore.session import get_session

from logscan_api.logscans import S3Source
from logscan_scanner.errors import (
    AccessDeniedError,
    ArchivedError,
    ObjectNotFoundError,
    ScanError,
    SupersededError,
    TryAgainError,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

RANGE_BYTES = 8 * 1024 * 1024
PART_BYTES = 512 * 1024
READ_AHEAD = 2
RESUMES = 5
CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "max_attempts": 5},
    s3={"addressing_style": "path"},
)

_MISSING = {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"}
_CHANGED = {"PreconditionFailed", "412"}
_DENIED = {"AccessDenied", "403", "AccessDeniedException", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_GONE = {"NoSuchBucket", "ResourceNotFoundException"}

log = logging.getLogger("logscan.scanner.aws")


def _client(service: str, config: Config) -> Any:
    """Return a client for the region in `AWS_REGION`, which botocore does not read (only AWS_DEFAULT_REGION).

    Of botocore itself: importing boto3 would make up a quarter of a scan's start.
    """
    return get_session().create_client(service, region_name=os.environ.get("AWS_REGION"), config=config)


def translate(error: Exception, what: str, pinned: bool = False) -> ScanError:
    """Return the scan's error for one of botocore's.

    Args:
        error: What botocore raised.
        what: What was tried, for the message: `read s3://logs/app.log`.
        pinned: Whether a certain version was asked for, so that a missing object means a deleted one.
    """
    if isinstance(error, NoCredentialsError):
        return TryAgainError(f"no AWS credentials to {what}: check the scanner's service account and its role")
    if not isinstance(error, ClientError):
        return TryAgainError(f"cannot {what}: {error}")
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = f"cannot {what}: {message or code} ({code})"
    if code in _MISSING:
        return SupersededError(f"{text}: it was deleted") if pinned else ObjectNotFoundError(text)
    if code in _CHANGED:
        return SupersededError(f"{text}: it was overwritten")
    if code in _GONE:
        return ObjectNotFoundError(text)
    if code in _DENIED or code.startswith("KMS"):
        return AccessDeniedError(f"{text}: check the role of the scanner's service account")
    if code == "InvalidObjectState":
        return ArchivedError(f"{text}: restore it first, then create the LogScan again")
    if status >= 500 or status == 429 or "hrottl" in code or code in ("SlowDown", "ExpiredToken", "RequestTimeout"):
        return TryAgainError(text)
    return ScanError(text)


@dataclass(frozen=True)
class StoredObject:
    """An object to read, pinned to what it was when the scan was asked for or began.

    Attributes:
        bucket: Its bucket.
        key: Its key.
        version_id: Version to read, if known.
        etag: Entity tag that it must have, if known.
        size: Its size in bytes, if known.
    """

    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None
    size: int | None = None

    @property
    def pinned(self) -> bool:
        """Return whether one certain content is meant."""
        return bool(self.version_id or self.etag)

    def conditions(self) -> dict[str, str]:
        """Return GetObject's arguments that pin the content."""
        version = {"VersionId": self.version_id} if self.version_id else {}
        return {**version, "IfMatch": f'"{self.etag.strip(chr(34))}"'} if self.etag else version


class Objects:
    """Reads objects from S3."""

    def __init__(self) -> None:
        self._s3: S3Client = _client("s3", CONFIG)

    def find(self, source: S3Source, most: int) -> tuple[list[StoredObject], bool]:
        """Return the objects that a source names, and whether there are more than `most`.

        Raises:
            ScanError: They cannot be listed, or there is none under the prefix.
        """
        if source.key is not None:
            return [StoredObject(source.bucket, source.key, source.version_id, source.etag)], False
        found: list[StoredObject] = []
        pages = self._s3.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=source.bucket, Prefix=source.prefix or ""):
                for entry in page.get("Contents", []):
                    if entry["Size"] and not entry["Key"].endswith("/"):
                        etag = entry["ETag"].strip('"')
                        found.append(StoredObject(source.bucket, entry["Key"], etag=etag, size=entry["Size"]))
                if len(found) > most:
                    return found[:most], True
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"list s3://{source.bucket}/{source.prefix}") from error
        if not found:
            raise ObjectNotFoundError(f"no object under s3://{source.bucket}/{source.prefix}")
        return found, False

    def open(self, wanted: StoredObject) -> tuple[StoredObject, Iterator[bytes]]:
        """Return an object, pinned to the version that was found, and its bytes in order.

        Further ranges are read ahead while the first ones are used, at the most `READ_AHEAD` of `RANGE_BYTES`.

        Raises:
            ScanError: It cannot be read; also while iterating.
        """
        what, pinned = f"read s3://{wanted.bucket}/{wanted.key}", wanted.pinned
        try:
            answer = self._get(wanted, 0, RANGE_BYTES - 1)
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidRange":  # S3's answer to any range of an empty object
                return replace(wanted, size=0), iter(())
            raise translate(error, what, pinned) from error
        except BotoCoreError as error:
            raise translate(error, what, pinned) from error
        found = replace(
            wanted,
            etag=answer["ETag"].strip('"'),
            version_id=answer.get("VersionId") or wanted.version_id,
            size=_whole_size(answer),
        )
        return found, self._ranges(found, answer["Body"])

    def _ranges(self, found: StoredObject, first: Any) -> Iterator[bytes]:
        size = found.size or 0
        starts = iter(range(RANGE_BYTES, size, RANGE_BYTES))
        with ThreadPoolExecutor(READ_AHEAD, "read-ahead") as pool:
            ahead: deque[Future[list[bytes]]] = deque()
            ahead.append(pool.submit(self._read, found, 0, min(RANGE_BYTES, size), first))
            while ahead:
                while len(ahead) <= READ_AHEAD and (start := next(starts, None)) is not None:
                    ahead.append(pool.submit(self._read, found, start, min(start + RANGE_BYTES, size), None))
                parts = ahead.popleft().result()
                parts.reverse()
                while parts:  # given away one by one, so that what is used up is freed
                    yield parts.pop()

    def _read(self, found: StoredObject, start: int, end: int, body: Any) -> list[bytes]:
        """Return a range in parts; a connection that breaks is resumed where it broke."""
        parts: list[bytes] = []
        position, resumes = start, 0
        while position < end:
            try:
                if body is None:
                    body = self._get(found, position, end - 1)["Body"]
                for part in body.iter_chunks(PART_BYTES):
                    parts.append(part)
                    position += len(part)
                body = None
            except (HTTPClientError, BotoCoreError, ClientError) as error:
                resumes, body = resumes + 1, None
                failure = translate(error, f"read s3://{found.bucket}/{found.key} at {position}", pinned=True)
                if resumes > RESUMES or not isinstance(failure, TryAgainError):
                    raise failure from error
                log.info("resuming at %d: %s", position, error)
        return parts

    def _get(self, wanted: StoredObject, start: int, last: int) -> Any:
        arguments: Any = {"Bucket": wanted.bucket, "Key": wanted.key, "Range": f"bytes={start}-{last}"}
        return self._s3.get_object(**{**arguments, **wanted.conditions()})


def _whole_size(answer: Any) -> int:
    """Return an object's size from the answer to its first range.

    AWS always says it in Content-Range; an emulator may send a small object whole instead.
    """
    if "ContentRange" in answer:
        return int(answer["ContentRange"].rsplit("/", 1)[1])
    size = int(answer["ContentLength"])
    if size > RANGE_BYTES:
        raise ScanError("S3 did not honour a ranged GET; is AWS_ENDPOINT_URL right?")
    return size


class Results:
    """Writes rows to the result table."""

    def __init__(self) -> None:
        self._dynamodb: DynamoDBClient = _client("dynamodb", CONFIG)

    def write(self, table: str, item: dict[str, Any], now: int) -> dict[str, Any]:
        """Write a row unless a finished one is there; return the row that is there now.

        An item past its TTL counts as absent: DynamoDB may take days to drop it.

        Args:
            table: Name of the table.
            item: The row.
            now: The time, in seconds since the epoch.

        Raises:
            ScanError: DynamoDB refused or cannot be reached.
        """
        from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

        serialize, deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize
        try:
            self._dynamodb.put_item(
                TableName=table,
                Item={name: serialize(value) for name, value in item.items()},
                ConditionExpression="attribute_not_exists(pk) OR #status <> :done OR expires_at < :now",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":done": {"S": "done"}, ":now": {"N": str(now)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            return item
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            old = cast("dict[str, Any]", error.response)["Item"]
            return {name: deserialize(value) for name, value in old.items()}
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"write the result to the table {table}") from error
