"""Names of S3 buckets."""

from typing import Annotated

from pydantic import Field

# S3 user guide, "Bucket naming rules": since March 2018 a name has up to 63 lower-case letters, digits, dots and
# hyphens. Buckets made in us-east-1 before may have up to 255 characters, capitals and underscores, and they still
# work. A dot neither begins nor ends a name, so that no name is a relative path.
BUCKET_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]+[A-Za-z0-9_-]$"
BUCKET_LEAST, BUCKET_MOST = 3, 255

BucketName = Annotated[
    str,
    Field(
        min_length=BUCKET_LEAST,
        max_length=BUCKET_MOST,
        pattern=BUCKET_PATTERN,
        description="Name of the bucket, or the alias of an access point; an ARN is refused.",
    ),
]
