"""Objects written to S3 while they are made."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from logscan_scanner.aws.clients import client, translate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 8 * 1024 * 1024  # S3 accepts no part below 5 MiB except the last


class Upload:
    """One object: put whole if it is small, else in parts."""

    def __init__(self, bucket: str, key: str, content_type: str) -> None:
        """Name the object and say what it is; nothing is sent before a part is full."""
        self.uri = f"s3://{bucket}/{key}"
        self._type = content_type
        self._s3: S3Client = client("s3")
        self._bucket, self._key = bucket, key
        self._buffer = bytearray()
        self._id: str | None = None
        self._parts: list[CompletedPartTypeDef] = []

    def write(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            ScanError: S3 refused or cannot be reached.
        """
        self._buffer += data
        if len(self._buffer) >= PART_BYTES:
            self._send()

    def close(self) -> None:
        """Finish the object, which does not exist before.

        Raises:
            ScanError: S3 refused or cannot be reached.
        """
        try:
            if self._id is None:
                body = bytes(self._buffer)
                self._s3.put_object(Bucket=self._bucket, Key=self._key, Body=body, ContentType=self._type)
                return
            if self._buffer:
                self._send()
            self._s3.complete_multipart_upload(
                Bucket=self._bucket, Key=self._key, UploadId=self._id, MultipartUpload={"Parts": self._parts}
            )
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"write {self.uri}") from error

    def abort(self) -> None:
        """Abort the upload, so that S3 neither keeps nor bills its parts."""
        if self._id is not None:
            try:
                self._s3.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._id)
            except (ClientError, BotoCoreError) as error:
                raise translate(error, f"abort {self.uri}") from error

    def _send(self) -> None:
        try:
            if self._id is None:
                self._id = self._s3.create_multipart_upload(Bucket=self._bucket, Key=self._key, ContentType=self._type)[
                    "UploadId"
                ]
            number = len(self._parts) + 1
            sent = self._s3.upload_part(
                Bucket=self._bucket, Key=self._key, UploadId=self._id, PartNumber=number, Body=bytes(self._buffer)
            )
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"write {self.uri}") from error
        self._parts.append({"ETag": sent["ETag"], "PartNumber": number})
        self._buffer.clear()
