"""Who is notified about a finished scan, and when."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from logscan_api.models import Model
from logscan_api.rules import Severity
from logscan_api.schema import cel

VERDICT_TAG = "logscan-verdict"
MOST_CHANNELS = 10
MOST_RECIPIENTS = 20
Address = Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[!-+\--:=?A-~]+@[!-+\--:=?A-~]+$")]
TopicArn = Annotated[str, Field(max_length=512, pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$")]
BusArn = Annotated[
    str, Field(max_length=512, pattern=r"^arn:[a-z-]+:events:[a-z0-9-]+:\d{12}:event-bus/[A-Za-z0-9/._-]{1,256}$")
]


class PagerDutyRegion(StrEnum):
    """Where PagerDuty keeps an account ("Service Regions" of its documentation); an account is known in one only."""

    US = "us"
    EU = "eu"


class When(StrEnum):
    """Which scans to notify about."""

    MATCH = "Match"
    ALWAYS = "Always"
    FAILURE = "Failure"


class ChannelType(StrEnum):
    """What a channel sends to."""

    EMAIL = "email"
    SNS = "sns"
    EVENTBRIDGE = "eventbridge"
    SLACK = "slack"
    TEAMS = "teams"
    PAGERDUTY = "pagerduty"
    ALERTMANAGER = "alertmanager"
    WEBHOOK = "webhook"

    @property
    def meaning(self) -> str:
        """Return what is sent, for the documentation."""
        return MEANINGS[self]

    @property
    def needs(self) -> str:
        """Return the field that it must have beside name and type."""
        return NEEDS.get(self, "secretRef")


MEANINGS = {
    ChannelType.EMAIL: "Mail through Amazon SES.",
    ChannelType.SNS: "JSON to an SNS topic.",
    ChannelType.EVENTBRIDGE: "An event to a bus of Amazon EventBridge.",
    ChannelType.SLACK: "A message by an incoming webhook of Slack, whose URL is in the Secret.",
    ChannelType.TEAMS: "An adaptive card by a workflow's webhook of Microsoft Teams, whose URL is in the Secret.",
    ChannelType.PAGERDUTY: "An event to PagerDuty (Events API v2). The integration key is in the Secret.",
    ChannelType.ALERTMANAGER: "An alert to a Prometheus Alertmanager (API v2), whose URL is in the Secret.",
    ChannelType.WEBHOOK: "JSON by POST to the URL in the Secret, signed if there is a signingRef.",
}
GROUPED = (ChannelType.EMAIL, ChannelType.SLACK, ChannelType.TEAMS, ChannelType.PAGERDUTY)  # people read these
GROUP_SECONDS, MOST_GROUP_SECONDS = 60, 300
NEEDS = {
    ChannelType.EMAIL: "to",
    ChannelType.SNS: "topicArn",
    ChannelType.EVENTBRIDGE: "eventBusArn",
}


class Told(Model):
    """Which scans a channel is told of."""

    when: When = Field(
        default=When.MATCH,
        description="Match: the scan found a line of minSeverity or worse. Failure: the scan failed. Always: every "
        "finished scan.",
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


class SecretKey(Model):
    """A key of a Secret in the namespace of the LogScan."""

    name: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")] = Field(
        description="Name of the Secret."
    )
    key: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")] = Field(
        description="Key in it."
    )


def _exactly(types: list[ChannelType], field: str) -> Any:
    """Return the rule that channels of some types, and no others, have a field."""
    names = " or ".join(types)
    wanted = " || ".join(f"self.type == '{kind}'" for kind in types)
    return cel(f"has(self.{field}) == ({wanted})", f"a channel of the type {names} needs {field}; no other may have it")


BY_SECRET = [kind for kind in ChannelType if kind not in NEEDS]


class Channel(Told):
    """A channel that is notified."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                *(_exactly([kind], field) for kind, field in NEEDS.items()),
                _exactly(BY_SECRET, "secretRef"),
                cel(
                    "!has(self.signingRef) || self.type == 'webhook'",
                    "only a channel of the type webhook may have signingRef",
                ),
                cel(
                    "!has(self.region) || self.type == 'pagerduty'",
                    "only a channel of the type pagerduty may have region",
                ),
            ]
        }
    )

    name: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] = Field(
        description="Name of the channel, unique in its list: lowercase letters, digits and '-'."
    )
    type: ChannelType = Field(description="What it sends to.")
    to: Annotated[list[Address], Field(min_length=1, max_length=MOST_RECIPIENTS)] | None = Field(
        default=None, description="Recipients of mail (email)."
    )
    topic_arn: TopicArn | None = Field(default=None, description="ARN of the topic (sns).")
    event_bus_arn: BusArn | None = Field(default=None, description="ARN of the event bus (eventbridge).")
    secret_ref: SecretKey | None = Field(
        default=None,
        description="The Secret with the URL to post to (slack, teams, alertmanager, webhook) or the integration key "
        "(pagerduty). A URL must be https at a public address, or a destination that the operator allows.",
    )
    signing_ref: SecretKey | None = Field(
        default=None,
        description="The Secret with the key that signs what is posted (webhook): `whsec_` and 24 to 64 bytes in "
        "base64, as in the Standard Webhooks specification.",
    )
    region: PagerDutyRegion | None = Field(
        default=None, description="Service region of the account (pagerduty; default: us)."
    )
    group_seconds: int | None = Field(
        default=None,
        ge=0,
        le=MOST_GROUP_SECONDS,
        description="Seconds in which scans under one policy send at most one message on the channel, with a count of "
        f"the others; 0 for a message of each scan (default: {GROUP_SECONDS} for email, slack, teams and pagerduty, "
        "else 0).",
    )

    @property
    def window(self) -> int:
        """Return the seconds in which scans under one policy send at most one message; 0 for no bound."""
        default = GROUP_SECONDS if self.type in GROUPED else 0
        return default if self.group_seconds is None else self.group_seconds

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> Self:
        has = {
            "to": self.to,
            "topicArn": self.topic_arn,
            "eventBusArn": self.event_bus_arn,
            "secretRef": self.secret_ref,
        }
        for field, value in has.items():
            if (value is not None) != (self.type.needs == field):
                verb = "needs" if value is None else "may not have"
                raise ValueError(f"a channel of the type {self.type} {verb} {field}")
        if self.signing_ref is not None and self.type is not ChannelType.WEBHOOK:
            raise ValueError(f"a channel of the type {self.type} may not have signingRef")
        if self.region is not None and self.type is not ChannelType.PAGERDUTY:
            raise ValueError(f"a channel of the type {self.type} may not have region")
        return self


