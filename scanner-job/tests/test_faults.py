"""The network as it is: connections that break, throttling and slowness between the scanner and a real S3 emulator."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from logscan_api.exitcodes import ExitCode
from logscan_api.requests import ScanIdentity, ScanRequest, resolve_limits
from logscan_api.rules import Rule
from logscan_api.sources import S3Source
from logscan_api.statuses import ResultRef
from logscan_api.table import table_definition
from logscan_local.stack import aws
from logscan_local.stack.emulator import running

pytestmark = pytest.mark.emulator

LINES = 400_000
LINE = b"%07d some line of a log that is %s\n"
BODY = b"".join(LINE % (n, b"bad" if n % 100 == 0 else b"fine ") for n in range(LINES))
BUCKET, TABLE = "faulty-logs", "faulty-results"


class Proxy:
    """Passes HTTP on to an emulator, one request a connection, and spoils answers to GETs of objects.

    Attributes:
        sent: Bytes of objects that reached the client.
        requests: GETs of objects.
        breaks: So many times an answer ends in the middle.
        throttles: So many times the answer is 503 SlowDown.
        stall: Whether the next answer falls silent in the middle.
        drops_range: Whether the header Range is lost on the way.
    """

    def __init__(self, port: int) -> None:
        self.sent = self.requests = self.breaks = self.throttles = 0
        self.stalled = threading.Event()
        self.stall = self.drops_range = False
        self._upstream = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with closing(client):
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(65536)
                if not data:
                    return
                head += data
            whole_object = head.startswith(f"GET /{BUCKET}/".encode())
            if whole_object and self.throttles:
                self.throttles -= 1
                body = b"<Error><Code>SlowDown</Code><Message>less</Message></Error>"
                client.sendall(
                    b"HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Type: application/xml\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
                )
                return
            with closing(socket.create_connection(("127.0.0.1", self._upstream))) as server:
                length = self._expected(head) - len(head)
                if self.drops_range:
                    head = re.sub(rb"\r\nrange: [^\r]*", b"", head, flags=re.IGNORECASE)
                first, _, rest = head.partition(b"\r\n")
                server.sendall(first + b"\r\nConnection: close\r\n" + rest)
                self._answer(client, server, whole_object, length)

    def _expected(self, head: bytes) -> int:
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                return int(line.split(b":")[1]) + head.index(b"\r\n\r\n") + 4
        return len(head)

    def _answer(self, client: socket.socket, server: socket.socket, spoil: bool, missing: int) -> None:
        while missing > 0:
            data = client.recv(65536)
            server.sendall(data)
            missing -= len(data)
        self.requests += spoil
        passed = 0
        while data := server.recv(65536):
            if spoil and self.breaks and passed > 300_000:
                self.breaks -= 1
                return
            if spoil and self.stall and passed > 300_000:
                self.stall = False
                self.stalled.wait(8)  # longer than the scanner's patience, which the test sets
                return
            try:
                client.sendall(data)
            except OSError:
                return
            passed += len(data)
            self.sent += len(data) if spoil else 0


@pytest.fixture(scope="module")
def emulator() -> Iterator[int]:
    with running("faults") as made:
        s3 = aws.client("s3", made.endpoint)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        s3.put_object(Bucket=BUCKET, Key="app.log", Body=BODY)
        s3.put_object(Bucket=BUCKET, Key="small.log", Body=b"bad\n")
        aws.client("dynamodb", made.endpoint).create_table(**table_definition(TABLE))
        yield made.port


@pytest.fixture
def proxy(emulator: int) -> Iterator[Proxy]:
    made = Proxy(emulator)
    yield made
    made.stalled.set()
    made.close()


def scan(proxy: Proxy, folder: Path, **environment: str) -> dict[str, Any]:
    """Return the row of a scan by the real process."""
    ref = ResultRef(table=TABLE, pk=f"O#{uuid.uuid4().hex}", sk="S#1")
    code, words = ended(proxy, folder, ref, "app.log", **environment)
    assert code == 0, words
    endpoint = f"http://127.0.0.1:{proxy._upstream}"
    key = {"pk": {"S": ref.pk}, "sk": {"S": ref.sk}}
    row: dict[str, Any] = aws.client("dynamodb", endpoint).get_item(TableName=TABLE, Key=key)["Item"]
    return row


def ended(proxy: Proxy, folder: Path, ref: ResultRef, key: str, **environment: str) -> tuple[int, str]:
    """Return exit code and last words of a scan by the real process."""
    request = ScanRequest(
        scan=ScanIdentity(namespace="n", name="s", uid="u", attempt=1),
        source=S3Source(bucket=BUCKET, key=key),
        rules=[Rule(name="bad", pattern="bad$")],
        limits=resolve_limits(),
        tokens=["t" * 64],
        result=ref,
    )
    environment = {
        **os.environ,
        **aws.ADMINISTRATOR.environment(),
        "AWS_REGION": aws.REGION,
        "AWS_ENDPOINT_URL": proxy.url,
        "LOGSCAN_REQUEST": request.to_variable(),
        "LOGSCAN_TERMINATION_PATH": str(folder / "words"),
        **environment,
    }
    done = subprocess.run([sys.executable, "-m", "logscan_scanner"], env=environment, capture_output=True, check=False)
    words = json.loads((folder / "words").read_text())
    assert words["code"] == done.returncode, done.stderr.decode()
    return done.returncode, words["message"]


def assert_whole(row: dict[str, Any], proxy: Proxy, more: int) -> None:
    """Assert that everything was counted once, and hardly anything was sent twice."""
    assert (int(row["lines"]["N"]), int(row["by_rule"]["M"]["bad"]["N"])) == (LINES, LINES // 100)
    assert proxy.sent < len(BODY) + more


def test_nothing_goes_wrong(proxy: Proxy, tmp_path: Path) -> None:
    assert_whole(scan(proxy, tmp_path), proxy, more=100_000)


def test_connections_that_break_in_the_middle(proxy: Proxy, tmp_path: Path) -> None:
    proxy.breaks = 4
    row = scan(proxy, tmp_path)
    assert proxy.breaks == 0
    assert_whole(row, proxy, more=1_000_000)


def test_throttling_is_waited_out(proxy: Proxy, tmp_path: Path) -> None:
    proxy.throttles = 3
    row = scan(proxy, tmp_path)
    assert proxy.throttles == 0
    assert_whole(row, proxy, more=100_000)


def test_a_connection_that_falls_silent(proxy: Proxy, tmp_path: Path) -> None:
    proxy.stall = True
    row = scan(proxy, tmp_path, LOGSCAN_READ_SECONDS="2")
    assert not proxy.stall
    assert_whole(row, proxy, more=1_000_000)


@pytest.mark.parametrize("key", ["app.log", "small.log"])
def test_a_range_that_is_lost_on_the_way_is_no_scan_of_what_came(proxy: Proxy, tmp_path: Path, key: str) -> None:
    proxy.drops_range = True
    code, words = ended(proxy, tmp_path, ResultRef(table=TABLE, pk=f"O#{uuid.uuid4().hex}", sk="S#1"), key)
    assert code == ExitCode.INTERNAL_ERROR
    for told in (f"cannot read s3://{BUCKET}/{key}", proxy.url, "AWS_ENDPOINT_URL", "Range"):
        assert told in words
