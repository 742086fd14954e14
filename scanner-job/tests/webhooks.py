"""Servers that receive webhooks, well-behaved and not, and a resolver that knows names of ours."""

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from logscan_local.stack import pki


class Hook:
    """A server on loopback that keeps what is posted to it.

    Attributes:
        posted: The documents.
        hosts: The Host header of each.
        requests: The headers and the body of each.
        statuses: What it answers next, one after the other, before `status`.
        names: The name by which each TLS connection asked for a certificate.
        status: What it answers.
        location: Where it redirects to, if it does.
        retry_after: What it asks for, if it does.
        url: Its address.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.posted: list[dict[str, Any]] = []
        self.hosts: list[str] = []
        self.requests: list[tuple[dict[str, str], str]] = []
        self.statuses: list[int] = []
        self.names: list[str | None] = []
        self.status = 200
        self.location: str | None = None
        self.retry_after: str | None = None
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                hook.requests.append((dict(self.headers), body))
                hook.posted.append(json.loads(body))
                hook.hosts.append(self.headers["Host"])
                self.send_response(hook.statuses.pop(0) if hook.statuses else hook.status)
                if hook.location is not None:
                    self.send_header("Location", hook.location)
                if hook.retry_after is not None:
                    self.send_header("retry-After", hook.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(HTTPServer):
            def handle_error(self, *_: object) -> None:
                """Say nothing: a client that does not trust the certificate breaks off."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
            context.sni_callback = lambda _socket, name, _context: self.names.append(name)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'http' if certificate is None else 'https'}://127.0.0.1:{self.port}/secret-token"
        self._thread = Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


@pytest.fixture
def tls_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """Yield a server with a certificate for `kubernetes.default.svc`, whose authority this process trusts."""
    authority = pki.create_authority("webhooks")
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    pki.issue(authority, tmp_path, "hook", "hook")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
    made = Hook(tmp_path / "hook.crt")
    yield made
    made.close()


@contextmanager
def answering(pieces: Callable[[], Iterator[bytes]], pause: float = 0.02) -> Iterator[str]:
    """Yield the URL of a server that answers every request with pieces of bytes, until the client has had enough."""
    ended = Event()

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, suppress(OSError):
                    for piece in pieces():
                        client.sendall(piece)
                        if ended.wait(pause):
                            return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


class Names:
    """A resolver with names of ours, each answered from a list, one answer a question; the system knows the rest.

    Attributes:
        answers: The addresses of each answer still to come, by name.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self._system = socket.getaddrinfo

    def look_up(self, host: str, port: int, *more: Any, **options: Any) -> list[Any]:
        if host not in self.answers:
            return self._system(host, port, *more, **options)
        (addresses, *rest) = self.answers[host]
        self.answers[host] = rest
        return [found for address in addresses for found in self._system(address, port, *more, **options)]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    made = Names()
    monkeypatch.setattr(socket, "getaddrinfo", made.look_up)
    return made
