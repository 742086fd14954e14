"""Calls of AWS, whose errors become one line that says what to do."""

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from kubectl_logscan.errors import AwsError

PERMISSION_ERRORS = ("AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException")

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
        hint = ": check your credentials, and the permission for it" if facts["Code"] in PERMISSION_ERRORS else ""
        raise AwsError(f"{what}: {facts['Code']}: {' '.join(facts['Message'].split())}{hint}") from error
    except BotoCoreError as error:
        hint = "set AWS_PROFILE and AWS_DEFAULT_REGION, and try `aws sts get-caller-identity`"
        raise AwsError(f"{what}: {' '.join(str(error).split())} ({hint})") from error
