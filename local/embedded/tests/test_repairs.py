"""What is put right of the emulator (`logscan_local.stack.repairs`), by itself and in front of the real one."""

import hashlib
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from logscan_local.stack import aws
from logscan_local.stack.aws import Resources
from logscan_local.stack.repairs import RangesOfVersions, cut, wanted_range
from logscan_local.stack.uploads import put_file

WHOLE = b"0123456789"
HEADERS = [(b"Content-Length", b"10"), (b"ETag", b'"e"'), (b"x-amz-checksum-crc32", b"AAAA"), (b"Content-Type", b"t")]


@pytest.mark.parametrize(
    ("wanted", "status", "body", "told"),
    [
        ("bytes=0-0", 206, b"0", b"bytes 0-0/10"),
        ("bytes=2-4", 206, b"234", b"bytes 2-4/10"),
        ("bytes=7-", 206, b"789", b"bytes 7-9/10"),
        ("bytes=0-9", 206, WHOLE, b"bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", b"bytes 8-9/10"),
        ("bytes=-3", 206, b"789", b"bytes 7-9/10"),
        ("bytes=-99", 206, WHOLE, b"bytes 0-9/10"),
        # RFC 9110, 14.1.2 and 14.2: what is no valid range is ignored.
        ("bytes=4-2", 200, WHOLE, None),
        ("bytes=-", 200, WHOLE, None),
        ("bytes=1-2,4-5", 200, WHOLE, None),
        ("lines=1-2", 200, WHOLE, None),
        ("bytes=a-b", 200, WHOLE, None),
    ],
)
def test_a_whole_object_is_cut_to_a_range(wanted: str, status: int, body: bytes, told: bytes | None) -> None:
    answered, headers, part = cut(wanted, HEADERS, WHOLE)
    named = {name.lower(): value for name, value in headers}
    assert (answered, part, named.get(b"content-range")) == (status, body, told)
    assert named[b"content-length"] == b"%d" % len(body)
    assert (named[b"etag"], named[b"content-type"]) == (b'"e"', b"t")
    # A checksum of the whole object does not fit a part of it.
    assert (b"x-amz-checksum-crc32" in named) == (status == 200)


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(wanted: str) -> None:
    status, headers, body = cut(wanted, HEADERS, WHOLE)
    named = {name.lower(): value for name, value in headers}
    assert (status, named[b"content-range"], named[b"content-type"]) == (416, b"bytes */10", b"application/xml")
    assert b"<Code>InvalidRange</Code>" in body
    assert int(named[b"content-length"]) == len(body)


def request(**changes: Any) -> dict[str, Any]:
    scope = {
        "type": "http",
        "method": "GET",
        "query_string": b"versionId=v&x-id=GetObject",
        "headers": [(b"host", b"h"), (b"Range", b"bytes=2-4")],
    }
    return {**scope, **changes}


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, "bytes=2-4"),
        ({"query_string": b""}, None),
        ({"query_string": b"versionId="}, None),
        ({"headers": []}, None),
        ({"method": "HEAD"}, None),
        ({"method": "PUT"}, None),
        ({"type": "websocket"}, None),
        ({"type": "lifespan"}, None),
    ],
)
def test_only_ranges_of_versions_are_touched(changes: dict[str, Any], wanted: str | None) -> None:
    assert wanted_range(request(**changes)) == wanted


@pytest.mark.parametrize(
    "messages",
    [
        [
            {"type": "http.response.start", "status": 404, "headers": []},
            {"type": "http.response.body", "body": b"<Error>", "more_body": False},
        ],
        [  # once MiniStack honours ranges
            {"type": "http.response.start", "status": 206, "headers": []},
            {"type": "http.response.body", "body": b"234", "more_body": False},
        ],
        [  # an answer in several parts
            {"type": "http.response.start", "status": 200, "headers": []},
            {"type": "http.response.body", "body": b"0123", "more_body": True},
            {"type": "http.response.body", "body": b"456789", "more_body": False},
        ],
    ],
)
async def test_other_answers_pass_as_they_are(messages: list[dict[str, Any]]) -> None:
    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    async def receive() -> dict[str, Any]:
        return {}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await RangesOfVersions(application)(request(), receive, send)
    assert sent == messages


@pytest.fixture(scope="module")
def stored(emulator: Resources) -> tuple[Resources, str]:
    """Return the emulator and the first of two versions of an object."""
    s3 = aws.client("s3", emulator.endpoint)
    first = s3.put_object(Bucket=emulator.bucket, Key="größe 1+2%.log", Body=WHOLE)
    s3.put_object(Bucket=emulator.bucket, Key="größe 1+2%.log", Body=b"later")
    return emulator, first["VersionId"]


@pytest.mark.emulator
def test_the_scanner_reads_a_range_of_a_version_under_its_own_key(stored: tuple[Resources, str]) -> None:
    """The emulator checks an IAM user's signature, which covers the host, the version and the range."""
    resources, version = stored
    s3 = aws.client("s3", resources.endpoint, resources.scanner)
    wanted = {"Bucket": resources.bucket, "Key": "größe 1+2%.log", "VersionId": version}
    answer = s3.get_object(**wanted, Range="bytes=2-4")
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["ContentRange"]) == (206, "bytes 2-4/10")
    assert answer["Body"].read() == b"234"
    assert s3.get_object(**wanted)["Body"].read() == WHOLE
    for arguments, code in (({"Range": "bytes=10-"}, "InvalidRange"), ({"IfMatch": '"0"'}, "PreconditionFailed")):
        with pytest.raises(ClientError) as refusal:
            s3.get_object(**{**wanted, "Range": "bytes=0-1", **arguments})
        assert refusal.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError) as refusal:
        aws.client("s3", resources.endpoint, resources.operator).get_object(**wanted, Range="bytes=0-1")
    assert refusal.value.response["Error"]["Code"] == "AccessDenied"


def process_at(endpoint: str) -> psutil.Process:
    """Return the process that listens at an address."""
    port = int(endpoint.rpartition(":")[2])
    listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    (pid,) = {c.pid for c in listening if str(c.laddr[1:2]) == f"({port},)"}
    return psutil.Process(pid)


@pytest.mark.emulator
def test_a_large_upload_is_read_range_by_range_in_flat_memory(emulator: Resources, tmp_path: Path) -> None:
    path, size, step = tmp_path / "large.log", 48 << 20, 8 << 20
    path.write_bytes(b"".join(b"%063d\n" % n for n in range(size // 64)))
    stored = put_file(aws.client("s3", emulator.endpoint), path, emulator.bucket, "large.log")
    assert stored.size == size
    assert stored.etag.endswith("-6"), "it was uploaded in parts, and its tag is S3's"
    before, digest = process_at(emulator.endpoint).memory_info().rss, hashlib.sha256()
    s3 = aws.client("s3", emulator.endpoint, emulator.scanner)
    for start in range(0, size, step):
        wanted = {"Bucket": emulator.bucket, "Key": "large.log", "IfMatch": stored.etag, "VersionId": stored.version_id}
        digest.update(s3.get_object(**wanted, Range=f"bytes={start}-{start + step - 1}")["Body"].read())
    assert digest.digest() == hashlib.sha256(path.read_bytes()).digest()
    assert process_at(emulator.endpoint).memory_info().rss - before < size
