"""The message that announces objects, and every shape in which it arrives.

Ours is the envelope that the forwarder writes. Others are read too: S3 notification records, EventBridge events and
CloudTrail's own SNS notifications; as they are, or wrapped by SNS, by SQS, or by the on-failure destination of a
Lambda. Keys are form-encoded in notification records only (S3 documentation, "Event message structure"); they are
decoded here exactly once. The forwarder reads the same shapes without this package: `crds/tests/messages.json` is the
table of cases that both are held to.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote_plus

from pydantic import ConfigDict, Field, ValidationError

from logscan_api.buckets import BucketName
from logscan_api.models import Model

SCHEMA = 1
WRAPPERS = 8  # within each other at the most
# What CloudTrail publishes when a topic is set for a trail, to see whether it may.
CLOUDTRAIL_GREETING = "CloudTrail validation message."
# S3 user guide, "Using EventBridge": what else a bucket tells.
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
    """An object that was created in S3. Fields that a newer sender adds are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    bucket: BucketName
    key: str = Field(min_length=1, max_length=1024)
    version_id: str | None = Field(default=None, max_length=1024)
    etag: str | None = Field(default=None, max_length=128)
    size: int | None = Field(default=None, ge=0)
    sequencer: str | None = Field(default=None, max_length=64)
    event_time: str | None = None
    region: str | None = None


@dataclass
class Reading:
    """What a message says.

    Attributes:
        events: Objects to scan, in the message's order.
        ignored: Why each of the other things that were understood is not to be scanned, such as a removal.
        malformed: Why each part that was not understood was not.
    """

    events: list[ObjectEvent] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)


def read_message(body: str) -> Reading:
    """Return what a queue message says. It never raises: a bad part spoils no other."""
    reading = Reading()
    _read_text(reading, body, WRAPPERS)
    return reading


def is_creation(event_name: str) -> bool:
    """Return whether a notification record's `eventName` says that an object was created."""
    return event_name.removeprefix("s3:").startswith("ObjectCreated:")


def _read_text(reading: Reading, text: str, depth: int) -> None:
    if text == CLOUDTRAIL_GREETING:
        reading.ignored.append("CloudTrail's test of its topic")
        return
    try:
        document = json.loads(text)
    except RecursionError:
        reading.malformed.append("the message is JSON nested too deeply")
    except ValueError as error:
        reading.malformed.append(f"the message is not JSON: {error}")
    else:
        _read(reading, document, depth)


def _read(reading: Reading, document: Any, depth: int) -> None:
    """Read a document of any shape."""
    if not isinstance(document, dict):
        reading.malformed.append(f"the message is a JSON {type(document).__name__}, not an object")
    elif depth == 0:
        reading.malformed.append(f"the message is wrapped more than {WRAPPERS} times")
    elif "schema" in document:
        _take(reading, document, _from_envelope)
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
        reading.malformed.append(f"a record is a JSON {type(record).__name__}, not an object")
        return
    source = record.get("eventSource")
    if isinstance(record.get("Sns"), dict) and isinstance(record["Sns"].get("Message"), str):
        _read_text(reading, record["Sns"]["Message"], depth - 1)
    elif source == "aws:sqs" and isinstance(record.get("body"), str):
        _read_text(reading, record["body"], depth - 1)
    elif "s3" not in record or not isinstance(record.get("eventName"), str):
        reading.malformed.append(f"a record of {source!r} is no S3 notification: it lacks s3 or eventName")
    elif is_creation(record["eventName"]):
        _take(reading, record, _from_record)
    else:
        reading.ignored.append(f"S3's event {record['eventName']}")


def _read_eventbridge(reading: Reading, document: Document) -> None:
    kind = document.get("detail-type")
    if kind == "Object Created":
        _take(reading, document, _from_eventbridge)
    elif isinstance(kind, str) and kind in OTHER_DETAIL_TYPES:
        reading.ignored.append(f"EventBridge's event {kind}")
    else:
        reading.malformed.append(f"an EventBridge event of S3 with the detail-type {kind!r}, not 'Object Created'")


def _read_cloudtrail(reading: Reading, bucket: str, keys: list[Any]) -> None:
    if not keys:
        reading.ignored.append("a notification of CloudTrail without keys")
    for key in keys:
        _take(reading, {"bucket": bucket, "key": key}, _event)


def _take(reading: Reading, document: Document, parse: Callable[[Document], ObjectEvent]) -> None:
    try:
        event = parse(document)
    except (ValidationError, KeyError, TypeError, AttributeError, ValueError) as error:
        reading.malformed.append(f"the message lacks what an object event needs: {_short(error)}")
        return
    if event.key.endswith("/") or event.size == 0:
        reading.ignored.append("a folder or an empty object")
    else:
        reading.events.append(event)


def _from_envelope(document: Document) -> ObjectEvent:
    schema = document["schema"]
    if type(schema) is not int or schema != SCHEMA:
        raise ValueError(f"schema is {schema!r}, this version reads {SCHEMA}: upgrade the operator, then redrive")
    return _event(document)


def _from_record(record: Document) -> ObjectEvent:
    stored = record["s3"]["object"]
    return _event(
        {
            "bucket": record["s3"]["bucket"]["name"],
            "key": unquote_plus(stored["key"], errors="strict"),
            "versionId": stored.get("versionId"),
            "etag": stored.get("eTag"),
            "size": stored.get("size"),
            "sequencer": stored.get("sequencer"),
            "eventTime": record.get("eventTime"),
            "region": record.get("awsRegion"),
        }
    )


def _from_eventbridge(document: Document) -> ObjectEvent:
    stored = document["detail"]["object"]
    return _event(
        {
            "bucket": document["detail"]["bucket"]["name"],
            "key": stored["key"],
            "versionId": stored.get("version-id"),
            "etag": stored.get("etag"),
            "size": stored.get("size"),
            "sequencer": stored.get("sequencer"),
            "eventTime": document.get("time"),
            "region": document.get("region"),
        }
    )


def _event(fields: Document) -> ObjectEvent:
    """Return an event; a field without a value counts as absent."""
    return ObjectEvent.model_validate({name: value for name, value in fields.items() if value not in (None, "")})


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"{type(error).__name__}: {error}" if not isinstance(error, ValueError) else str(error)
