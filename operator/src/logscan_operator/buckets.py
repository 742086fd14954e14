"""Buckets: lists their keys, and reads ranges of their objects."""

import threading
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from logscan_api.roles import AssumedRole
from logscan_operator import assuming, listxml
from logscan_operator.calls import client, in_a_thread, own_errors
from logscan_operator.errors import AwsError
from logscan_operator.inventoryfiles import Piece
from logscan_operator.listings import Listed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


ROLES = 32  # whose clients are kept: one takes 18 ms of CPU and 0.5 MB, and the first 13 MB (measured)


class Buckets:
    """Lists and reads buckets. Its client is made when it is first needed: few operators ever list anything."""

    def __init__(self, role: AssumedRole | None = None) -> None:
        """Do nothing yet.

        Args:
            role: The role that lists and reads; None for the operator's own.
        """
        self._role = role
        self._s3: S3Client | None = None
        self._making = threading.Lock()
        self._of_role = lru_cache(ROLES)(Buckets)

    def assuming(self, role: AssumedRole | None) -> "Buckets":
        """Return the same buckets, listed and read in a role; None is the operator's own."""
        return self if role is None else self._of_role(role)

    async def listed(self, bucket: str, prefix: str, after: str | None) -> tuple[list[Listed], bool]:
        """Return the next keys under a prefix, up to a thousand, in S3's order, and whether more follow.

        Args:
            bucket: The bucket.
            prefix: What the keys begin with.
            after: The key that the last call ended with; None to begin.

        Raises:
            AwsError: The bucket was not listed.
        """
        with own_errors():
            return await in_a_thread(partial(self._listed, bucket, prefix, after))

    def _listed(self, bucket: str, prefix: str, after: str | None) -> tuple[list[Listed], bool]:
        start: Any = {"StartAfter": after} if after is not None else {}
        try:
            answer: Any = self._client().list_objects_v2(Bucket=bucket, Prefix=prefix, **start)
        except ValueError as error:
            raise AwsError(str(error)) from error
        entries, more = answer[listxml.FOUND]
        return entries, more

    async def read(self, bucket: str, key: str, start: int, length: int, etag: str | None) -> Piece:
        """Return a range of an object; of an empty one the whole.

        Args:
            bucket: The bucket.
            key: The object's key.
            start: The first byte.
            length: The number of bytes, at most.
            etag: The entity tag that the object must have, if any.

        Raises:
            AwsError: It was not read.
        """
        try:
            with own_errors():
                return await in_a_thread(partial(self._read, bucket, key, start, length, etag))
        except AwsError as error:
            if error.code == "InvalidRange" and start == 0:
                return Piece(b"", "", 0)
            raise

    def _read(self, bucket: str, key: str, start: int, length: int, etag: str | None) -> Piece:
        condition: Any = {"IfMatch": etag} if etag is not None else {}
        wanted = f"bytes={start}-{start + length - 1}"
        answer = self._client().get_object(Bucket=bucket, Key=key, Range=wanted, **condition)
        size = answer.get("ContentRange", "").rpartition("/")[2]
        if not size.isdecimal():
            raise AwsError("S3 did not answer with the range that was asked for")
        return Piece(answer["Body"].read(), answer["ETag"], int(size))

    def _client(self) -> "S3Client":
        with self._making:
            if self._s3 is None:
                retries: Any = {"mode": "standard", "max_attempts": 3}
                config, role = Config(connect_timeout=5, read_timeout=30, retries=retries), self._role
                self._s3 = client("s3", config) if role is None else assuming.client("s3", config, role)
                self._s3.meta.events.register("before-parse.s3.ListObjectsV2", listxml.take_over)
            return self._s3
