"""What both images' checks do: see that what was trimmed still has all that the program may come to need."""

import importlib.metadata
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws import Service, services
from botocore.exceptions import ClientError
from botocore.session import Session

Check = Callable[[Path, str], None]


def expect(found: object, wanted: object, what: str) -> None:
    """End with a message unless two values are the same.

    Raises:
        SystemExit: They differ.
    """
    if found != wanted:
        raise SystemExit(f"{what}: {found!r} instead of {wanted!r}")


def error_code(call: Callable[[], object]) -> str:
    """Return the code of the error that a call to AWS ends with."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    raise SystemExit("AWS refused nothing")


def credentials_of_a_pod(folder: Path, address: str) -> None:
    """Web identity (IRSA) through STS, and EKS Pod Identity through its agent."""
    (folder / "token").write_text("a token")
    irsa = {
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/logscan",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(folder / "token"),
        "AWS_ENDPOINT_URL": address,
    }
    pod = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{address}/pod",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(folder / "token"),
    }
    for variables, key in ((irsa, "AKIDWEB"), (pod, "AKIDPOD")):
        os.environ.update(variables)
        credentials: Any = Session().get_credentials()
        expect(credentials.get_frozen_credentials().access_key, key, f"credentials from {sorted(variables)}")
        for name in variables:
            del os.environ[name]
    expect(Service.authorizations, ["a token"], "the token that Pod Identity's agent was shown")


def lists_of_files(_folder: Path, _address: str) -> None:
    """Every package's metadata is there, and names no file that is not."""
    for distribution in importlib.metadata.distributions():
        missing = [str(file) for file in distribution.files or [] if not Path(str(file.locate())).is_file()]
        expect(missing, [], f"files of {distribution.name}")
        expect(bool(distribution.version), True, f"the version of {distribution.name}")


def run(checks: list[Check]) -> None:
    """Run checks, each with a folder to write to and the address of AWS, and print their names."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_MAX_ATTEMPTS": "1"}
    with services() as address:
        for check in [*checks, credentials_of_a_pod, lists_of_files]:
            with tempfile.TemporaryDirectory() as folder:
                check(Path(folder), address)
            sys.stdout.write(f"ok      {check.__name__.replace('_', ' ')}\n")


def with_keys(address: str) -> None:
    """Let AWS be at an address, for the program's own clients."""
    os.environ |= {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}


def without_keys() -> None:
    """Forget it."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del os.environ[name]
