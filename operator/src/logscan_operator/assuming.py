"""Clients of AWS that act in a role which the operator assumes for a LogScan.

The credentials are fetched at the first call, and again before they expire: a role that another role assumes is lent
for an hour at most (IAM user guide, "Roles terms and concepts", role chaining), and a prefix is listed for longer.
"""

import os
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.session import get_session

from logscan_api.roles import AssumedRole, lent
from logscan_operator import calls
from logscan_operator.errors import AwsError

NOT_ASSUMED = "RoleNotAssumed"  # where AWS says AccessDenied, so that nobody looks for it at the bucket


def client(service: str, config: Config, role: AssumedRole) -> Any:
    """Return a client that acts in a role.

    Args:
        service: The service.
        config: How it, and STS, is called.
        role: The role.
    """
    session = get_session()
    session.register_component("data_loader", _loader())
    session.register_component("credential_provider", CredentialResolver([_Provider(partial(_assume, role, config))]))
    return session.create_client(service, region_name=os.environ.get("AWS_REGION"), config=config)


class _Provider(CredentialProvider):
    """Gives the credentials of a role."""

    METHOD = "assume-role"

    def __init__(self, assume: Callable[[], dict[str, str]]) -> None:
        super().__init__()
        self._assume = assume

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(self._assume, self.METHOD)


@cache
def _loader() -> Any:
    """Return what loads botocore's descriptions of services: each session has one, which keeps all that it read."""
    return get_session().get_component("data_loader")


def _assume(role: AssumedRole, config: Config) -> dict[str, str]:
    """Return new credentials of a role, as botocore names their parts.

    Raises:
        AwsError: It was not assumed.
    """
    sts = calls.client("sts", config)
    try:
        with calls.own_errors():
            return lent(sts.assume_role(**role.arguments))
    except AwsError as error:
        message = f"cannot assume {role.arn} with the external id {role.external_id}: {error}"
        raise AwsError(message, NOT_ASSUMED if error.code == "AccessDenied" else error.code) from error
