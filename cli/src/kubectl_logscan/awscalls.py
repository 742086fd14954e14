"""Calls of AWS, whose errors become one line that says what to do."""

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from kubectl_logscan.errors import AwsError

PERMISSION, NAME = "check your credentials, and the permission for it", "check the name, the account and the region"
HINTS = {
    "AccessDeniedException": PERMISSION,
    "AccessDenied": PERMISSION,
    "UnrecognizedClientException": PERMISSION,
    "ExpiredTokenException": PERMISSION,
    "ResourceNotFoundException": NAME,
    "AWS.SimpleQueueService.NonExistentQueue": NAME,
    "NoSuchBucket": NAME,
}

T = TypeVar("T")


def asked(call: Callable[[], T], what: str) -> T:
    """Return what a call of AWS returns.

    Raises:
        AwsError: It did not answer, or refused.
    """
    try:
        return call()
    except ClientError as error:
        facts = error.response["Error"]
        hint = HINTS.get(facts["Code"])
        said = f"{what}: {facts['Code']}: {' '.join(facts['Message'].split())}"
        raise AwsError(f"{said}: {hint}" if hint else said) from error
    except BotoCoreError as error:
        hint = "set AWS_PROFILE and AWS_DEFAULT_REGION, and try `aws sts get-caller-identity`"
        raise AwsError(f"{what}: {' '.join(str(error).split())} ({hint})") from error
