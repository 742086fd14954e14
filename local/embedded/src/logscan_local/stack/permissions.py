"""Who may do what on the emulator: IAM users and roles with the policies that Terraform attaches to its roles."""

import json
import string
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from logscan_tools.paths import REPOSITORY

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

POLICIES = REPOSITORY / "terraform" / "modules" / "documents" / "policies"
Values = dict[str, list[str]]


@dataclass(frozen=True)
class Credentials:
    """An IAM user's access key."""

    access_key_id: str
    secret_access_key: str

    def environment(self) -> dict[str, str]:
        """Return the standard environment variables."""
        return {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}


def create_user(iam: "IAMClient", name: str, values: Values, known: Credentials | None = None) -> Credentials:
    """Create an IAM user with a role's policy, unless it is there, and return its key.

    Args:
        iam: The emulator's IAM.
        name: The role: `operator` or `scanner`.
        values: What the policy asks for.
        known: The user's key as far as is known; a new one is made unless IAM knows this one.
    """
    user = f"logscan-{name}"
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName=user)
    iam.put_user_policy(
        UserName=user, PolicyName=name, PolicyDocument=json.dumps(_relaxed(policy_document(name, values)))
    )
    keys = [key["AccessKeyId"] for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]]
    if known and known.access_key_id in keys:
        return known
    for lost in keys:  # a user may have two, and nobody knows the secrets of these
        iam.delete_access_key(UserName=user, AccessKeyId=lost)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def create_role(iam: "IAMClient", name: str, values: Values) -> str:
    """Create a role for Lambda with its policy, unless it is there, and return its ARN."""
    role = f"logscan-{name}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)
    iam.put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=json.dumps(_relaxed(policy_document(name, values)))
    )
    return str(iam.get_role(RoleName=role)["Role"]["Arn"])


def policy_document(role: str, values: Values) -> dict[str, Any]:
    """Return the policy of a role, as Terraform makes it: statements without a resource are left out.

    Args:
        role: `operator`, `scanner` or `forwarder`.
        values: What the template asks for, each a list of ARNs or addresses.
    """
    template = string.Template((POLICIES / f"{role}.json.tftpl").read_text())
    document: dict[str, Any] = json.loads(template.substitute({name: json.dumps(v) for name, v in values.items()}))
    document["Statement"] = [s for s in document["Statement"] if s["Resource"]]
    return document


def _relaxed(document: dict[str, Any]) -> dict[str, Any]:
    """Return a policy with what this emulator alone asks for.

    On AWS a batch call needs the permission of the single one (SQS documentation, "API permissions: actions and
    resource reference"); MiniStack asks for an action that AWS does not have, and knows no resource and no sender that
    mail is sent by.
    """
    for statement in document["Statement"]:
        statement["Action"] += [f"{action}Batch" for action in statement["Action"] if action.startswith("sqs:")]
        if statement["Action"] == ["ses:SendEmail"]:
            statement["Resource"] = "*"
            del statement["Condition"]
    return document
