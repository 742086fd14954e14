"""Moto's S3 and DynamoDB, and scans of the objects in them."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from moto import mock_aws

from logscan_api.logscans import Limits
from logscan_api.requests import ScanIdentity, ScanRequest, resolve_limits
from logscan_api.results import ScanResult
from logscan_api.rules import Rule, Severity
from logscan_api.sources import S3Source
from logscan_api.statuses import ResultRef
from logscan_api.table import LATEST, table_definition
from logscan_scanner import aws, runner
from logscan_scanner.aws.clients import session

TEXT = b"".join(b"line %d %s\n" % (n, b"ERROR" if n % 10 == 0 else b"ok") for n in range(1000))


@pytest.fixture(scope="module")
def emulated() -> Iterator[Any]:
    """Yield clients of S3 and DynamoDB. Creating them is slow, so a module shares them."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in (
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ):
            patch.setenv(name, value)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="app-logs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_bucket_versioning(Bucket="app-logs", VersioningConfiguration={"Status": "Enabled"})
        session.cache_clear()
        yield s3, boto3.client("dynamodb")
        session.cache_clear()


@pytest.fixture
def cloud(emulated: Any) -> Iterator[Any]:
    """Yield an S3 client. Its bucket exists, and the result table is empty."""
    s3, dynamodb = emulated
    dynamodb.create_table(**table_definition("results"))
    yield s3
    with suppress(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.delete_table(TableName="results")


def request(
    limits: Limits | None = None,
    rules: list[Rule] | None = None,
    more: dict[str, Any] | None = None,
    row: str = "S#1#h",
    **source: Any,
) -> ScanRequest:
    return ScanRequest(
        **(more or {}),
        scan=ScanIdentity(namespace="n", name="s", uid="u", attempt=1),
        source=S3Source.model_validate({"bucket": "app-logs", **source}),
        rules=rules or [Rule(name="err", pattern="ERROR"), Rule(name="nine", pattern="9 ", severity=Severity.INFO)],
        limits=resolve_limits(limits),
        tokens=["t" * 64],
        result=ResultRef(table="results", pk="O#logs#a", sk=row),
    )


def run(wanted: ScanRequest, job_uid: str = "job-1") -> ScanResult:
    return runner.run(wanted, aws.Objects(), aws.Results(), job_uid)


def rows() -> list[dict[str, Any]]:
    return [row for row in everything() if row["sk"] != LATEST]


def everything() -> list[dict[str, Any]]:
    return boto3.resource("dynamodb").Table("results").scan()["Items"]
