"""A message as what pages people takes it: PagerDuty (Events API v2) and Prometheus Alertmanager (API v2).

Both merge what is sent twice: PagerDuty by `dedup_key`, Alertmanager by an alert's labels.
"""

import re
from typing import Any

from logscan_api.notify import PagerDutyRegion
from logscan_api.text import cut
from logscan_scanner.errors import ScanError
from logscan_scanner.reporting.messages import Message

PAGERDUTY_URLS = {
    PagerDutyRegion.US: "https://events.pagerduty.com/v2/enqueue",
    PagerDutyRegion.EU: "https://events.eu.pagerduty.com/v2/enqueue",
}
ALERTS_PATH = "/api/v2/alerts"
SUMMARY_LENGTH = 1024  # characters (PagerDuty developer documentation, "PD-CEF")
DETAIL_BYTES = 1000
_ROUTING_KEY = re.compile(r"[A-Za-z0-9]{32}")
NO_ROUTING_KEY = "the Secret has no integration key: it is 32 letters and digits"


def severity(message: Message) -> str:
    """Return the severity, of which both services know the words; a failed scan is an error."""
    return "error" if message.failed else str(message.severity or "info")


def pagerduty(message: Message, key: str, channel: str) -> dict[str, Any]:
    """Return the event for PagerDuty.

    Args:
        message: What is said.
        key: The integration key.
        channel: Name of the channel.

    Raises:
        ScanError: The key is none. Nothing else is sent to PagerDuty as a key.
    """
    if not _ROUTING_KEY.fullmatch(key):
        raise ScanError(NO_ROUTING_KEY)
    scan, source = message.request.scan, message.request.source
    return {
        "routing_key": key,
        "event_action": "trigger",
        "dedup_key": message.id_for(channel),
        "client": "logscan",
        "payload": {
            "summary": message.title[:SUMMARY_LENGTH],
            "severity": severity(message),
            "source": f"s3://{source.bucket}",
            "component": f"{scan.namespace}/{scan.name}",
            "group": scan.namespace,
            "class": message.event,
            "custom_details": {**_details(message), "rules": message.rules},
        },
    }


def alertmanager(message: Message) -> list[dict[str, Any]]:
    """Return the alerts for Alertmanager, which is one. It is resolved after Alertmanager's `resolve_timeout`."""
    scan, source = message.request.scan, message.request.source
    labels = {
        "alertname": "LogScanFailed" if message.failed else "LogScanMatched",
        "severity": severity(message),
        "namespace": scan.namespace,
        "logscan": scan.name,
        "bucket": source.bucket,
    }
    annotations = {"summary": message.title, "description": message.headline, **_details(message)}
    return [{"labels": labels, "annotations": annotations}]


def alerts_url(url: str) -> str:
    """Return where alerts are posted to, for the address of an Alertmanager with or without its API's path."""
    plain = url.rstrip("/")
    return plain if plain.endswith(ALERTS_PATH) else plain + ALERTS_PATH


def _details(message: Message) -> dict[str, str]:
    details = {name.lower().replace(" ", "_"): cut(value, DETAIL_BYTES) for name, value in message.facts if value}
    shown = "\n".join(f"{place}: {text}" for place, text in message.samples)
    return {**details, **({"samples": cut(shown, DETAIL_BYTES)} if shown else {})}
