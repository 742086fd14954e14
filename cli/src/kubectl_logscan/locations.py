"""Addresses of objects in S3, as the AWS CLI writes them."""

from pydantic import ValidationError

from kubectl_logscan.errors import UsageError
from logscan_api.explanations import explain
from logscan_api.sources import S3Source

SCHEME = "s3://"


def source_of(address: str) -> S3Source:
    """Return what an address names: an object, or with `*` or `/` at its end all objects under a prefix.

    Raises:
        UsageError: It is no such address.
    """
    bucket, _, key = address.removeprefix(SCHEME).partition("/")
    if not address.startswith(SCHEME) or not bucket or not key:
        raise UsageError(
            f"{address} is no address: write s3://BUCKET/KEY, or s3://BUCKET/PREFIX* for all objects under it"
        )
    prefix = key.removesuffix("*") if key.endswith(("*", "/")) else None
    try:
        if prefix is not None:
            return S3Source(bucket=bucket, prefix=prefix)
        return S3Source(bucket=bucket, key=key)
    except ValidationError as error:
        raise UsageError(f"{address}: {explain(error, S3Source)}") from error
