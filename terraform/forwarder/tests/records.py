"""Notifications as S3 sends them."""

from typing import Any


def record(name: str = "ObjectCreated:Put", bucket: str = "logs", **stored: Any) -> dict[str, Any]:
    """Return a notification record as S3 sends it."""
    facts = {"key": "a.log", "size": 3, "eTag": "abc", "sequencer": "0055AED6DCD90281E5", **stored}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-11-24T08:00:00.000Z",
        "eventName": name,
        "s3": {"bucket": {"name": bucket}, "object": {k: v for k, v in facts.items() if v is not None}},
    }
