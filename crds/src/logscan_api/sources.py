"""Where the logs of a scan are: one object in S3, several objects, or all objects under a prefix."""

from os.path import commonprefix
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, ConfigDict, Field

from logscan_api.buckets import BucketName
from logscan_api.models import MOST, Model
from logscan_api.quantities import Quantity
from logscan_api.schema import cel
from logscan_api.sizes import own_bound

MOST_OBJECTS = 1000
# Of all texts of a list of objects. Such a list, keys that cannot be compressed and the tokens of all rows included,
# still fits into a Job beside the largest spec; `crds/tests/test_requests.py` holds it to that.
OBJECTS_BYTES = 192 * 1024
TIME_LENGTH = 64
# With the small letters that RFC 3339 allows too, the API server would store a time that its rules cannot read at the
# next update, which it then refuses, whatever is changed.
TIME: dict[str, Any] = {"maxLength": TIME_LENGTH, "pattern": r"^[0-9-]+T[0-9:.]+(Z|[+-][0-9:]+)$"}
MOST_CHILDREN = 20  # of a prefix, unfinished at the same time
S3_BYTES = 1024  # of a key, https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html


Glob = Annotated[str, Field(min_length=1, max_length=1024)]
Globs = Annotated[list[Glob], Field(min_length=1, max_length=50)]
OF_PREFIX = (
    "include",
    "exclude",
    "modifiedAfter",
    "modifiedBefore",
    "maxObjects",
    "pageObjects",
    "pageBytes",
    "parallelism",
)


def _fits(text: str) -> str:
    return f"size(bytes({text})) <= {S3_BYTES}"


def _within_s3(*fields: str) -> list[Any]:
    """Return CEL rules for the number of bytes of some fields: the schema counts characters."""
    return [
        cel(
            f"!has(self.{field}) || {_fits(f'self.{field}')}",
            f"{field} has at most {S3_BYTES} bytes (UTF-8), as in S3",
        )
        for field in fields
    ]


def _each_within_s3() -> Any:
    """Return the CEL rule for the number of bytes in each object of a list.

    It is a rule of the list, because the API server knows no old value of an item, and would evaluate it at each write.
    """
    return cel(
        f"self.all(o, {_fits('o.key')} && (!has(o.versionId) || {_fits('o.versionId')}))",
        f"key and versionId of each object have at most {S3_BYTES} bytes (UTF-8), as in S3",
    )


class S3Object(Model):
    """One of several objects of a bucket."""

    key: str = Field(min_length=1, max_length=1024, description="Key of the object, not URL-encoded.")
    version_id: str | None = Field(
        default=None, max_length=1024, description="Version to scan (default: the newest when the scan starts)."
    )
    etag: str | None = Field(default=None, max_length=128, description="Entity tag that the object must still have.")
    size: int | None = Field(default=None, ge=0, le=MOST, description="Object size in bytes.")
    sequencer: str | None = Field(default=None, max_length=64, description="S3's sequencer of the object's event.")


class Inventory(Model):
    """A list of a bucket's objects that S3 Inventory has written."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": _within_s3("manifestKey")})

    bucket: BucketName | None = Field(
        default=None, description="Bucket that the list is in (default: the bucket of the objects)."
    )
    manifest_key: str = Field(
        min_length=1,
        max_length=1024,
        description="Key of the list's manifest, such as `inventory/logs/daily/2026-11-26T01-00Z/manifest.json`. Its "
        "format must be CSV, with the fields Size and LastModifiedDate.",
    )


class S3Source(Model):
    """The object, several objects, or all objects under a prefix."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "[has(self.key), has(self.objects), has(self.prefix) || has(self.inventory)]"
                    ".filter(set, set).size() == 1",
                    "set exactly one of key (one object), objects (a list of objects) and prefix (all objects under "
                    "it); inventory goes with prefix, or stands alone",
                ),
                cel(
                    "has(self.key) || !(has(self.versionId) || has(self.etag) || has(self.sequencer))",
                    "versionId, etag and sequencer belong to one object: remove them, set key, or set them in objects",
                ),
                cel(
                    "has(self.prefix) || has(self.inventory) || "
                    f"!({' || '.join(f'has(self.{field})' for field in OF_PREFIX)})",
                    f"{', '.join(OF_PREFIX)} belong to a prefix: remove them, or set prefix or inventory",
                ),
                cel(
                    "!has(self.modifiedAfter) || !has(self.modifiedBefore) || self.modifiedAfter < self.modifiedBefore",
                    "modifiedAfter must be before modifiedBefore: no object would be between them",
                ),
                *_within_s3("key", "prefix", "versionId"),
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
    objects: Annotated[list[S3Object], Field(min_length=1, max_length=MOST_OBJECTS)] | None = Field(
        default=None,
        json_schema_extra={**own_bound(OBJECTS_BYTES), "x-kubernetes-validations": [_each_within_s3()]},
        description=f"Up to {MOST_OBJECTS} objects, each key once, to which the same LogScanPolicy applies. One Job "
        "scans them all. Each has a row of its own, and an object that cannot be read fails no other.",
    )
    prefix: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="Scan all objects whose key starts with this. The operator lists them, and makes LogScans for "
        "some hundred objects at a time, which run the scan.",
    )
    inventory: Inventory | None = Field(
        default=None,
        description="Take the keys from a list that S3 Inventory has written, and not from a listing of the bucket, "
        "which takes hours for hundreds of millions of objects. Without a prefix, all of them.",
    )
    include: Globs | None = Field(
        default=None,
        description="Under a prefix: globs of the keys to scan (default: all). `*` matches within a path segment, `**` "
        "across segments, `?` one character.",
    )
    exclude: Globs | None = Field(default=None, description="Under a prefix: globs of keys that are left out.")
    modified_after: AwareDatetime | None = Field(
        default=None,
        json_schema_extra=TIME,
        description="Under a prefix: only objects that were written at this time or later.",
    )
    modified_before: AwareDatetime | None = Field(
        default=None,
        json_schema_extra=TIME,
        description="Under a prefix: only objects that were written before this time (default: a minute after the scan "
        "began, so that it has an end).",
    )
    max_objects: int | None = Field(
        default=None,
        ge=1,
        le=MOST,
        description="Under a prefix: scan this many objects at most, the first by key (default: no limit).",
    )
    page_objects: int | None = Field(
        default=None,
        ge=1,
        le=MOST_OBJECTS,
        description="Under a prefix: objects of one Job, at most (default 500).",
    )
    page_bytes: Quantity | None = Field(
        default=None, description="Under a prefix: size of the objects of one Job together (default 2Gi)."
    )
    parallelism: int | None = Field(
        default=None,
        ge=1,
        le=MOST_CHILDREN,
        description="Under a prefix: LogScans that are unfinished at the same time (default 5).",
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

    @property
    def keys(self) -> list[str]:
        """Return the keys that decide which policy applies: of the objects, or the prefix."""
        return [found.key for found in self.objects] if self.objects else [self.key or self.prefix or ""]

    @property
    def lists(self) -> bool:
        """Return whether the keys are not named here, but must be listed."""
        return self.prefix is not None or self.inventory is not None

    @property
    def each(self) -> list[Self]:
        """Return a source for each of several objects."""
        return [type(self)(bucket=self.bucket, **found.model_dump()) for found in self.objects or []]

    @property
    def common(self) -> str:
        """Return the key, the prefix, or what the keys of several objects begin with."""
        return commonprefix(self.keys)  # noqa: RUF071 - a character at a time, as S3's prefixes are


class Source(Model):
    """Where the logs are."""

    s3: S3Source
