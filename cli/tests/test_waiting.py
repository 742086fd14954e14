"""`scan --wait` on a real API server, also when the way to it breaks."""

import http.client
import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from conftest import in_terminal
from places import FOUND, Place, summary

from kubectl_logscan.waiting import share
from logscan_local.testkit.waiting import eventually


@pytest.mark.controlplane
@pytest.mark.parametrize(
    ("end", "arguments", "code"),
    [
        ({**FOUND, **summary(3, "error", {"error": 3})}, [], 0),
        ({**FOUND, **summary(3, "error", {"error": 3})}, ["--fail-on", "warning"], 1),
        ({"phase": "Failed", "reason": "AccessDenied", "message": "denied"}, [], 7),
        (None, ["--timeout", "1"], 7),
    ],
    ids=["succeeded", "found", "failed", "late"],
)
def test_a_scan_is_waited_for(place: Place, end: dict[str, Any] | None, arguments: list[str], code: int) -> None:
    with ThreadPoolExecutor() as pool:
        ended = pool.submit(place.logscan, "scan", "s3://logs/w.log", "--wait", *arguments)
        (found,) = eventually(lambda: place.kubectl.get("logscans")["items"], what="the LogScan")
        if end is not None:
            place.status(found["metadata"]["name"], end)
        done = ended.result()
    assert done.returncode == code, done.stderr
    if code == 7:
        assert "kubectl logscan why" in done.stderr.splitlines()[-1]


class Relay(http.server.ThreadingHTTPServer):
    """Stands between a command and the API server, and spoils watches.

    Attributes:
        spoilers: What is done to the next watches: `cut` ends one in the middle of a line, `old` asks for a version
            that the API server has forgotten, `down` answers as a load balancer does whose server is gone.
        watches: How many watches were asked for.
    """

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Relayed)
        self.target = target
        self.spoilers: list[str] = []
        self.watches = 0


class Relayed(http.server.BaseHTTPRequestHandler):
    server: Relay
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        watched = "watch=true" in self.path.lower()
        spoiler = None
        if watched:
            self.server.watches += 1
            spoiler = self.server.spoilers.pop(0) if self.server.spoilers else None
        self._relay("down" if spoiler == "down" else None, spoiler)

    def do_POST(self) -> None:
        self._relay(None, None)

    def _relay(self, refused: str | None, spoiler: str | None) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        if refused:
            self.send_error(503)
            return
        path = self.path
        if spoiler == "old":
            path = "&".join("resourceVersion=1" if p.startswith("resourceVersion=") else p for p in path.split("&"))
        with closing(http.client.HTTPConnection(self.server.target, timeout=60)) as upstream:
            upstream.request(self.command, path, body, {"Content-Type": "application/json"})
            with upstream.getresponse() as answer:
                self._pass_on(answer, spoiler)

    def _pass_on(self, answer: http.client.HTTPResponse, spoiler: str | None) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")  # as the API server sends it: each event arrives at once
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):  # the command has ended
            for line in answer:
                size = f"{len(line):x}\r\n".encode()
                self.wfile.write(size + (line[: len(line) // 2] if spoiler == "cut" else line + b"\r\n"))
                self.wfile.flush()
                if spoiler == "cut":
                    return
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def relay(place: Place, tmp_path: Path) -> Iterator[Relay]:
    command = [str(place.kubectl.program), f"--kubeconfig={place.kubectl.kubeconfig}", "proxy", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None
        target = proxy.stdout.readline().split()[-1]
        with Relay(target) as relay:
            threading.Thread(target=relay.serve_forever, daemon=True).start()
            address = f"http://127.0.0.1:{relay.server_port}"
            config = {"clusters": [{"name": "c", "cluster": {"server": address}}], "users": [{"name": "u", "user": {}}]}
            config["contexts"] = [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
            (tmp_path / "relay").write_text(json.dumps({**config, "current-context": "x"}))
            yield relay
            relay.shutdown()
        proxy.terminate()


@pytest.mark.controlplane
@pytest.mark.parametrize("spoilers", [["cut", "cut"], ["old", "old", "cut"], ["down", "down"]])
def test_a_watch_that_breaks_is_begun_again(place: Place, relay: Relay, tmp_path: Path, spoilers: list[str]) -> None:
    relay.spoilers = list(spoilers)
    with ThreadPoolExecutor() as pool:
        ended = pool.submit(
            place.logscan, "scan", "s3://logs/w.log", "--wait", KUBECONFIG=str(tmp_path / "relay"), no_proxy="*"
        )
        (found,) = eventually(lambda: place.kubectl.get("logscans")["items"], what="the LogScan")
        name, told = found["metadata"]["name"], count()

        def spoiled() -> bool:
            place.status(name, {"phase": "Queued", "message": f"told {next(told)}"})
            return relay.watches > len(spoilers)

        eventually(spoiled, 60, "watches after those that were spoiled")
        place.status(name, {**FOUND, **summary(3, "error", {"error": 3})})
        done = ended.result()
    assert (done.returncode, relay.spoilers) == (0, []), done.stderr
    assert "3 of 9 lines matched" in done.stdout


@pytest.mark.controlplane
def test_a_scan_that_is_deleted_is_waited_for_no_longer(place: Place) -> None:
    with ThreadPoolExecutor() as pool:
        ended = pool.submit(place.logscan, "scan", "s3://logs/w.log", "--wait")
        (found,) = eventually(lambda: place.kubectl.get("logscans")["items"], what="the LogScan")
        place.kubectl.run("delete", "logscan", found["metadata"]["name"])
        done = ended.result()
    assert done.returncode == 3


@pytest.mark.controlplane
@pytest.mark.parametrize("columns", [60, 80])
def test_a_bar_shows_how_far_it_is_and_goes_away(place: Place, columns: int) -> None:
    counts = {"total": 8, "done": 1, "skipped": 1, "failed": 0}
    command = ["scan", "s3://logs/w.log", "--wait", "--namespace", place.kubectl.namespace]
    with ThreadPoolExecutor() as pool:
        ended = pool.submit(in_terminal, command, columns, **place.environment)
        (found,) = eventually(lambda: place.kubectl.get("logscans")["items"], what="the LogScan")
        name = found["metadata"]["name"]
        place.status(name, {"phase": "Running", "message": "reads " + 50 * "objects ", "objects": counts})
        place.status(name, {**FOUND, **summary(3, "error"), "objects": {**counts, "done": 7}})
        shown = ended.result()
    assert "\x1b[?25h" in shown  # the cursor is back
    assert "3 of 9 lines matched" in shown.splitlines()[-1]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, None),
        ({"objects": {"total": 8, "done": 1, "skipped": 1, "failed": 1}}, (3, 8)),
        ({"listing": {"percent": 40}, "objects": {"total": 8, "done": 8}}, (40, 100)),
        ({"listing": {"objects": 7}}, None),
    ],
)
def test_how_much_is_done(status: dict[str, Any], expected: tuple[int, int] | None) -> None:
    assert share(status) == expected