class Email(Told):
    """Mail through Amazon SES."""

    to: Annotated[list[Address], Field(min_length=1, max_length=MOST_RECIPIENTS)] = Field(description="Recipients.")


class Topic(Told):
    """JSON to an SNS topic."""

    topic_arn: TopicArn = Field(description="ARN of the topic.")


class Webhook(Told):
    """JSON by POST to a URL."""

    url: str = Field(
        max_length=2048,
        pattern=r"^https?://[!-~]+$",
        repr=False,  # it may hold a secret
        description="URL to post to, percent-encoded: https at a public address, or a destination that the operator "
        "allows. It must answer 2xx. Whoever reads this object sees it.",
    )


class Notify(Model):
    """Who is notified about a finished scan. A failed notification does not fail the scan."""

    channels: Annotated[list[Channel], Field(max_length=MOST_CHANNELS)] | None = Field(
        default=None,
        description="Channels, each notified once of a scan.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    email: Email | None = Field(
        default=None, description="Deprecated: use a channel of the type email. Mail through Amazon SES."
    )
    sns: Topic | None = Field(
        default=None, description="Deprecated: use a channel of the type sns. JSON to an SNS topic."
    )
    webhook: Webhook | None = Field(
        default=None,
        description="Deprecated: use a channel of the type webhook, whose URL is in a Secret. JSON by POST to a URL.",
    )

    tag_object: bool = Field(
        default=False,
        description=f"Tag each scanned object with the verdict, as `{VERDICT_TAG}`: the worst severity, `clean`, or "
        "`no match` if something was not read. Other tags are kept. The scanner's role must allow it.",
    )

    @property
    def wants_failures(self) -> bool:
        """Return whether anybody is notified about a scan that failed."""
        told: list[Told | None] = [*(self.channels or []), self.email, self.sns, self.webhook]
        return any(found.wants_failures for found in told if found is not None)


def secret_variables(notify: Notify | None) -> dict[str, SecretKey]:
    """Return the environment variables by which a scanner gets the Secrets of its channels, with where they are."""
    found = {}
    for number, channel in enumerate((notify.channels or []) if notify else [], 1):
        for name, reference in (("SECRET", channel.secret_ref), ("SIGNING", channel.signing_ref)):
            if reference is not None:
                found[f"LOGSCAN_CHANNEL_{number}_{name}"] = reference
    return found


def secrets_of(number: int, environment: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the secret of a channel, and the key that signs; None where there is none, or the Secret has none.

    Args:
        number: The channel's place in its list, from 1.
        environment: The scanner's.
    """
    secret, signing = (environment.get(f"LOGSCAN_CHANNEL_{number}_{name}") for name in ("SECRET", "SIGNING"))
    return secret, signing
