"""From what S3 or EventBridge says to the object event that the operator's intake reads.

The event's contract is `logscan_api.events.ObjectEvent`; a test compares the two. Keys arrive form-encoded in
notification records and as they are from EventBridge (S3 documentation, "Event message structure").
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

SCHEMA = 1

ObjectEvent = dict[str, Any]


@dataclass(frozen=True)
class Rejected:
    """A record that no retry can make readable."""

    record: Any
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
    if not isinstance(event, dict):
        reading.rejected.append(Rejected(event, f"not an object but {type(event).__name__}"))
    elif isinstance(event.get("Records"), list):
        for record in event["Records"]:
            _take(reading, record, _from_record)
    elif event.get("source") == "aws.s3":
        _take(reading, event, _from_eventbridge)
    elif event.get("Event") == "s3:TestEvent":
        reading.skipped += 1
    else:
        fields = ", ".join(sorted(map(str, event))[:8])
        reading.rejected.append(
            Rejected(event, f"neither an S3 notification nor an EventBridge event: fields {fields}")
        )
    return reading


def group_id(event: ObjectEvent) -> str:
    """Return the MessageGroupId: one group per object, so that only versions of one object wait for each other.

    SQS allows 128 characters of ASCII; a key may be 1,024 bytes of anything, hence the hash.
    """
    return hashlib.sha256(f"{event['bucket']}\0{event['key']}".encode()).hexdigest()


def deduplication_id(event: ObjectEvent) -> str:
    """Return the MessageDeduplicationId: equal for every delivery of one event, different for any other event."""
    parts = (
        event["bucket"],
        event["key"],
        *(event.get(f) or "-" for f in ("versionId", "sequencer", "etag")),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _take(reading: Reading, record: Any, parse: Any) -> None:
    try:
        event = parse(record)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        reading.rejected.append(Rejected(record, f"{type(error).__name__}: {error}"))
        return
    if event is None or event["key"].endswith("/") or event.get("size") == 0:
        reading.skipped += 1
    else:
        reading.events.append(event)


def _from_record(record: dict[str, Any]) -> ObjectEvent | None:
    if not record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
        return None
    stored = record["s3"]["object"]
    return _envelope(
        bucket=record["s3"]["bucket"]["name"],
        key=unquote_plus(stored["key"], errors="strict"),
        versionId=stored.get("versionId"),
        etag=stored.get("eTag"),
        size=stored.get("size"),
        sequencer=stored.get("sequencer"),
        eventTime=record.get("eventTime"),
        region=record.get("awsRegion"),
    )


def _from_eventbridge(event: dict[str, Any]) -> ObjectEvent | None:
    if event["detail-type"] != "Object Created":
        return None
    stored = event["detail"]["object"]
    return _envelope(
        bucket=event["detail"]["bucket"]["name"],
        key=stored["key"],
        versionId=stored.get("version-id"),
        etag=stored.get("etag"),
        size=stored.get("size"),
        sequencer=stored.get("sequencer"),
        eventTime=event.get("time"),
        region=event.get("region"),
    )


def _envelope(bucket: str, key: str, **others: object) -> ObjectEvent:
    if not (isinstance(bucket, str) and bucket and isinstance(key, str) and key):
        raise ValueError("no name of a bucket or no key")
    (bucket + key).encode()  # half a surrogate pair is no text
    return {
        "schema": SCHEMA,
        "bucket": bucket,
        "key": key,
        **{name: value for name, value in others.items() if value is not None},
    }
