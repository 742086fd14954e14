"""Who is notified about a finished scan, and when."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from logscan_api.models import Model
from logscan_api.rules import Severity

Address = Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[!-+\--:=?A-~]+@[!-+\--:=?A-~]+$")]


class When(StrEnum):
    """Which scans to notify about."""

    MATCH = "Match"
    ALWAYS = "Always"
    FAILURE = "Failure"


class Channel(Model):
    """What all channels have in common."""

    when: When = Field(
        default=When.MATCH,
        description="Match: the scan found a line of minSeverity or worse. Failure: the scan failed with a permanent "
        "error. Always: every finished scan.",
    )
    min_severity: Severity = Field(default=Severity.WARNING, description="Mildest severity that counts as a match.")

    def wants(self, worst: Severity | None) -> bool:
        """Return whether to notify about a finished scan with this worst severity."""
        if self.when is When.ALWAYS:
            return True
        return self.when is When.MATCH and worst is not None and worst.rank >= self.min_severity.rank

    @property
    def wants_failures(self) -> bool:
        """Return whether to notify about a scan that failed."""
        return self.when in (When.ALWAYS, When.FAILURE)


class Email(Channel):
    """Mail through Amazon SES."""

    to: Annotated[list[Address], Field(min_length=1, max_length=20)] = Field(description="Recipients.")


class Topic(Channel):
    """JSON to an SNS topic."""

    topic_arn: str = Field(
        max_length=512,
        pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$",
        description="ARN of the topic.",
    )


class Webhook(Channel):
    """JSON by POST to a URL."""

    url: str = Field(
        max_length=2048,
        pattern=r"^https?://[!-~]+$",
        repr=False,  # it may hold a secret
        description="URL to post to, percent-encoded: https at a public address, or a destination that the operator "
        "allows. It must answer 2xx.",
    )


class Notify(Model):
    """Who is notified about a finished scan: once on each channel. A failed notification does not fail the scan."""

    email: Email | None = Field(default=None, description="Mail through Amazon SES.")
    sns: Topic | None = Field(default=None, description="JSON to an SNS topic.")
    webhook: Webhook | None = Field(default=None, description="JSON by POST to a URL.")
