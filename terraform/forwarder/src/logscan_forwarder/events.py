"""From the events of AWS to the object event that the operator's intake reads.

The contract is `logscan_api.events`, which cannot be imported here; `crds/tests/messages.json` is the table of cases
that both parsers are tested with. Keys arrive form-encoded in notification records and as they are everywhere else (S3
documentation, "Event message structure").
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

SCHEMA = 1
WRAPPERS = 8  # how deep events may be wrapped
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
# Fewest and most characters of each field that is text.
LENGTHS = {"bucket": (3, 255), "key": (1, 1024), "versionId": (1, 1024), "etag": (1, 128), "sequencer": (1, 64)}
FIELDS = (*LENGTHS, "size")
MAX_SIZE = 2**53  # as in the custom resource: the largest number that every reader of JSON keeps exact
REQUIRED = ("bucket", "key")
BUCKET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]+[A-Za-z0-9_-]")

Document = dict[str, Any]
ObjectEvent = dict[str, Any]


@dataclass(frozen=True)
class Rejected:
    """What cannot be read however often it is tried, in a form that `read` accepts again."""

    document: Any
    reason: str


@dataclass
class Reading:
    """What is in one call of the Lambda."""

    events: list[ObjectEvent] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    skipped: int = 0  # removals, folders, empty objects, S3's test event


def read(event: Any) -> Reading:
    """Return the objects to forward, the number to skip, and what cannot be read; a bad record affects no other."""
    reading = Reading()
    _read(reading, event, WRAPPERS)
    return reading


def group_id(event: ObjectEvent) -> str:
    """Return the MessageGroupId: one group per object, so that only versions of one object wait for each other.

    SQS allows 128 characters of ASCII; a key may be 1,024 bytes of anything, hence the hash.
    """
    return _digest(event["bucket"], event["key"])


def deduplication_id(event: ObjectEvent) -> str:
    """Return the MessageDeduplicationId: equal for every delivery of one event, different for any other event.

    It distinguishes events, not contents: of the uploads A, B, A within SQS's five minutes, the third is not a
    duplicate of the first.
    """
    return _digest(event["bucket"], event["key"], *(event.get(f) for f in ("versionId", "sequencer", "etag")))


def _digest(*facts: str | None) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _read(reading: Reading, document: Any, depth: int) -> None:
    """Read a document of any shape."""
    if not isinstance(document, dict):
        reading.rejected.append(Rejected(document, f"it is {_kind(document)}, not an object"))
    elif depth == 0:
        reading.rejected.append(Rejected(document, f"it is wrapped more than {WRAPPERS} times"))
    elif "schema" in document:
        _add(reading, _from_envelope, document)
    elif isinstance(document.get("Records"), list):
        reading.skipped += not document["Records"]
        for record in document["Records"]:
            _read_record(reading, record, depth)
    elif document.get("Event") == "s3:TestEvent":
        reading.skipped += 1
    elif document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        _read_text(reading, document, document["Message"], depth - 1)
    elif "requestPayload" in document:
        _read(reading, document["requestPayload"], depth - 1)
    elif document.get("source") == "aws.s3":
        _read_eventbridge(reading, document)
    elif isinstance(document.get("s3Bucket"), str) and isinstance(document.get("s3ObjectKey"), list):
        reading.skipped += not document["s3ObjectKey"]
        for key in document["s3ObjectKey"]:
            alone = {"s3Bucket": document["s3Bucket"], "s3ObjectKey": [key]}
            _add(reading, dict, {"bucket": document["s3Bucket"], "key": key}, alone)
    else:
        fields = ", ".join(sorted(map(str, document))[:8])
        reading.rejected.append(Rejected(document, f"unknown kind of event with the fields {fields}"))


def _read_text(reading: Reading, document: Document, text: str, depth: int) -> None:
    """Read what a document wraps as text."""
    if text == CLOUDTRAIL_GREETING:
        reading.skipped += 1
        return
    try:
        wrapped = json.loads(text)
    except (ValueError, RecursionError) as error:
        reading.rejected.append(Rejected(document, f"it wraps what is not JSON: {error}"))
    else:
        _read(reading, wrapped, depth)


def _read_record(reading: Reading, record: Any, depth: int) -> None:
    """Read one of the `Records` of a notification; a rejected one is kept as a notification of its own."""
    alone = {"Records": [record]}
    if not isinstance(record, dict):
        reading.rejected.append(Rejected(alone, f"a record is {_kind(record)}, not an object"))
        return
    source = record.get("eventSource")
    if isinstance(record.get("Sns"), dict) and isinstance(record["Sns"].get("Message"), str):
        _read_text(reading, alone, record["Sns"]["Message"], depth - 1)
    elif source == "aws:sqs" and isinstance(record.get("body"), str):
        _read_text(reading, alone, record["body"], depth - 1)
    elif "s3" not in record or not isinstance(record.get("eventName"), str):
        reason = f"a record of {source!r} is not an S3 notification: it lacks s3 or eventName"
        reading.rejected.append(Rejected(alone, reason))
    elif record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
        _add(reading, _from_record, record, alone)
    else:
        reading.skipped += 1


def _read_eventbridge(reading: Reading, document: Document) -> None:
    kind = document.get("detail-type")
    if kind == "Object Created":
        _add(reading, _from_eventbridge, document)
    elif isinstance(kind, str) and kind in OTHER_DETAIL_TYPES:
        reading.skipped += 1
    else:
        reason = f"an EventBridge event of S3 with the detail-type {kind!r}, not 'Object Created'"
        reading.rejected.append(Rejected(document, reason))


def _add(reading: Reading, parse: Callable[[Document], Document], document: Document, origin: Any = None) -> None:
    """Add the event that a document describes, or its origin (the document, by default) to what is rejected."""
    try:
        event = _envelope(parse(document))
    except ValueError as error:
        reading.rejected.append(Rejected(document if origin is None else origin, str(error)))
        return
    if event["key"].endswith("/") or event.get("size") == 0:
        reading.skipped += 1
    else:
        reading.events.append(event)


def _from_envelope(document: Document) -> Document:
    schema = document["schema"]
    if type(schema) is not int or schema != SCHEMA:
        raise ValueError(f"schema is {schema!r}, this version reads {SCHEMA}: upgrade the forwarder, then redrive")
    return {name: document.get(name) for name in FIELDS}


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


def _from_eventbridge(event: Document) -> Document:
    stored = _object_at(event, "detail", "object")
    return {
        "bucket": _object_at(event, "detail", "bucket").get("name"),
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


def _envelope(fields: Document) -> ObjectEvent:
    """Return the envelope of an event; a field without a value counts as absent.

    Raises:
        ValueError: The operator would reject it; the text names the field and the reason.
    """
    event = {name: value for name, value in fields.items() if value not in (None, "")}
    for name in REQUIRED:
        if name not in event:
            raise ValueError(f"{name} is missing")
    for name in LENGTHS:
        if name in event:
            _check_text(name, event[name])
    size = event.get("size", 0)
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise ValueError(f"size is {size!r}, not a number of bytes")
    return {"schema": SCHEMA, **event}


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{name} is {_kind(value)}, not a string")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} has half a surrogate pair, which is not text") from error
    least, most = LENGTHS[name]
    if not least <= len(value) <= most:
        raise ValueError(f"{name} has {len(value)} characters, not {least} to {most}")
    if name == "bucket" and not BUCKET.fullmatch(value):
        raise ValueError(f"{value!r} is not a bucket name")


def _kind(value: Any) -> str:
    """Return what JSON calls the type of a value."""
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")
