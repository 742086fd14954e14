"""Sends a message on a channel: each type of the API by the function in `SENDERS`.

What a channel needs to put the message into its words is imported when it is used.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import time

from logscan_api.notify import Channel, ChannelType, Notify, PagerDutyRegion, Told, secrets_of
from logscan_scanner.aws.messages import publish, put_event, send_mail
from logscan_scanner.errors import ScanError
from logscan_scanner.reporting.messages import Message
from logscan_scanner.reporting.webhooks import Bounds, post


@dataclass(frozen=True)
class Outlet:
    """A channel with what it takes to use it.

    Attributes:
        name: What it is recorded by.
        channel: The channel.
        secret: Its URL or key, if it needs one and the Secret has it.
        signing: The key that signs what it is sent, likewise.
    """

    name: str
    channel: Channel
    secret: str | None = field(default=None, repr=False)
    signing: str | None = field(default=None, repr=False)


def outlets(notify: Notify | None, environment: Mapping[str, str]) -> Iterator[Outlet]:
    """Yield the channels of a scan.

    Args:
        notify: Who is notified.
        environment: Where the secrets are.
    """
    if notify is None:
        return
    for number, channel in enumerate(notify.channels or [], 1):
        secret, signing = secrets_of(number, environment)
        # Editors end files with a newline, and `kubectl create secret --from-file` keeps it.
        yield Outlet(f"channels/{channel.name}", channel, secret.strip() if secret is not None else None, signing)
    if notify.email is not None:
        yield _old(ChannelType.EMAIL, notify.email)
    if notify.sns is not None:
        yield _old(ChannelType.SNS, notify.sns)
    if notify.webhook is not None:
        yield _old(ChannelType.WEBHOOK, notify.webhook, notify.webhook.url)


def _old(kind: ChannelType, told: Told, url: str | None = None) -> Outlet:
    """Return a deprecated field as a channel that has neither a Secret nor a group; it is not validated."""
    fields = {name: getattr(told, name) for name in type(told).model_fields if name != "url"}
    return Outlet(str(kind), Channel.model_construct(name=str(kind), type=kind, group_seconds=0, **fields), url)


def send(outlet: Outlet, message: Message) -> None:
    """Send a message once.

    Raises:
        ScanError: It was not taken; what it says is for whoever may read the row.
    """
    SENDERS[outlet.channel.type](outlet, message)


def _email(outlet: Outlet, message: Message) -> None:
    sender = message.request.sender
    if sender is None:
        raise ScanError("no sender is configured (the operator's LOGSCAN_MAIL_SENDER)")
    text, html = message.mail([])
    send_mail(sender, outlet.channel.to or [], message.title, text, html)


def _sns(outlet: Outlet, message: Message) -> None:
    publish(str(outlet.channel.topic_arn), message.title, message.json_for(outlet.name))


def _eventbridge(outlet: Outlet, message: Message) -> None:
    put_event(str(outlet.channel.event_bus_arn), message.event, message.json_for(outlet.name))


def _slack(outlet: Outlet, message: Message) -> None:
    from logscan_scanner.reporting import slack

    _post(outlet, message, json.dumps(slack.body(message)))


def _teams(outlet: Outlet, message: Message) -> None:
    from logscan_scanner.reporting import teams

    _post(outlet, message, json.dumps(teams.body(message), ensure_ascii=False))


def _pagerduty(outlet: Outlet, message: Message) -> None:
    from logscan_scanner.reporting import alerting

    document = alerting.pagerduty(message, _secret(outlet), outlet.name)
    url = alerting.PAGERDUTY_URLS[outlet.channel.region or PagerDutyRegion.US]
    post(url, json.dumps(document), _bounds(message))


def _alertmanager(outlet: Outlet, message: Message) -> None:
    from logscan_scanner.reporting import alerting

    _post(outlet, message, json.dumps(alerting.alertmanager(message)), alerting.alerts_url(_secret(outlet)))


def _webhook(outlet: Outlet, message: Message) -> None:
    from logscan_scanner.reporting import signing

    if outlet.channel.signing_ref is not None and outlet.signing is None:
        raise ScanError(_missing(outlet, "signingRef"))
    body = message.json_for(outlet.name)
    headers = signing.headers(message.id_for(outlet.name), body, int(time()), outlet.signing)
    post(_secret(outlet), body, _bounds(message), headers)


SENDERS: dict[ChannelType, Callable[[Outlet, Message], None]] = {
    ChannelType.EMAIL: _email,
    ChannelType.SNS: _sns,
    ChannelType.EVENTBRIDGE: _eventbridge,
    ChannelType.SLACK: _slack,
    ChannelType.TEAMS: _teams,
    ChannelType.PAGERDUTY: _pagerduty,
    ChannelType.ALERTMANAGER: _alertmanager,
    ChannelType.WEBHOOK: _webhook,
}


def _post(outlet: Outlet, message: Message, body: str, url: str | None = None) -> None:
    post(url or _secret(outlet), body, _bounds(message), {"webhook-id": message.id_for(outlet.name)})


def _secret(outlet: Outlet) -> str:
    if not outlet.secret:
        raise ScanError(_missing(outlet, "secretRef"))
    return outlet.secret


def _missing(outlet: Outlet, name: str) -> str:
    found = outlet.channel.signing_ref if name == "signingRef" else outlet.channel.secret_ref
    named = f"the Secret {found.name} has no key {found.key}" if found else "there is none"
    return f"{named} ({name} of {outlet.name})"


def _bounds(message: Message) -> Bounds:
    return Bounds(message.request.webhook_internal or (), message.request.webhook_hosts)
