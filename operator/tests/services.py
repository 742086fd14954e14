"""A service of AWS that says what it is told to."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Service:
    """An AWS service that gives every request the same answer."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: dict[str, Any] = {}
        self.asked: list[dict[str, Any]] = []
        self.at_once = 0  # requests, at most
        self._open: set[int] = set()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                service.begun(threading.get_ident())
                service.asked.append(json.loads(self.rfile.read(length)))
                body = json.dumps(service.answer).encode()
                service.ended(threading.get_ident())
                self.send_response(service.status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Be quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def begun(self, request: int) -> None:
        """Note a request."""
        self._open.add(request)
        self.at_once = max(self.at_once, len(self._open))

    def ended(self, request: int) -> None:
        """Note that its answer follows."""
        self._open.discard(request)
