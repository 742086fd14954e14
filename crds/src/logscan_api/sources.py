"""Where the logs of a scan are: one object in S3, or all objects under a prefix."""

from pydantic import ConfigDict, Field

from logscan_api.buckets import BucketName
from logscan_api.models import MOST, Model
from logscan_api.schema import cel


class S3Source(Model):
    """The object, or all objects under a prefix."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "has(self.key) != has(self.prefix)",
                    "set exactly one of key (one object) and prefix (all objects under it)",
                ),
                cel(
                    "has(self.key) || !(has(self.versionId) || has(self.etag) || has(self.sequencer))",
                    "versionId, etag and sequencer belong to one object: remove them or set key instead of prefix",
                ),
                *(
                    cel(
                        f"!has(self.{field}) || size(bytes(self.{field})) <= 1024",
                        f"{field} has at most 1024 bytes (UTF-8), as in S3",
                    )
                    for field in ("key", "prefix", "versionId")
                ),
            ]
        }
    )

    bucket: BucketName
    key: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="Key of the object, not URL-encoded.",
    )
    prefix: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="Scan all objects whose key starts with this.",
    )
    version_id: str | None = Field(
        default=None, max_length=1024, description="Version to scan (default: the newest when the scan starts)."
    )
    etag: str | None = Field(
        default=None,
        max_length=128,
        description="Entity tag that the object must still have; a different one means that it was overwritten.",
    )
    size: int | None = Field(default=None, ge=0, le=MOST, description="Object size in bytes, as reported by the event.")
    sequencer: str | None = Field(
        default=None, max_length=64, description="S3's sequencer of the event, which orders the events of one key."
    )


class Source(Model):
    """Where the logs are."""

    s3: S3Source
