"""From what S3 or EventBridge says to the object event that the operator's intake reads.

The event's contract is `logscan_api.events.ObjectEvent`; a test compares the two. Keys arrive form-encoded in
notification records and as they are from EventBridge (S3 documentation, "Event message structure").
"""

import hashlib
from typing import Any
from urllib.parse import unquote_plus

SCHEMA = 1

ObjectEvent = dict[str, Any]


def object_events(event: dict[str, Any]) -> list[ObjectEvent]:
    """Return the objects to forward: created, not a folder, not empty.

    Raises:
        ValueError: The event is of no kind that this Lambda is subscribed to.
    """
    if isinstance(event.get("Records"), list):
        created = [_from_record(r) for r in event["Records"] if _is_creation(r.get("eventName", ""))]
    elif event.get("source") == "aws.s3":
        created = [_from_eventbridge(event)] if event.get("detail-type") == "Object Created" else []
    elif event.get("Event") == "s3:TestEvent":
        created = []
    else:
        raise ValueError(f"neither an S3 notification nor an EventBridge event: fields {sorted(event)[:8]}")
    return [e for e in created if not e["key"].endswith("/") and e.get("size") != 0]


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


def _is_creation(event_name: str) -> bool:
    return event_name.removeprefix("s3:").startswith("ObjectCreated:")


def _from_record(record: dict[str, Any]) -> ObjectEvent:
    stored = record["s3"]["object"]
    return _envelope(
        bucket=record["s3"]["bucket"]["name"],
        key=unquote_plus(stored["key"]),
        versionId=stored.get("versionId"),
        etag=stored.get("eTag"),
        size=stored.get("size"),
        sequencer=stored.get("sequencer"),
        eventTime=record.get("eventTime"),
        region=record.get("awsRegion"),
    )


def _from_eventbridge(event: dict[str, Any]) -> ObjectEvent:
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


def _envelope(**fields: object) -> ObjectEvent:
    return {"schema": SCHEMA, **{name: value for name, value in fields.items() if value is not None}}
