"""The clients of AWS: what the environment configures, and how AWS errors end a scan."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError
from botocore.session import get_session

from logscan_api.exitcodes import ExitCode
from logscan_scanner.aws import clients
from logscan_scanner.errors import ScanError


@pytest.mark.parametrize(("text", "seconds"), [(None, 30), ("2", 2), ("0.5e1", 5), ("3600", 3600)])
def test_how_long_a_connection_may_be_silent(text: str | None, seconds: float) -> None:
    environment = {} if text is None else {"LOGSCAN_READ_SECONDS": text}
    assert clients.read_seconds(environment) == seconds


@pytest.mark.parametrize("text", ["abc", "", "0", "-1", "nan", "inf"])
def test_a_bad_value_is_an_error_that_names_the_variable(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGSCAN_READ_SECONDS", text)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with pytest.raises(ScanError) as caught:
        clients.client("s3")
    assert caught.value.code is ExitCode.BAD_REQUEST, "another attempt has the same environment"
    assert f"LOGSCAN_READ_SECONDS={text!r}" in str(caught.value)


def test_a_job_cannot_use_the_role_of_its_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variable that each Job has; Pod Identity's endpoint is another provider."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
    providers = {provider.METHOD: provider for provider in get_session().get_component("credential_provider").providers}
    assert providers["iam-role"].load() is None
    assert "container-role" in providers


def client_error(code: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "GetObject")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (client_error("AccessDenied", 403), ExitCode.ACCESS_DENIED),
        (client_error("KMS.DisabledException"), ExitCode.KEY_UNAVAILABLE),
        (client_error("KMS.ThrottlingException"), ExitCode.TRY_AGAIN),
        (client_error("InvalidObjectState", 403), ExitCode.ARCHIVED),
        (client_error("SlowDown", 503), ExitCode.TRY_AGAIN),
        (client_error("ThrottlingException"), ExitCode.TRY_AGAIN),
        (client_error("ExpiredToken"), ExitCode.TRY_AGAIN),
        (client_error("InternalError", 500), ExitCode.TRY_AGAIN),
        (client_error("InvalidArgument"), ExitCode.INTERNAL_ERROR),
        (NoCredentialsError(), ExitCode.TRY_AGAIN),
        (ConnectTimeoutError(endpoint_url="http://x"), ExitCode.TRY_AGAIN),
    ],
)
def test_aws_errors_become_exits(error: Exception, code: ExitCode) -> None:
    assert clients.translate(error, "read s3://logs/a").code is code
