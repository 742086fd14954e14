"""The message that announces an object, and every shape in which people send it.

Ours is the envelope that the forwarder writes. The intake takes three more: S3 notification records as they are,
the same wrapped by SNS, and EventBridge's `Object Created`. Keys are form-encoded in notification records only
(S3 documentation, "Event message structure"); they are decoded here exactly once.
"""

import json
from typing import Any, Literal
from urllib.parse import unquote_plus

from pydantic import Field, ValidationError

from logscan_api.errors import MalformedMessageError
from logscan_api.models import Model

SCHEMA = 1


class ObjectEvent(Model):
    """An object that was created in S3."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    bucket: str = Field(min_length=3, max_length=63)
    key: str = Field(min_length=1, max_length=1024)
    version_id: str | None = Field(default=None, max_length=1024)
    etag: str | None = Field(default=None, max_length=128)
    size: int | None = Field(default=None, ge=0)
    sequencer: str | None = Field(default=None, max_length=64)
    event_time: str | None = None
    region: str | None = None


def parse_message(body: str) -> list[ObjectEvent]:
    """Return the objects that a queue message announces; none for S3's test event.

    Args:
        body: The message's body, JSON in one of the four shapes.

    Raises:
        MalformedMessageError: The body is none of them; the message says what was found instead.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise MalformedMessageError(f"the message is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedMessageError(f"the message is a JSON {type(document).__name__}, not an object")
    try:
        return _from_document(document)
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise MalformedMessageError(f"the message lacks what an object event needs: {_short(error)}") from error


def _from_document(document: dict[str, Any]) -> list[ObjectEvent]:
    if document.get("schema") is not None:
        return [ObjectEvent.model_validate(document)]
    if isinstance(document.get("Records"), list):
        return [_from_record(r) for r in document["Records"] if is_creation(r.get("eventName", ""))]
    if document.get("Event") == "s3:TestEvent":
        return []
    if document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        return parse_message(document["Message"])
    if document.get("source") == "aws.s3":
        return [_from_eventbridge(document)] if document.get("detail-type") == "Object Created" else []
    raise MalformedMessageError(f"unknown kind of message with the fields {sorted(document)[:8]}")


def is_creation(event_name: str) -> bool:
    """Return whether a notification record's `eventName` says that an object was created."""
    return event_name.removeprefix("s3:").startswith("ObjectCreated:")


def _from_record(record: dict[str, Any]) -> ObjectEvent:
    s3, stored = record["s3"], record["s3"]["object"]
    return ObjectEvent(
        bucket=s3["bucket"]["name"],
        key=unquote_plus(stored["key"]),
        version_id=stored.get("versionId"),
        etag=stored.get("eTag"),
        size=stored.get("size"),
        sequencer=stored.get("sequencer"),
        event_time=record.get("eventTime"),
        region=record.get("awsRegion"),
    )


def _from_eventbridge(document: dict[str, Any]) -> ObjectEvent:
    detail, stored = document["detail"], document["detail"]["object"]
    return ObjectEvent(
        bucket=detail["bucket"]["name"],
        key=stored["key"],
        version_id=stored.get("version-id"),
        etag=stored.get("etag"),
        size=stored.get("size"),
        sequencer=stored.get("sequencer"),
        event_time=document.get("time"),
        region=document.get("region"),
    )


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"{type(error).__name__} {error}"
