"""Files put into a bucket, and the LogScans they become.

A LogScan's name is the operator's business, so it is found by what it scans.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from logscan_local.stack.errors import StackError
from logscan_local.stack.kubectl import Object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class StoredFile:
    """A file that is in a bucket.

    Attributes:
        bucket: The bucket.
        key: Its key.
        version_id: Its version, where the bucket keeps versions.
        etag: Its entity tag, without quotes.
        size: Its size in bytes.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str
    size: int

    def is_source_of(self, scan: Object) -> bool:
        """Return whether a LogScan scans this very version."""
        source = scan["spec"]["source"]["s3"]
        if (source.get("bucket"), source.get("key")) != (self.bucket, self.key):
            return False
        if self.version_id:
            return bool(source.get("versionId") == self.version_id)
        return bool(source.get("etag") == self.etag)


def put_file(s3: "S3Client", path: Path, bucket: str, key: str) -> StoredFile:
    """Upload a file of any size, in parts if it is large, and return what is stored.

    The entity tag comes from S3: that of an upload in parts is not the content's MD5 (S3 user guide, "Checking object
    integrity").

    Raises:
        StackError: It cannot be uploaded.
    """
    try:
        s3.upload_file(str(path), bucket, key)
        head = s3.head_object(Bucket=bucket, Key=key)
    except (S3UploadFailedError, ClientError, BotoCoreError, OSError) as error:
        raise StackError(f"{path} cannot be uploaded to s3://{bucket}/{key}: {error}") from error
    return StoredFile(bucket, key, head.get("VersionId"), head["ETag"].strip('"'), head["ContentLength"])
