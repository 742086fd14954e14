"""The IAM role that reads the logs of a scan in the place of the pod's own, and how it is assumed.

Operator and scanner assume roles that others own, on behalf of whoever may create LogScans. So the external id names
the namespace, and no field of a LogScan or policy changes it. A role whose trust policy asks for the id of one
namespace is of no use to another (IAM user guide, "The confused deputy problem").
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from logscan_api.identity import job_name
from logscan_api.models import Model

# STS API, AssumeRole, and IAM user guide, "IAM identifiers": a path has up to 510 characters between its slashes.
ROLE_PATTERN = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/([!-~]{1,510}/)?[A-Za-z0-9_+=,.@-]{1,64}$"
ROLE_LENGTH = 640
EXTERNAL_ID_PATTERN = r"^[A-Za-z0-9_+=,.@:/-]+$"

RoleArn = Annotated[str, Field(max_length=ROLE_LENGTH, pattern=ROLE_PATTERN)]


class AssumedRole(Model):
    """A role and how it is assumed.

    Attributes:
        arn: The role.
        external_id: Names the namespace that it is assumed for.
        session: Names the scan, in the log of the account that owns the role.
    """

    arn: RoleArn
    external_id: str
    session: str

    @property
    def arguments(self) -> dict[str, str]:
        """Return the arguments of `sts:AssumeRole`."""
        return {"RoleArn": self.arn, "ExternalId": self.external_id, "RoleSessionName": self.session}


def assumed_role(arn: str | None, prefix: str, namespace: str, scan: str, attempt: int = 0) -> AssumedRole | None:
    """Return how a scan assumes a role, or None if it has none.

    No namespace has a colon in its name, so that no two namespaces share an external id. The session has the name of
    the scan's Job, which fits into the 64 characters of a session's name and has no others.

    Args:
        arn: The role.
        prefix: What the external id begins with.
        namespace: The LogScan's namespace.
        scan: The LogScan's name.
        attempt: Which Job of the scan it is for; 0 for the operator, which lists a prefix.
    """
    if arn is None:
        return None
    return AssumedRole(arn=arn, external_id=f"{prefix}:{namespace}", session=job_name(scan, attempt))


def lent(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the credentials in an answer of `sts:AssumeRole`, as botocore names their parts."""
    found = answer["Credentials"]
    return {
        "access_key": found["AccessKeyId"],
        "secret_key": found["SecretAccessKey"],
        "token": found["SessionToken"],
        "expiry_time": found["Expiration"].isoformat(),
    }
