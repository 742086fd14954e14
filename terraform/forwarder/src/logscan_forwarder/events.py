"""From what AWS says of objects to the object event that the operator's intake reads.

The contract is `logscan_api.events`, which cannot be imported here; `crds/tests/messages.json` is the table of cases
that both are held to. Keys arrive form-encoded in notification records and as they are otherwise (S3 documentation,
"Event message structure").
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

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
# Fewest and most characters of each field; those that are not here may be anything.
LENGTHS = {"bucket": (3, 255), "key": (1, 1024), "versionId": (1, 1024), "etag": (1, 128), "sequencer": (1, 64)}
TEXTS = (*LENGTHS, "eventTime", "region")
REQUIRED = ("bucket", "key")
BUCKET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]+[A-Za-z0-9_-]")

Document = dict[str, Any]
ObjectEvent = dict[str, Any]


@dataclass(frozen=True)
class Rejected:
    """What no retry can make readable, in a form that `read` takes."""

    document: Any
    reason: str


@dataclass
class Reading:
    """What is in one call of the Lambda."""

    events: list[ObjectEvent] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    skipped: int = 0  # removals, folders, empty objects, S3's test event


def read(event: Any) -> Reading:
    """Return the objects to forward, what is to be skipped, and what cannot be read; one bad record spoils no other."""
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

    It tells events apart, not contents: within SQS's five minutes the third upload of A, B, A must not be taken for the
    first.
    """
    return _digest(event["bucket"], event["key"], *(event.get(f) for f in ("versionId", "sequencer", "etag")))


def _digest(*facts: str | None) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _read(reading: Reading, document: Any, depth: int) -> None:
    """Read a document of any shape."""
    if not isinstance(document, dict):
        reading.rejected.append(Rejected(document, f"not an object but {type(document).__name__}"))
    elif depth == 0:
        reading.rejected.append(Rejected(document, f"wrapped more than {WRAPPERS} times"))
    elif "schema" in document:
        _take(reading, document, document, _from_envelope)
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
            one = {"s3Bucket": document["s3Bucket"], "s3ObjectKey": [key]}
            _take(reading, one, {"bucket": document["s3Bucket"], "key": key}, _envelope)
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
    """Read one of the `Records` of a notification; what is rejected is one again."""
    alone = {"Records": [record]}
    if not isinstance(record, dict):
        reading.rejected.append(Rejected(alone, f"a record is not an object but {type(record).__name__}"))
        return
    source = record.get("eventSource")
    if isinstance(record.get("Sns"), dict) and isinstance(record["Sns"].get("Message"), str):
        _read_text(reading, alone, record["Sns"]["Message"], depth - 1)
    elif source == "aws:sqs" and isinstance(record.get("body"), str):
        _read_text(reading, alone, record["body"], depth - 1)
    elif "s3" not in record or not isinstance(record.get("eventName"), str):
        reason = f"a record of {source!r} is no S3 notification: it lacks s3 or eventName"
        reading.rejected.append(Rejected(alone, reason))
    elif record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
        _take(reading, alone, record, _from_record)
    else:
        reading.skipped += 1


def _read_eventbridge(reading: Reading, document: Document) -> None:
    kind = document.get("detail-type")
    if kind == "Object Created":
        _take(reading, document, document, _from_eventbridge)
    elif isinstance(kind, str) and kind in OTHER_DETAIL_TYPES:
        reading.skipped += 1
    else:
        reason = f"an EventBridge event of S3 with the detail-type {kind!r}, not 'Object Created'"
        reading.rejected.append(Rejected(document, reason))


def _take(reading: Reading, document: Any, facts: Document, parse: Callable[[Document], ObjectEvent]) -> None:
    """Take an event in, or a document that `parse` finds none in."""
    try:
        event = parse(facts)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        reading.rejected.append(Rejected(document, f"{type(error).__name__}: {error}"))
        return
    if event["key"].endswith("/") or event.get("size") == 0:
        reading.skipped += 1
    else:
        reading.events.append(event)


def _from_envelope(document: Document) -> ObjectEvent:
    schema = document["schema"]
    if type(schema) is not int or schema != SCHEMA:
        raise ValueError(f"schema is {schema!r}, this version reads {SCHEMA}: upgrade the forwarder, then redrive")
    return _envelope({name: document[name] for name in (*TEXTS, "size") if name in document})


def _from_record(record: Document) -> ObjectEvent:
    stored = record["s3"]["object"]
    return _envelope(
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


def _from_eventbridge(event: Document) -> ObjectEvent:
    stored = event["detail"]["object"]
    return _envelope(
        {
            "bucket": event["detail"]["bucket"]["name"],
            "key": stored["key"],
            "versionId": stored.get("version-id"),
            "etag": stored.get("etag"),
            "size": stored.get("size"),
            "sequencer": stored.get("sequencer"),
            "eventTime": event.get("time"),
            "region": event.get("region"),
        }
    )


def _envelope(facts: Document) -> ObjectEvent:
    """Return the envelope of an event; a field without a value counts as absent.

    Raises:
        ValueError: The operator would not take it; the text says which field, and why.
    """
    event = {name: value for name, value in facts.items() if value not in (None, "")}
    for name in REQUIRED:
        if name not in event:
            raise ValueError(f"{name} is missing")
    for name in TEXTS:
        if name in event:
            _check_text(name, event[name])
    size = event.get("size", 0)
    if type(size) is not int or size < 0:
        raise ValueError(f"size is {size!r}, not a number of bytes")
    return {"schema": SCHEMA, **event}


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {type(value).__name__}, not text")
    value.encode()  # half a surrogate pair is no text
    least, most = LENGTHS.get(name, (0, len(value)))
    if not least <= len(value) <= most:
        raise ValueError(f"{name} has {len(value)} characters, not {least} to {most}")
    if name == "bucket" and not BUCKET.fullmatch(value):
        raise ValueError(f"{value!r} is no name of a bucket")
