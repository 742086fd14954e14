"""Calls that are made without botocore around them: the same requests, and botocore's answer to whatever goes wrong."""

import gzip
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.moto_proxy.certificate_creator import CertificateCreator

from logscan_api.exitcodes import ExitCode
from logscan_local.stack import aws as local
from logscan_local.testkit.waiting import eventually
from logscan_scanner import aws
from logscan_scanner.aws import StoredObject, clients, direct
from logscan_scanner.aws.objects import BEGINNING_BYTES
from logscan_scanner.errors import ScanError

KEYS = ["a b/c.gz", "größe+%2F.log", "x//y/../z~", "q?versionId=1&a=b#c"]
BODY = gzip.compress(b"ERROR\n" * 10)


class Store:
    """A server on loopback that answers as S3 does, and knows whether a request is signed by the only user.

    Attributes:
        asked: What was asked for, and whether by the client: `Botocore` is in its user agent.
        sent: The host, the path and the session token of each request.
        broken: Statuses of the next answers; 0 ends the connection.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.sent: list[tuple[str, str, str | None]] = []
        self.broken: list[int] = []
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # the library's name
                parts = urlsplit(self.path)
                client = "otocore" in self.headers.get("User-Agent", "")
                token = self.headers["X-Amz-Security-Token"]
                store.sent.append((self.headers["Host"], self.path, token))
                store.asked.append((unquote(parts.path.removeprefix("/logs/")), client))
                assert signed_right(self)
                status = store.broken.pop(0) if store.broken else 206
                if status == 0:
                    self.close_connection = True
                    return
                body = BODY if status == 206 else b"<Error><Code>SlowDown</Code></Error>"
                self.send_response(status)
                if status == 206:
                    self.send_header("Content-Range", f"bytes 0-{len(BODY) - 1}/{len(BODY)}")
                    self.send_header("ETag", '"abc"')
                    self.send_header("x-amz-version-id", "v1")
                    self.send_header("Last-Modified", "Fri, 27 Nov 2026 10:00:00 GMT")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def signed_right(handler: BaseHTTPRequestHandler) -> bool:
    """Return whether botocore signs what arrived in the same way."""
    user, told = local.ADMINISTRATOR, handler.headers["Authorization"]
    names = told.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    parts = urlsplit(handler.path)  # of a proxy, with the host
    request = AWSRequest("GET", f"http://{handler.headers['Host']}{parts.path}?{parts.query}")
    for name in names:
        if name != "host":
            request.headers[name] = handler.headers[name]
    request.context["timestamp"] = handler.headers["X-Amz-Date"]
    signer = S3SigV4Auth(Credentials(user.access_key_id, user.secret_access_key), "s3", "eu-central-1")
    canonical = signer.canonical_request(request)
    return bool(told.endswith(f"Signature={signer.signature(signer.string_to_sign(request, canonical), request)}"))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    made = Store()
    for name, value in {**local.ADMINISTRATOR.environment(), "AWS_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
    clients.session.cache_clear()
    yield made
    clients.session.cache_clear()
    made.close()


def test_further_calls_are_made_directly_and_say_the_same(store: Store) -> None:
    objects = aws.Objects()
    for key in KEYS:
        wanted = StoredObject("logs", key, version_id="v1", etag="abc")
        first, again = objects.begin(wanted), objects.begin(wanted)
        assert first == again
        assert again[1] == BODY
        assert (again[0].size, again[0].version_id) == (len(BODY), "v1")
    assert [key for key, _ in store.asked] == [key for key in KEYS for _ in range(2)]
    assert [client for _, client in store.asked] == [True] + [False] * 7


def test_a_proxy_is_asked_for_whole_addresses(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://s3.example.com:9000")
    monkeypatch.setenv("HTTP_PROXY", store.url)
    objects = aws.Objects()
    for key in ["a b/c.gz", "größe+%2F.log", "q?versionId=1&a=b#c"]:
        wanted = StoredObject("logs", key, version_id="v1")
        assert objects.begin(wanted) == objects.begin(wanted)
    assert {host for host, _, _ in store.sent} == {"s3.example.com:9000"}
    assert all(path.startswith("http://s3.example.com:9000/logs/") for _, path, _ in store.sent)
    assert [client for _, client in store.asked] == [True] + [False] * 5


def test_requests_say_who_asks_now(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = aws.Objects()
    credentials: Any = objects._session.get_credentials()
    for token in (None, None, "t1", "t2"):
        credentials.token = token
        objects.begin(StoredObject("logs", "a"))
    assert [token for _, _, token in store.sent] == [None, None, "t1", "t2"]


@pytest.mark.parametrize("status", [0, 307, 500, 503])
def test_what_goes_wrong_is_left_to_the_client(store: Store, status: int) -> None:
    objects = aws.Objects()
    objects.begin(StoredObject("logs", "a"))
    store.broken = [status]
    assert objects.begin(StoredObject("logs", "b"))[1] == BODY
    assert store.asked == [("a", True), ("b", False), ("b", True)]


def test_errors_are_those_of_the_client(store: Store) -> None:
    objects = aws.Objects()
    objects.begin(StoredObject("logs", "a"))
    store.broken = [403] * 10
    with pytest.raises(ScanError) as failure:
        objects.begin(StoredObject("logs", "b"))
    assert failure.value.code is ExitCode.TRY_AGAIN, "SlowDown, whatever the status"
    assert Counter(client for _, client in store.asked)[False] == 1


def test_a_beginning_is_all_of_a_small_object(store: Store) -> None:
    found, body = aws.Objects().begin(StoredObject("logs", "a"))
    assert found.size == len(body) <= BEGINNING_BYTES
    assert found.modified is not None
    assert found.modified.isoformat() == "2026-11-27T10:00:00+00:00"


@pytest.fixture(scope="module")
def emulated_hosts() -> Iterator[str]:
    """Yield the address of a proxy that answers for all hosts of AWS, by the names that they have there."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from moto.proxy import main; main()", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    try:
        eventually(listens, what="the proxy")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("bucket", ["logs-1", "dotted.logs", "s3-logs"])
