"""A bucket that only a role of its owner may read. The role is the one of docs/accounts.md, with other names."""

import json
import re
import string
from dataclasses import dataclass
from typing import Any

from logscan_local.stack import aws
from logscan_local.stack.aws import Resources
from logscan_local.stack.permissions import POLICIES, policy_document
from logscan_tools.paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "accounts.md"
BLOCK = re.compile(r"^ *```json\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
READERS = ("operator", "scanner")
BUCKET, EXTERNAL_ID = "org-trails", "logscan:team-a"
# Whom the page's role trusts, and who they are here: the stack's users, and the operators that tests start.
ACCOUNT = f"arn:aws:iam::{aws.ACCOUNT}"
TRUSTED = {
    "arn:aws:iam::111122223333:role/logscan-operator": f"{ACCOUNT}:root",
    "arn:aws:iam::111122223333:role/logscan-scanner-team-a": f"{ACCOUNT}:user/logscan-scanner",
}


@dataclass(frozen=True)
class ForeignBucket:
    """A bucket of somebody else.

    Attributes:
        name: Its name.
        role: The name of the role that may list and read it.
    """

    name: str
    role: str

    @property
    def role_arn(self) -> str:
        """Return the role's ARN."""
        return f"{ACCOUNT}:role/{self.role}"


def create(resources: Resources, name: str, external_id: str) -> ForeignBucket:
    """Create a bucket and its role, and let operator and scanner assume that, as Terraform's policies do.

    Args:
        resources: Those of the stack.
        name: The bucket's name.
        external_id: What the role's trust policy asks for.
    """
    iam, made = aws.client("iam", resources.endpoint), ForeignBucket(name, f"logscan-reads-{name}")
    aws.create_bucket(resources.endpoint, name)
    iam.create_role(RoleName=made.role, AssumeRolePolicyDocument=trust(external_id))
    iam.put_role_policy(RoleName=made.role, PolicyName="reads", PolicyDocument=_documents({BUCKET: name})[1])
    for reader in READERS:
        names = string.Template((POLICIES / f"{reader}.json.tftpl").read_text()).get_identifiers()
        may = policy_document(reader, {**{name: [] for name in names}, "log_role_arns": [made.role_arn]})
        iam.put_user_policy(UserName=f"logscan-{reader}", PolicyName=made.role, PolicyDocument=json.dumps(may))
    return made


def trust(external_id: str) -> str:
    """Return the page's trust policy, which asks for an external id."""
    return _documents({**TRUSTED, EXTERNAL_ID: external_id})[0]


def _documents(changes: dict[str, str]) -> list[str]:
    """Return the policies on the page, with names changed that must be there."""
    found: list[Any] = [json.loads(block) for block in BLOCK.findall(PAGE.read_text())]
    texts = [json.dumps(document) for document in found]
    for old, new in changes.items():
        if not any(old in text for text in texts):
            raise LookupError(f"{PAGE} has no {old}")
        texts = [text.replace(old, new) for text in texts]
    return texts
