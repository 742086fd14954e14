"""Sessions in a role that a scan assumes to read its logs.

The credentials are fetched at the first call, and again before they expire: a role that another role assumes is lent
for an hour at most (IAM user guide, "Roles terms and concepts", role chaining), and a scan may take a day.
"""

from collections.abc import Callable
from functools import partial

from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from logscan_api.exitcodes import ExitCode
from logscan_api.roles import AssumedRole, lent
from logscan_scanner.aws.clients import client, new_session, translate
from logscan_scanner.errors import ScanError


def session_in(role: AssumedRole) -> Session:
    """Return a session that acts in a role."""
    made = new_session()
    made.register_component("credential_provider", CredentialResolver([_Provider(partial(_assume, role))]))
    return made


class _Provider(CredentialProvider):
    """Gives the credentials of a role."""

    METHOD = "assume-role"

    def __init__(self, assume: Callable[[], dict[str, str]]) -> None:
        super().__init__()
        self._assume = assume

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(self._assume, self.METHOD)


def _assume(role: AssumedRole) -> dict[str, str]:
    """Return new credentials of a role, as botocore names their parts.

    Raises:
        ScanError: It was not assumed.
    """
    try:
        return lent(client("sts").assume_role(**role.arguments))
    except (ClientError, BotoCoreError) as error:
        raise _not_assumed(role, error) from error


def _not_assumed(role: AssumedRole, error: Exception) -> ScanError:
    """Return the scan's error for one of STS.

    One that AWS denies has an exit code of its own: it is no object's fault, so no object of several fails for it.
    """
    failure = translate(error, f"assume {role.arn} with the external id {role.external_id}")
    denied = failure.code is ExitCode.ACCESS_DENIED
    return ScanError(str(failure), ExitCode.ROLE_NOT_ASSUMED) if denied else failure
