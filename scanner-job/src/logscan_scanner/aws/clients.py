"""Clients of AWS, and what their errors mean for a scan."""

import os
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.session import Session, get_session

from logscan_scanner.aws.models import ServiceModels
from logscan_scanner.errors import (
    AccessDeniedError,
    ArchivedError,
    KeyUnavailableError,
    ObjectNotFoundError,
    RowTooLargeError,
    ScanError,
    SupersededError,
    TryAgainError,
)

NODE_ROLE_VARIABLE = "LOGSCAN_ALLOW_NODE_ROLE"
READ_SECONDS_VARIABLE = "LOGSCAN_READ_SECONDS"  # without a byte, before a connection counts as broken
CONFIG = Config(
    connect_timeout=5,
    read_timeout=float(os.environ.get(READ_SECONDS_VARIABLE, "30")),
    retries={"mode": "standard", "max_attempts": 5},
    s3={"addressing_style": "path"},
)

_MISSING = {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"}
_CHANGED = {"PreconditionFailed", "412"}
_DENIED = {"AccessDenied", "403", "AccessDeniedException", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_GONE = {"NoSuchBucket", "ResourceNotFoundException"}


@cache
def session() -> Session:
    """Return a session that takes its credentials from Pod Identity, IRSA or the environment.

    The role of the node would do too, and every pod of the node has that: it is used only where
    `LOGSCAN_ALLOW_NODE_ROLE` is `true`.
    """
    made = get_session()
    made.register_component("data_loader", ServiceModels())
    if os.environ.get(NODE_ROLE_VARIABLE) != "true":
        made.get_component("credential_provider").remove("iam-role")
    return made


def client(service: str) -> Any:
    """Return a client for the region in `AWS_REGION`, which botocore does not read (only AWS_DEFAULT_REGION).

    Of botocore itself: importing boto3 would make up a quarter of a scan's start.
    """
    return session().create_client(service, region_name=os.environ.get("AWS_REGION"), config=CONFIG)


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
    if code.startswith("KMS") and "hrottl" not in code:
        return KeyUnavailableError(f"{text}: check the state and the policy of the object's KMS key")
    if code in _DENIED:
        return AccessDeniedError(f"{text}: check the role of the scanner's service account")
    if code == "InvalidObjectState":
        return ArchivedError(f"{text}: restore it first, then create the LogScan again")
    if code == "ValidationException" and "tem size" in message:
        return RowTooLargeError(text)
    if status >= 500 or status == 429 or "hrottl" in code or code in ("SlowDown", "ExpiredToken", "RequestTimeout"):
        return TryAgainError(text)
    return ScanError(text)
