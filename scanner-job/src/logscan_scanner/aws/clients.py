"""Clients of AWS, and what their errors mean for a scan."""

import os
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.session import Session, get_session

from logscan_api.exitcodes import ExitCode
from logscan_scanner.aws.models import ServiceModels
from logscan_scanner.errors import RowTooLargeError, ScanError

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
        message = f"no AWS credentials to {what}: check the scanner's service account and its role"
        return ScanError(message, ExitCode.TRY_AGAIN)
    if not isinstance(error, ClientError):
        return ScanError(f"cannot {what}: {error}", ExitCode.TRY_AGAIN)
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    ending, advice = _ending(code, status, pinned)
    text = f"cannot {what}: {message or code} ({code}){advice}"
    too_large = code == "ValidationException" and "tem size" in message
    return RowTooLargeError(text) if too_large else ScanError(text, ending)


def _ending(code: str, status: int, pinned: bool) -> tuple[ExitCode, str]:
    """Return how the process ends for one of AWS's errors, and what to add to the message."""
    if code in _MISSING and pinned:
        return ExitCode.SUPERSEDED, ": it was deleted"
    if code in _MISSING or code in _GONE:
        return ExitCode.OBJECT_NOT_FOUND, ""
    if code in _CHANGED:
        return ExitCode.SUPERSEDED, ": it was overwritten"
    if code.startswith("KMS") and "hrottl" not in code:
        return ExitCode.KEY_UNAVAILABLE, ": check the state and the policy of the object's KMS key"
    if code in _DENIED:
        return ExitCode.ACCESS_DENIED, ": check the role of the scanner's service account"
    if code == "InvalidObjectState":
        return ExitCode.ARCHIVED, ": restore it first, then create the LogScan again"
    if status >= 500 or status == 429 or "hrottl" in code or code in ("SlowDown", "ExpiredToken", "RequestTimeout"):
        return ExitCode.TRY_AGAIN, ""
    return ExitCode.INTERNAL_ERROR, ""
