"""Logs whose records are not lines, of the size and form that AWS and container runtimes write."""

import json
import random
from collections.abc import Callable, Iterator

EVENT_NAMES = ("GetObject", "PutObject", "AssumeRole", "DescribeInstances", "ListBuckets", "Decrypt")
TIME = b"2026-11-24T10:00:00.123456789Z"


def cloudtrail(size: int) -> Iterator[bytes]:
    """Yield events of CloudTrail, as compact as it writes them, until there are so many bytes."""
    chance = random.Random(7)
    while size > 0:
        number = chance.randrange(1 << 40)
        event = json.dumps(_event(number, chance.choice(EVENT_NAMES)), separators=(",", ":")).encode()
        size -= len(event) + 1
        yield event


def _event(number: int, name: str) -> dict[str, object]:
    role = f"arn:aws:sts::123456789012:assumed-role/app/i-{number:017x}"
    error = (
        {"errorCode": "AccessDenied", "errorMessage": f'User: {role} is not "authorized"'} if number % 7 == 0 else {}
    )
    return {
        "eventVersion": "1.08",
        "userIdentity": {"type": "AssumedRole", "arn": role, "accountId": "123456789012"},
        "eventTime": f"2026-11-24T10:{number % 60:02}:{number // 60 % 60:02}Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-central-1",
        "sourceIPAddress": f"10.{number % 256}.0.1",
        "userAgent": "[aws-sdk-go/1.44.0 (go1.22; linux; amd64)]",
        **error,
        "requestParameters": {"bucketName": "data", "key": f"a/{number:x}.json"},
        "responseElements": None,
        "requestID": f"{number:016X}",
        "eventID": f"{number * 31:032x}",
        "resources": [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::data/a/{number:x}.json"}],
        "eventType": "AwsApiCall",
    }


def service(size: int) -> Iterator[bytes]:
    """Yield lines of a service that logs its requests as JSON, until there are so many bytes."""
    chance = random.Random(8)
    while size > 0:
        number = chance.randrange(1 << 40)
        level = "error" if number % 20 == 0 else "warn" if number % 9 == 0 else "info"
        status = chance.choice((500, 502, 503)) if level == "error" else chance.choice((200, 200, 201, 304, 404))
        line = {
            "time": f"2026-11-24T10:{number % 60:02}:{number // 60 % 60:02}.{number % 1000:03}Z",
            "level": level,
            "logger": "http",
            "msg": f"GET /orders/{number:x}?page={number % 7}&sort=date",
            "http": {"method": "GET", "status": status, "ms": number % 900, "agent": "Mozilla/5.0 (X11; Linux)"},
            "trace": {"id": f"{number * 31:032x}", "sampled": number % 3 == 0},
            "user": f"user-{number % 5000}",
        }
        text = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        size -= len(text)
        yield text


def _docker(line: bytes) -> bytes:
    text = json.dumps(line.decode("utf-8", "replace") + "\n").encode()
    return b'{"log":' + text + b',"stream":"stderr","time":"' + TIME + b'"}\n'


def _cri(line: bytes) -> bytes:
    return TIME + b" stderr F " + line + b"\n"


ENVELOPES: dict[str, Callable[[bytes], bytes]] = {"Docker": _docker, "CRI": _cri}
