"""Objects in S3, read in ranges that are fetched ahead."""

import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from logscan_api.exitcodes import ExitCode
from logscan_api.identity import padded_sequencer
from logscan_api.roles import AssumedRole
from logscan_api.sources import S3Source
from logscan_scanner.aws import roles, tags
from logscan_scanner.aws.clients import OWN_ROLE, client, session, translate
from logscan_scanner.aws.direct import Direct
from logscan_scanner.errors import ScanError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RANGE_BYTES = 4 * 1024 * 1024
BEGINNING_BYTES = 512 * 1024  # of one of several objects: most are smaller, and several are held at once
PART_BYTES = 512 * 1024
READ_AHEAD = 2
RESUMES = 5

log = logging.getLogger("logscan.scanner.aws")


@dataclass(frozen=True)
class StoredObject:
    """An object to read, pinned to what it was when the scan was asked for or began.

    Attributes:
        bucket: Its bucket.
        key: Its key.
        version_id: Version to read, if known.
        etag: Entity tag that it must have, if known.
        size: Its size in bytes, if known.
        modified: When it was written, if known.
    """

    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None
    size: int | None = None
    modified: datetime | None = None

    @classmethod
    def of(cls, source: S3Source) -> Self:
        """Return the object that a source with a key names."""
        return cls(source.bucket, source.key or "", source.version_id, source.etag)

    @property
    def pinned(self) -> bool:
        """Return whether one certain content is meant."""
        return bool(self.version_id or self.etag)

    def order(self, sequencer: str | None) -> str:
        """Return what orders the versions of one key: when they were written, then S3's sequencer."""
        written = self.modified.astimezone(UTC).isoformat(timespec="seconds") if self.modified else ""
        return f"{written}#{padded_sequencer(sequencer) if sequencer else ''}"

    def conditions(self) -> dict[str, str]:
        """Return GetObject's arguments that pin the content."""
        version = {"VersionId": self.version_id} if self.version_id else {}
        return {**version, "IfMatch": f'"{self.etag.strip(chr(34))}"'} if self.etag else version


