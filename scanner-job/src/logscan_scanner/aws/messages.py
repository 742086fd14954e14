"""Messages that leave through AWS: mail, topics and event buses."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from logscan_scanner.aws.clients import client, translate
from logscan_scanner.errors import ScanError

SUBJECT_LENGTH = 100  # SNS, Publish: at most 100 ASCII characters
SOURCE = "logscan"


def send_mail(sender: str, to: list[str], subject: str, text: str, html: str) -> None:
    """Send a mail through SES.

    Raises:
        ScanError: SES refused, as it does in its sandbox or for a sender that is not verified, or cannot be reached.
    """
    body = {"Text": {"Data": text, "Charset": "UTF-8"}, "Html": {"Data": html, "Charset": "UTF-8"}}
    try:
        client("sesv2").send_email(
            FromEmailAddress=sender,
            Destination={"ToAddresses": to},
            Content={"Simple": {"Subject": {"Data": subject, "Charset": "UTF-8"}, "Body": body}},
        )
    except (ClientError, BotoCoreError) as error:
        raise translate(error, f"send mail from {sender}") from error


def publish(topic_arn: str, subject: str, document: str) -> None:
    """Publish JSON to an SNS topic.

    Raises:
        ScanError: SNS refused or cannot be reached.
    """
    plain = subject.encode("ascii", "replace").decode()[:SUBJECT_LENGTH]
    try:
        client("sns").publish(TopicArn=topic_arn, Subject=plain, Message=document)
    except (ClientError, BotoCoreError) as error:
        raise translate(error, f"publish to {topic_arn}") from error


def put_event(bus_arn: str, detail_type: str, document: str) -> None:
    """Put an event on a bus of EventBridge.

    Args:
        bus_arn: The bus.
        detail_type: What happened.
        document: The event's detail, as JSON.

    Raises:
        ScanError: EventBridge refused or cannot be reached.
    """
    entry: Any = {"EventBusName": bus_arn, "Source": SOURCE, "DetailType": detail_type, "Detail": document}
    try:
        answer = client("events").put_events(Entries=[entry])
    except (ClientError, BotoCoreError) as error:
        raise translate(error, f"put an event on {bus_arn}") from error
    if answer["FailedEntryCount"]:
        (refused,) = answer["Entries"]
        raise ScanError(f"cannot put an event on {bus_arn}: {refused.get('ErrorMessage')} ({refused.get('ErrorCode')})")
