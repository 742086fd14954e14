"""What each service is sent, checked as the service checks it, with text of a log that is markup to it."""

import base64
import json
import re
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recipients import HOSTILE, LONG, PARTS, RESULT, channel, message, request
from standardwebhooks import Webhook as StandardWebhook
from webhooks import Hook, Names

from logscan_api.exitcodes import Reason
from logscan_api.notify import Channel, ChannelType, Notify, PagerDutyRegion
from logscan_api.results import ScanResult
from logscan_api.rules import Severity
from logscan_scanner.errors import ScanError
from logscan_scanner.reporting import alerting, channels, messages, signing, slack, teams

KEY = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"


def slack_accepts(body: dict[str, Any]) -> None:
    """Check a body by the rules of Slack (API documentation, "Incoming webhooks" and "Blocks")."""
    assert isinstance(body["text"], str)
    assert 0 < len(body["text"]) <= 40_000
    assert 0 < len(body["blocks"]) <= 50
    for block in body["blocks"]:
        text = block["text"]
        assert text["text"]
        if block["type"] == "header":
            assert text["type"] == "plain_text"
            assert len(text["text"]) <= 150
        else:
            assert (block["type"], text["type"]) == ("section", "mrkdwn")
            assert len(text["text"]) <= 3000


def slack_means(text: str) -> list[str]:
    """Return what Slack would make a mention or a link of."""
    return re.findall(r"<[^>]*>", text)


@pytest.mark.parametrize("text", [HOSTILE, LONG, "", "\U0001f600" * 5000])
def test_slack_takes_a_message_and_finds_no_markup_of_a_log_in_it(text: str) -> None:
    body = slack.body(message(text, rules=100))
    slack_accepts(body)
    texts = [body["text"], *(block["text"]["text"] for block in body["blocks"] if block["text"]["type"] == "mrkdwn")]
    assert [slack_means(found) for found in texts] == [[]] * len(texts)
    for found in texts[1:]:
        assert found.count("```") % 2 == 0, "a log does not end the code block that it is in"
        for line in found.replace("```", "").split("\n"):
            assert line.count("`") % 2 == 0


@given(st.text(), st.integers(2, 60))
def test_escaped_text_for_slack_fits_and_says_the_same(text: str, most: int) -> None:
    found = slack.escaped(text, most)
    assert 0 < len(found) <= most
    assert not slack_means(found)
    plain = found.removesuffix("…").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert text.replace("`", "\u02cb").startswith(plain) or not text


def teams_accepts(body: dict[str, Any]) -> None:
    """Check a body by the rules of Teams; the card itself is checked by Microsoft's own parser in the tools tier."""
    assert body["type"] == "message"
    assert len(json.dumps(body, ensure_ascii=False).encode()) <= 28 * 1024
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (attachment["content"]["type"], attachment["content"]["version"]) == ("AdaptiveCard", "1.5")


@pytest.mark.parametrize("text", [HOSTILE, LONG, "", "\U0001f600" * 5000, '"\\' * 3000])
def test_teams_takes_a_message_and_reads_no_markdown_of_a_log_in_it(text: str) -> None:
    body = teams.body(message(text, rules=100))
    teams_accepts(body)
    for element in body["attachments"][0]["content"]["body"]:
        assert element["type"] == "RichTextBlock", "a TextBlock would read Markdown"
        assert all(run["type"] == "TextRun" and run["text"] for run in element["inlines"])


def pagerduty_accepts(body: dict[str, Any]) -> None:
    """Check an event by PagerDuty's API (reference/events-v2 of its api-schema, and "PD-CEF" for lengths)."""
    assert body.keys() <= {"payload", "routing_key", "event_action", "dedup_key", "client", "client_url", "links"}
    assert re.fullmatch(r"[A-Za-z0-9]{32}", body["routing_key"])
    assert body["event_action"] == "trigger"
    assert len(body["dedup_key"]) <= 255
    payload = body["payload"]
    assert payload.keys() <= {
        "summary",
        "source",
        "severity",
        "timestamp",
        "component",
        "group",
        "class",
        "custom_details",
    }
    assert 0 < len(payload["summary"]) <= 1024
    assert payload["source"]
    assert payload["severity"] in ("critical", "error", "warning", "info")
    assert isinstance(payload["custom_details"], dict)
    assert len(json.dumps(body).encode()) <= 512 * 1024


@pytest.mark.parametrize("text", [HOSTILE, LONG, ""])
def test_pagerduty_takes_an_event(text: str) -> None:
    pagerduty_accepts(alerting.pagerduty(message(text), "k" * 32, "x"))


@pytest.mark.parametrize("key", ["", "hunter2", "k" * 33, "k" * 31 + "\n", "https://x"])
def test_nothing_but_an_integration_key_is_sent_to_pagerduty_as_one(key: str) -> None:
    with pytest.raises(ScanError, match="integration key"):
        alerting.pagerduty(message(), key, "x")


@pytest.mark.parametrize("region", [None, *PagerDutyRegion])
def test_an_event_goes_to_the_region_of_its_account(names: Names, region: PagerDutyRegion | None) -> None:
    host = "events.eu.pagerduty.com" if region is PagerDutyRegion.EU else "events.pagerduty.com"
    names.answers[host] = [["10.0.0.1"]]
    one = channel(ChannelType.PAGERDUTY, "oncall").model_copy(update={"region": region})
    with pytest.raises(ScanError, match="refused"):
        channels.send(channels.Outlet("oncall", one, "k" * 32), message())
    assert names.answers == {host: []}, "its name was looked up, once"