class Objects:
    """Reads objects from S3."""

    def __init__(self, role: AssumedRole | None = None) -> None:
        """Read nothing yet.

        Args:
            role: The role that reads; None for the pod's own.
        """
        self._session = session() if role is None else roles.session_in(role)
        self._role = OWN_ROLE if role is None else role.arn
        self._s3: S3Client = client("s3", self._session)
        self._direct: dict[str, Direct] = {}
        self._learning = Lock()

    def open(self, wanted: StoredObject) -> tuple[StoredObject, Iterator[bytes]]:
        """Return an object, pinned to the version that was found, and its bytes in order.

        Further ranges are read ahead while the first ones are used, at most `READ_AHEAD` of `RANGE_BYTES`.

        Raises:
            ScanError: The object cannot be read. Iterating raises this too.
        """
        found, body = self._first(wanted, RANGE_BYTES)
        return found, self._ranges(found, 0, body)

    def begin(self, wanted: StoredObject) -> tuple[StoredObject, bytes]:
        """Return an object, pinned to the version that was found, and its first `BEGINNING_BYTES`, in one request.

        Raises:
            ScanError: The object cannot be read.
        """
        direct = self._begin(wanted)
        if direct is not None:
            return direct
        found, body = self._first(wanted, BEGINNING_BYTES)
        return found, b"".join(self._read(found, 0, min(BEGINNING_BYTES, found.size or 0), body))

    def tag(self, found: StoredObject, name: str, value: str) -> None:
        """Tag an object as it was read, and keep its other tags.

        Raises:
            ScanError: It was not tagged.
        """
        version = {"VersionId": found.version_id} if found.version_id else {}
        tags.put(self._s3, {"Bucket": found.bucket, "Key": found.key, **version}, name, value, self._role)

    def _begin(self, wanted: StoredObject) -> tuple[StoredObject, bytes] | None:
        """Return what `begin` does if nothing is in the way."""
        with self._learning:
            direct = self._direct.get(wanted.bucket)
            if direct is None:
                direct = self._direct[wanted.bucket] = Direct(self._s3, "GetObject", self._session, wanted.bucket)
        version = f"?versionId={quote(wanted.version_id, safe='-_.~')}" if wanted.version_id else ""
        headers = {"Range": f"bytes=0-{BEGINNING_BYTES - 1}"}
        if wanted.etag:
            headers["If-Match"] = wanted.conditions()["IfMatch"]
        answer = direct.send("GET", quote(wanted.key, safe="/~") + version, headers)
        if answer is None:
            return None
        told, body = answer.headers, answer.content
        total, modified = told.get("Content-Range", "").rpartition("/")[2], told.get("Last-Modified")
        if not total.isdecimal() or not told.get("ETag") or modified is None:
            return None  # not as S3 answers
        found = replace(
            wanted,
            etag=told["ETag"].strip('"'),
            version_id=told.get("x-amz-version-id") or wanted.version_id,
            size=int(total),
            modified=parsedate_to_datetime(modified),
        )
        return (found, body) if len(body) == min(BEGINNING_BYTES, int(total)) else None

    def rest(self, found: StoredObject) -> Iterator[bytes]:
        """Return the bytes that follow those of `begin`, as `open` does."""
        return self._ranges(found, BEGINNING_BYTES, None)

    def _first(self, wanted: StoredObject, size: int) -> tuple[StoredObject, Any]:
        """Return an object as it was found, and the body of the answer to its first range; None for an empty one."""
        what, pinned = f"read s3://{wanted.bucket}/{wanted.key}", wanted.pinned
        try:
            answer = self._get(wanted, 0, size - 1)
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidRange":  # S3's answer to any range of an empty object
                return replace(wanted, size=0), None
            raise translate(error, what, pinned, self._role) from error
        except BotoCoreError as error:
            raise translate(error, what, pinned, self._role) from error
        found = replace(
            wanted,
            etag=answer["ETag"].strip('"'),
            version_id=answer.get("VersionId") or wanted.version_id,
            size=_whole_size(answer, what, self._s3.meta.endpoint_url),
            modified=answer.get("LastModified"),
        )
        return found, answer["Body"]

    def _ranges(self, found: StoredObject, begin: int, first: Any) -> Iterator[bytes]:
        size = found.size or 0
        starts, body = iter(range(begin, size, RANGE_BYTES)), first
        with ThreadPoolExecutor(READ_AHEAD, "read-ahead") as pool:
            ahead: deque[Future[list[bytes]]] = deque()
            while True:
                while len(ahead) <= READ_AHEAD and (start := next(starts, None)) is not None:
                    ahead.append(pool.submit(self._read, found, start, min(start + RANGE_BYTES, size), body))
                    body = None
                if not ahead:
                    return
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
                failure = self._broken(error, found, position)
                if resumes > RESUMES or failure.code is not ExitCode.TRY_AGAIN:
                    raise failure from error
                log.info("resuming at %d: %s", position, error)
        return parts

    def _broken(self, error: Exception, found: StoredObject, position: int) -> ScanError:
        return translate(error, f"read s3://{found.bucket}/{found.key} at {position}", pinned=True, role=self._role)

    def _get(self, wanted: StoredObject, start: int, last: int) -> Any:
        arguments: Any = {"Bucket": wanted.bucket, "Key": wanted.key, "Range": f"bytes={start}-{last}"}
        return self._s3.get_object(**{**arguments, **wanted.conditions()})


def _whole_size(answer: Any, what: str, endpoint: str) -> int:
    """Return an object's size from the answer to its first range.

    S3 always sends Content-Range (S3 API, "GetObject"). An answer without it has the whole object, of any size.

    Raises:
        ScanError: The answer has no Content-Range.
    """
    total = str(answer.get("ContentRange", "")).rpartition("/")[2]
    if total.isdecimal():
        return int(total)
    raise ScanError(
        f"cannot {what}: {endpoint} answered a request for a range without Content-Range, as S3 does not: "
        "check AWS_ENDPOINT_URL, and whether a proxy drops the header Range"
    )