def test_on_aws_a_bucket_is_in_the_name_of_the_host(
    emulated_hosts: str, monkeypatch: pytest.MonkeyPatch, bucket: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    environment = {**local.ADMINISTRATOR.environment(), "AWS_REGION": "eu-central-1", "HTTPS_PROXY": emulated_hosts}
    for name, value in {**environment, "AWS_CA_BUNDLE": CertificateCreator.cacert}.items():
        monkeypatch.setenv(name, value)
    clients.session.cache_clear()
    objects, asked = aws.Objects(), list[str]()
    client = boto3.client("s3", region_name="eu-central-1")
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    keys = ["a", f"{bucket}/a", "größe+%2F.log"]
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=f"of {key}".encode())
    objects._s3.meta.events.register("before-send.s3.GetObject", lambda request, **_: asked.append(request.url))
    found = [objects.begin(StoredObject(bucket, key))[1].decode() for key in [*keys, *keys]]
    clients.session.cache_clear()
    assert found == [f"of {key}" for key in [*keys, *keys]]
    host = "s3.eu-central-1.amazonaws.com"
    # A certificate for all buckets is one for names without dots.
    assert asked == [f"https://{host}/{bucket}/a" if "." in bucket else f"https://{bucket}.{host}/a"]


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://logs.s3.eu-central-1.amazonaws.com/logs/a", "https://logs.s3.eu-central-1.amazonaws.com/"),
        ("https://logs.s3.amazonaws.com/a", "https://logs.s3.amazonaws.com/"),
        (
            "https://logs.s3-fips.dualstack.us-east-1.amazonaws.com/a",
            "https://logs.s3-fips.dualstack.us-east-1.amazonaws.com/",
        ),
        ("https://logs.s3.cn-north-1.amazonaws.com.cn/a", "https://logs.s3.cn-north-1.amazonaws.com.cn/"),
        ("https://s3.eu-central-1.amazonaws.com/logs/a", "https://s3.eu-central-1.amazonaws.com/logs/"),
        ("http://127.0.0.1:9000/logs/a", "http://127.0.0.1:9000/logs/"),
        ("http://logs.internal:9000/logs/a", None),
        ("https://logs.s3.eu-central-1.example.com/logs/a", None),
        ("https://other.s3.eu-central-1.amazonaws.com/a", None),
    ],
)
def test_what_is_before_a_key_is_certain_or_not_used(url: str, base: str | None) -> None:
    assert direct._base(url, "logs") == base