def worst(severity: Severity | None) -> ScanResult:
    return RESULT.model_copy(update={"by_severity": {severity: 1} if severity else {}})


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        (Severity.CRITICAL, "critical"),
        (Severity.ERROR, "error"),
        (Severity.WARNING, "warning"),
        (Severity.INFO, "info"),
        (None, "info"),
    ],
)
def test_each_severity_has_its_level(severity: Severity | None, level: str) -> None:
    said = messages.of_result(request(), worst(severity))
    assert alerting.pagerduty(said, "k" * 32, "x")["payload"]["severity"] == level
    assert alerting.alertmanager(said)[0]["labels"]["severity"] == level


def test_a_failure_is_an_error_on_every_channel() -> None:
    failed = messages.of_failure(request(), Reason.ACCESS_DENIED, f"denied {HOSTILE}")
    slack_accepts(slack.body(failed))
    teams_accepts(teams.body(failed))
    pagerduty_accepts(event := alerting.pagerduty(failed, "k" * 32, "x"))
    assert event["payload"]["severity"] == "error"
    (alert,) = alerting.alertmanager(failed)
    assert (alert["labels"]["alertname"], alert["labels"]["severity"]) == ("LogScanFailed", "error")
    assert "AccessDenied" in slack.body(failed)["blocks"][0]["text"]["text"]


def test_an_incomplete_scan_is_called_incomplete_everywhere() -> None:
    said = messages.of_result(request(), RESULT.model_copy(update={"by_severity": {}, "incomplete": PARTS}))
    paged = (alerting.pagerduty(said, "k" * 32, "x"), alerting.alertmanager(said))
    for body in (slack.body(said), teams.body(said), *paged):
        words = json.dumps(body)
        assert "(incomplete)" in words
        assert "clean" not in words


def test_a_signed_webhook_is_verified_by_the_library_of_the_specification(hook: Hook) -> None:
    outlet = channels.Outlet("hook", channel(ChannelType.WEBHOOK, "hook", signed=True), hook.url, KEY)
    channels.send(outlet, message())
    ((headers, body),) = hook.requests
    verified = StandardWebhook(KEY).verify(body, {name.lower(): value for name, value in headers.items()})
    assert verified["id"] == headers["webhook-id"]
    with pytest.raises(Exception, match="matching signature"):
        StandardWebhook(KEY).verify(body + " ", {name.lower(): value for name, value in headers.items()})


@pytest.mark.parametrize(
    "key", ["", "hunter2", "whsec_", "whsec_!!", "whsec_" + "QUJD" * 7, KEY.removeprefix("whsec_")]
)
def test_what_is_no_key_signs_nothing(key: str) -> None:
    with pytest.raises(ScanError, match="whsec_"):
        signing.headers("msg_1", "{}", 1, key)


@pytest.mark.parametrize("kind", [ChannelType.SLACK, ChannelType.TEAMS, ChannelType.WEBHOOK, ChannelType.ALERTMANAGER])
def test_every_post_names_its_message(hook: Hook, kind: ChannelType) -> None:
    said = message()
    outlet = channels.Outlet("c", channel(kind, "c"), hook.url, None)
    for _ in range(2):
        channels.send(outlet, said)
    assert [headers["webhook-id"] for headers, _ in hook.requests] == [said.id_for("c")] * 2
    assert said.id_for("c") != said.id_for("d")


def test_an_alert_goes_to_the_api_whether_or_not_the_url_names_it() -> None:
    for url in ("http://a:9093", "http://a:9093/", "http://a:9093/api/v2/alerts"):
        assert alerting.alerts_url(url) == "http://a:9093/api/v2/alerts"
    assert alerting.alerts_url("http://a/prefix/") == "http://a/prefix/api/v2/alerts"


def test_an_event_on_a_bus_reaches_what_its_rule_names(cloud: Any) -> None:
    """By a rule of the bus to a queue; the emulator is moto."""
    events, sqs = boto3.client("events"), boto3.client("sqs")
    bus = events.create_event_bus(Name="oncall")["EventBusArn"]
    queue = sqs.create_queue(QueueName="events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["logscan"], "detail-type": ["ScanFinished"], "detail": {"worstSeverity": ["critical"]}}
    events.put_rule(Name="critical", EventBusName="oncall", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="critical", EventBusName="oncall", Targets=[{"Id": "queue", "Arn": arn}])
    told = Channel(name="bus", type=ChannelType.EVENTBRIDGE, event_bus_arn=bus)
    said = message()
    channels.send(channels.Outlet("bus", told), said)
    (received,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    event = json.loads(received["Body"])
    assert (event["source"], event["detail"]["id"]) == ("logscan", said.id_for("bus"))
    missing = told.model_copy(update={"event_bus_arn": bus.replace("oncall", "other")})
    with pytest.raises(ScanError):
        channels.send(channels.Outlet("bus", missing), said)


def test_a_secret_never_shows(hook: Hook) -> None:
    (outlet,) = channels.outlets(
        Notify(channels=[channel(ChannelType.SLACK, "a")]), {"LOGSCAN_CHANNEL_1_SECRET": f"{hook.url}\n"}
    )
    assert "secret-token" not in repr(outlet)
    assert outlet.secret == hook.url, "the newline at the end of a file is no part of it"
