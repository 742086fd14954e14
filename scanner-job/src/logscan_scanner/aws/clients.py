"""Clients of AWS, and what their errors mean for a scan."""

import os
from collections.abc import Mapping
from functools import cache
from math import inf
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.session import Session, get_session

from logscan_api.exitcodes import ExitCode
from logscan_scanner.aws.models import ServiceModels
from logscan_scanner.errors import RowTooLargeError, ScanError

READ_SECONDS_VARIABLE = "LOGSCAN_READ_SECONDS"
READ_SECONDS = 30.0
CONNECTIONS = 20  # to a service: of several objects in flight, and of one that is read ahead
OWN_ROLE = "the role of the scanner's service account"

_MISSING = {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"}
_CHANGED = {"PreconditionFailed", "412"}
_DENIED = {"AccessDenied", "403", "AccessDeniedException", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_GONE = {"NoSuchBucket", "ResourceNotFoundException"}


@cache
def session() -> Session:
    """Return a session that takes its credentials from Pod Identity, IRSA or the environment.

    The role of the node would do too. That every pod of a node has, so the Job's environment shuts it off
    (`AWS_EC2_METADATA_DISABLED`).
    """
    return new_session()


def new_session() -> Session:
    """Return a session that loads no more of botocore's data than a scan uses."""
    made = get_session()
    made.register_component("data_loader", ServiceModels())
    return made


def read_seconds(environment: Mapping[str, str] = os.environ) -> float:
    """Return how many seconds a connection may be silent before it counts as broken.

    Raises:
        ScanError: The variable is not a number of seconds.
    """
    text = environment.get(READ_SECONDS_VARIABLE)
    if text is None:
        return READ_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds < inf:
        message = f"{READ_SECONDS_VARIABLE}={text!r} is not valid: must be a number of seconds, 1 or more"
        raise ScanError(message, ExitCode.BAD_REQUEST)
    return seconds


def config() -> Config:
    """Return what all clients have in common.

    Raises:
        ScanError: A variable of the environment is not valid.
    """
    return Config(
        connect_timeout=5,
        max_pool_connections=CONNECTIONS,
        read_timeout=read_seconds(),
        retries={"mode": "standard", "max_attempts": 5},
    )


def client(service: str, by: Session | None = None) -> Any:
    """Return a client for the region in `AWS_REGION`, which botocore does not read (only AWS_DEFAULT_REGION).

    It is one of botocore, not of boto3: importing boto3 would make up a quarter of a scan's start.

    Args:
        service: The service.
        by: Whose client it is; None for the pod's own.

    Raises:
        ScanError: A variable of the environment is not valid.
    """
    return (by or session()).create_client(service, region_name=os.environ.get("AWS_REGION"), config=config())


def translate(error: Exception, what: str, pinned: bool = False, role: str = OWN_ROLE) -> ScanError:
    """Return the scan's error for one of botocore's.

    Args:
        error: What botocore raised.
        what: What was tried, for the message: `read s3://logs/app.log`.
        pinned: Whether a certain version was asked for, so that a missing object means a deleted one.
        role: In which role it was tried, for the message.
    """
    if isinstance(error, NoCredentialsError):
        message = f"no AWS credentials to {what}: check the scanner's service account and its role"
        return ScanError(message, ExitCode.TRY_AGAIN)
    if not isinstance(error, ClientError):
        return ScanError(f"cannot {what}: {error}", ExitCode.TRY_AGAIN)
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    ending, advice = _ending(code, status, pinned, role)
    text = f"cannot {what}: {message or code} ({code}){advice}"
    too_large = code == "ValidationException" and "tem size" in message
    return RowTooLargeError(text) if too_large else ScanError(text, ending)


def _ending(code: str, status: int, pinned: bool, role: str) -> tuple[ExitCode, str]:
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
        return ExitCode.ACCESS_DENIED, f": check {role}"
    if code == "InvalidObjectState":
        return ExitCode.ARCHIVED, ": restore it first, then create the LogScan again"
    if status >= 500 or status == 429 or "hrottl" in code or code in ("SlowDown", "ExpiredToken", "RequestTimeout"):
        return ExitCode.TRY_AGAIN, ""
    return ExitCode.INTERNAL_ERROR, ""
