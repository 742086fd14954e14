"""Who is told of a finished scan, and when."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from logscan_api.models import Model
from logscan_api.rules import Severity

Address = Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[!-+\--:=?A-~]+@[!-+\--:=?A-~]+$")]


class When(StrEnum):
    """Which scans are worth telling."""

    MATCH = "Match"
    ALWAYS = "Always"
    FAILURE = "Failure"


class Channel(Model):
    """What all ways of telling have in common."""

    when: When = Field(
        default=When.MATCH,
        description="Match: a line of minSeverity or worse was found. Failure: the scanner ended with an error that "
        "another attempt cannot fix. Always: both, and clean scans too.",
    )
    min_severity: Severity = Field(default=Severity.WARNING, description="Mildest severity that counts as a match.")

    def wants(self, worst: Severity | None) -> bool:
        """Return whether a finished scan with this worst severity is told."""
        if self.when is When.ALWAYS:
            return True
        return self.when is When.MATCH and worst is not None and worst.rank >= self.min_severity.rank

    @property
    def wants_failures(self) -> bool:
        """Return whether a scan that failed is told."""
        return self.when in (When.ALWAYS, When.FAILURE)


class Email(Channel):
    """Mail through SES."""

    to: Annotated[list[Address], Field(min_length=1, max_length=20)] = Field(description="Addresses.")


class Topic(Channel):
    """JSON to an SNS topic."""

    topic_arn: str = Field(
        pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$", description="ARN of the topic."
    )


class Webhook(Channel):
    """JSON by POST to a URL."""

    url: str = Field(
        max_length=2048,
        pattern=r"^https?://[!-~]+$",
        description="Where to, percent-encoded: https at a public address, or what the operator allows besides. "
        "It must answer 2xx.",
    )


class Notify(Model):
    """Who is told of a finished scan: once, and what goes wrong with it fails nothing."""

    email: Email | None = Field(default=None, description="Mail through SES.")
    sns: Topic | None = Field(default=None, description="JSON to an SNS topic.")
    webhook: Webhook | None = Field(default=None, description="JSON by POST to a URL.")
