"""What is read of S3's answers is what botocore reads of them."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscan_operator.buckets import Buckets
from logscan_operator.errors import AwsError
from logscan_operator.listings import Listed
from logscan_operator.listxml import read

HEAD = '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def document(keys: list[str], more: bool = False, encoding: str = "url") -> bytes:
    """Return an answer in the form of S3's documentation, "ListObjectsV2"."""
    shown = [quote_plus(key, safe="/") if encoding else escape(key) for key in keys]
    entries = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-11-01T01:02:03.000Z</LastModified><ETag>&quot;e&quot;</ETag>"
        f"<Size>{number}</Size><Owner><ID>x</ID></Owner><StorageClass>STANDARD</StorageClass></Contents>"
        for number, key in enumerate(shown)
    )
    told = f"<EncodingType>{encoding}</EncodingType>" if encoding else ""
    text = f"{HEAD}<Name>b</Name>{told}<IsTruncated>{str(more).lower()}</IsTruncated>{entries}</ListBucketResult>"
    return text.encode()


class Server:
    """A server that gives one answer to all requests."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server()
    for name, value in {"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL_S3": server.url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    yield server
    server.close()


async def test_it_is_what_botocore_reads(server: Server) -> None:
    keys = ["a b+c%2B/\u00fc.log", "&<>\"'", "\u2028", "~-_.!*()"]
    server.body = document(keys, more=True)
    peer: Any = boto3.client("s3", region_name="eu-central-1")
    answer = peer.list_objects_v2(Bucket="b", Prefix="a")
    theirs = [Listed(entry["Key"], entry["Size"], entry["LastModified"]) for entry in answer["Contents"]]
    assert await Buckets().listed("b", "a", None) == (theirs, answer["IsTruncated"])
    assert [entry.key for entry in theirs] == keys


async def test_refusals_and_what_is_no_answer_are_errors(server: Server) -> None:
    buckets = Buckets()
    server.status, server.body = 404, b"<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>"
    with pytest.raises(AwsError, match="NoSuchBucket") as refused:
        await buckets.listed("b", "a", None)
    assert refused.value.code == "NoSuchBucket"
    for body in (b"no XML", b"", b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>"):
        server.status, server.body = 200, body
        with pytest.raises(AwsError):
            await buckets.listed("b", "a", None)


@given(st.lists(KEYS, max_size=5), st.booleans(), st.sampled_from(["", "url"]))
def test_any_key_is_read(keys: list[str], more: bool, encoding: str) -> None:
    written = datetime(2026, 11, 1, 1, 2, 3, tzinfo=UTC)
    expected = [Listed(key, number, written) for number, key in enumerate(keys)]
    assert read(document(keys, more, encoding)) == (expected, more)
