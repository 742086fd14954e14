"""The message that announces objects, and every shape in which it arrives.

The forwarder writes an envelope of our own. The intake also reads S3 notification records, EventBridge events and
CloudTrail's own SNS notifications: as they are, or wrapped by SNS, by SQS, or by the on-failure destination of a
Lambda. Keys are form-encoded in notification records only (S3 documentation, "Event message structure") and are decoded
here exactly once. The forwarder parses the same shapes without this package; `crds/tests/messages.json` is the table of
cases that both parsers are tested with.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote_plus

from pydantic import ConfigDict, Field, ValidationError

from logscan_api.buckets import BucketName
from logscan_api.explanations import explain
from logscan_api.models import MOST, Model

SCHEMA = 1
WRAPPERS = 8  # how deep messages may be wrapped
# What CloudTrail publishes to test the topic of a trail.
CLOUDTRAIL_GREETING = "CloudTrail validation message."
# S3 user guide, "Using EventBridge": the other events of a bucket.
OTHER_DETAIL_TYPES = frozenset(
    {
        "Object Deleted",
        "Object Restore Initiated",
        "Object Restore Completed",
        "Object Restore Expired",
        "Object Storage Class Changed",
        "Object Access Tier Changed",
        "Object ACL Updated",
        "Object Tags Added",
        "Object Tags Deleted",
    }
)

Document = dict[str, Any]


class ObjectEvent(Model):
    """An object that was created in S3. Unknown fields are ignored: a newer forwarder may add some."""

    model_config = ConfigDict(extra="ignore", strict=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    bucket: BucketName
    key: str = Field(min_length=1, max_length=1024)
    version_id: str | None = Field(default=None, max_length=1024)
    etag: str | None = Field(default=None, max_length=128)
    size: int | None = Field(default=None, ge=0, le=MOST)
    sequencer: str | None = Field(default=None, max_length=64)


@dataclass
class Reading:
    """What is in a message.

    Attributes:
        events: Objects to scan, in the message's order.
        ignored: For each part that asks for no scan, such as a removal, what it is.
        malformed: For each part that cannot be read, why.
    """

    events: list[ObjectEvent] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)


def read_message(body: str) -> Reading:
    """Return what is in a queue message. It never raises, and a bad part does not affect the others."""
    reading = Reading()
    _read_text(reading, body, WRAPPERS)
    return reading


def _read_text(reading: Reading, text: str, depth: int) -> None:
    if text == CLOUDTRAIL_GREETING:
        reading.ignored.append("CloudTrail's test of its topic")
        return
    try:
        document = json.loads(text)
    except RecursionError:
        reading.malformed.append("the message is nested too deeply")
    except ValueError as error:
        reading.malformed.append(f"the message is not JSON: {error}")
    else:
        _read(reading, document, depth)


def _read(reading: Reading, document: Any, depth: int) -> None:
    """Read a document of any shape."""
    if not isinstance(document, dict):
        reading.malformed.append(f"the message is {_kind(document)}, not an object")
    elif depth == 0:
        reading.malformed.append(f"the message is wrapped more than {WRAPPERS} times")
    elif "schema" in document:
        _add(reading, _from_envelope, document)
    elif isinstance(document.get("Records"), list):
        if not document["Records"]:
            reading.ignored.append("a notification without records")
        for record in document["Records"]:
            _read_record(reading, record, depth)
    elif document.get("Event") == "s3:TestEvent":
        reading.ignored.append("S3's test event")
    elif document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        _read_text(reading, document["Message"], depth - 1)
    elif "requestPayload" in document:
        _read(reading, document["requestPayload"], depth - 1)
    elif document.get("source") == "aws.s3":
        _read_eventbridge(reading, document)
    elif isinstance(document.get("s3Bucket"), str) and isinstance(document.get("s3ObjectKey"), list):
        _read_cloudtrail(reading, document["s3Bucket"], document["s3ObjectKey"])
    else:
        reading.malformed.append(f"unknown kind of message with the fields {sorted(document)[:8]}")


def _read_record(reading: Reading, record: Any, depth: int) -> None:
    """Read one of the `Records` of a notification."""
    if not isinstance(record, dict):
        reading.malformed.append(f"a record is {_kind(record)}, not an object")
        return
    source = record.get("eventSource")
    if isinstance(record.get("Sns"), dict) and isinstance(record["Sns"].get("Message"), str):
        _read_text(reading, record["Sns"]["Message"], depth - 1)
    elif source == "aws:sqs" and isinstance(record.get("body"), str):
        _read_text(reading, record["body"], depth - 1)
    elif "s3" not in record or not isinstance(record.get("eventName"), str):
        reading.malformed.append(f"a record of {source!r} is not an S3 notification: it lacks s3 or eventName")
    elif record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
        _add(reading, _from_record, record)
    else:
        reading.ignored.append(f"S3's event {record['eventName']}")


def _read_eventbridge(reading: Reading, document: Document) -> None:
    kind = document.get("detail-type")
    if kind == "Object Created":
        _add(reading, _from_eventbridge, document)
    elif isinstance(kind, str) and kind in OTHER_DETAIL_TYPES:
        reading.ignored.append(f"EventBridge's event {kind}")
    else:
        reading.malformed.append(f"an EventBridge event of S3 with the detail-type {kind!r}, not 'Object Created'")


def _read_cloudtrail(reading: Reading, bucket: str, keys: list[Any]) -> None:
    if not keys:
        reading.ignored.append("a notification of CloudTrail without keys")
    for key in keys:
        _add(reading, dict, {"bucket": bucket, "key": key})


def _add(reading: Reading, parse: Callable[[Document], Document], document: Document) -> None:
    """Add the event that a document describes, or the reason why it describes none."""
    try:
        fields = parse(document)
        # A field without a value counts as absent.
        event = ObjectEvent.model_validate({name: value for name, value in fields.items() if value not in (None, "")})
    except ValidationError as error:
        reading.malformed.append(explain(error, ObjectEvent))
    except ValueError as error:
        reading.malformed.append(str(error))
    else:
        if event.key.endswith("/") or event.size == 0:
            reading.ignored.append("a folder or an empty object")
        else:
            reading.events.append(event)


def _from_envelope(document: Document) -> Document:
    schema = document["schema"]
    if type(schema) is not int or schema != SCHEMA:
        raise ValueError(f"schema is {schema!r}, this version reads {SCHEMA}: upgrade the operator, then redrive")
    return document


def _from_record(record: Document) -> Document:
    stored = _object_at(record, "s3", "object")
    key = stored.get("key")
    if not isinstance(key, str):
        raise ValueError(f"s3.object.key is {key!r}, not a string")
    return {
        "bucket": _object_at(record, "s3", "bucket").get("name"),
        "key": _decoded(key),
        "versionId": stored.get("versionId"),
        "etag": stored.get("eTag"),
        "size": stored.get("size"),
        "sequencer": stored.get("sequencer"),
    }


def _from_eventbridge(document: Document) -> Document:
    stored = _object_at(document, "detail", "object")
    return {
        "bucket": _object_at(document, "detail", "bucket").get("name"),
        "key": stored.get("key"),
        "versionId": stored.get("version-id"),
        "etag": stored.get("etag"),
        "size": stored.get("size"),
        "sequencer": stored.get("sequencer"),
    }


def _object_at(document: Document, outer: str, inner: str) -> Document:
    """Return the object at a path of two fields."""
    found = document.get(outer)
    found = found.get(inner) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise ValueError(f"{outer}.{inner} is missing, or not an object")
    return found


def _decoded(key: str) -> str:
    """Return a key as it is. Bytes that are not UTF-8 are refused: replaced, they would name another object."""
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError as error:
        raise ValueError(f"s3.object.key {key!r} is not UTF-8 once it is decoded") from error


def _kind(value: Any) -> str:
    """Return what JSON calls the type of a value."""
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")
