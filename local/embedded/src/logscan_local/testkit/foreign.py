"""A bucket that only a role of its owner may read, and that role, which asks for an external id."""

import json
import string
from dataclasses import dataclass
from typing import Any

from logscan_local.stack import aws
from logscan_local.stack.aws import Resources
from logscan_local.stack.permissions import POLICIES, policy_document

READERS = ("operator", "scanner")


@dataclass(frozen=True)
class ForeignBucket:
    """A bucket of somebody else.

    Attributes:
        name: Its name.
        role_arn: The role that may list and read it.
    """

    name: str
    role_arn: str


def create(resources: Resources, name: str, external_id: str) -> ForeignBucket:
    """Create a bucket and its role, and let operator and scanner assume that, as Terraform's policies do.

    Args:
        resources: Those of the stack.
        name: The bucket's name.
        external_id: What the role's trust policy asks for.
    """
    iam, arn = aws.client("iam", resources.endpoint), aws.create_bucket(resources.endpoint, name)
    role = f"logscan-reads-{name}"
    created = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust(external_id)))
    reads = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": f"{arn}/*"}
    lists = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [reads, lists]})
    iam.put_role_policy(RoleName=role, PolicyName="reads", PolicyDocument=document)
    role_arn = created["Role"]["Arn"]
    for reader in READERS:
        names = string.Template((POLICIES / f"{reader}.json.tftpl").read_text()).get_identifiers()
        may = policy_document(reader, {**{name: [] for name in names}, "log_role_arns": [role_arn]})
        iam.put_user_policy(UserName=f"logscan-{reader}", PolicyName=role, PolicyDocument=json.dumps(may))
    return ForeignBucket(name, role_arn)


def trust(external_id: str) -> dict[str, Any]:
    """Return a trust policy for those in the account whose own policies let them assume the role."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{aws.ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
