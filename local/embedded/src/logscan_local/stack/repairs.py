"""What MiniStack does otherwise than AWS put right, where logscan relies on it.

A filter around MiniStack's own ASGI application, so requests, signatures and every other answer are untouched. What is
put right here, and what is not: `docs/decisions/0004-embedded-stack.md`.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

UNSATISFIABLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>InvalidRange</Code><Message>The requested range is not satisfiable</Message></Error>"""


class RangesOfVersions:
    """Honours `Range` where a version is asked for, which MiniStack answers with the whole object.

    AWS: "GetObject", request parameters Range and versionId, which go together.
    """

    def __init__(self, application: Application) -> None:
        """Prepare.

        Args:
            application: What answers.
        """
        self._application = application

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass a request on, and cut the answer to size if it is one of those."""
        wanted = wanted_range(scope)
        await self._application(scope, receive, send if wanted is None else _Cut(wanted, send).send)


class _Cut:
    """Holds an answer's head back until its body is there, then sends both cut to the range."""

    def __init__(self, wanted: str, send: Send) -> None:
        self._wanted = wanted
        self._send = send
        self._head: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            self._head = message
            return
        head, self._head = self._head, None
        if head is None or message["type"] != "http.response.body" or message.get("more_body"):
            for part in [head, message] if head else [message]:
                await self._send(part)
            return
        status, headers, body = cut(self._wanted, head["headers"], message["body"])
        await self._send({**head, "status": status, "headers": headers})
        await self._send({**message, "body": body})


def wanted_range(scope: MutableMapping[str, Any]) -> str | None:
    """Return the range that a request for an object's version asks for, or None if it is no such request."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    if not parse_qs(scope["query_string"].decode("latin-1")).get("versionId"):
        return None
    ranges = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"range"]
    return ranges[0] if len(ranges) == 1 else None


def cut(wanted: str, headers: list[Header], body: bytes) -> tuple[int, list[Header], bytes]:
    """Return status, headers and body of the answer to a range of a whole object.

    A header that is no single range of bytes is ignored (RFC 9110, 14.2; S3 knows no several ranges).
    """
    given = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted.strip())
    if given is None or given.group(0) == "bytes=-":
        return 200, headers, body
    size, first, last = len(body), *given.groups()
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if first and last and int(last) < start:
        return 200, headers, body
    if start >= size:
        told = (b"content-range", b"bytes */%d" % size)
        kind = (b"content-type", b"application/xml")
        return 416, [*_without(headers, b"content-type"), kind, told, _length(UNSATISFIABLE)], UNSATISFIABLE
    part = body[start : end + 1]
    told = (b"content-range", b"bytes %d-%d/%d" % (start, end, size))
    return 206, [*_without(headers), told, _length(part)], part


def _without(headers: list[Header], *names: bytes) -> list[Header]:
    """Return headers but for those that are about the whole object."""
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in (b"content-length", *names) and not name.lower().startswith(b"x-amz-checksum-")
    ]


def _length(body: bytes) -> Header:
    return (b"content-length", b"%d" % len(body))
