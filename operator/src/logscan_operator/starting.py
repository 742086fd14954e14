"""Answers the kubelet's probes while the operator is being imported: alive, not ready. Imports nothing large itself.

To a probe that finds no listener, an operator that starts slowly looks like a dead one.
"""

import errno
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Mapping
from typing import Self

HTTP_PORT = 8080
HTTP_PORT_VARIABLE = "LOGSCAN_HTTP_PORT"
START_SECONDS = 600.0  # a start takes 3 s of CPU time, which is 30 s at a tenth of a CPU
CLIENT_SECONDS = 1.0
HEAD_BYTES = 8192
BODY = b'{"starting": true}'


class Probes:
    """Answers `/healthz` with 200 and all other paths with 503, from a thread, until the real server takes over.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, port: int) -> None:
        """Listen, and answer from now on.

        Args:
            port: The port; 0 for any free one.

        Raises:
            OSError: The port cannot be listened on.
        """
        self._began = time.monotonic()
        self._listener = _listen(port)
        self.port: int = self._listener.getsockname()[1]
        self._ended, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="probes", daemon=True)
        self._thread.start()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self | None:
        """Return the probes on the configured port, or None if it is not a port; `settings` reports that."""
        try:
            return cls(int(environment.get(HTTP_PORT_VARIABLE, HTTP_PORT)))
        except (ValueError, OverflowError):
            return None
        except OSError as error:
            sys.stderr.write(f"{HTTP_PORT_VARIABLE}: cannot listen on the port: {error}\n")
            raise SystemExit(1) from None

    def hand_over(self) -> socket.socket:
        """Stop answering and return the listening socket; connections made meanwhile wait in its backlog."""
        self._end.close()
        self._thread.join()
        self._ended.close()
        return self._listener

    def _serve(self) -> None:
        while True:
            readable, _, _ = select.select([self._listener, self._ended], [], [])
            if self._ended in readable:
                return
            try:
                client, _address = self._listener.accept()
                with client:
                    self._answer(client)
            except OSError:  # the client closed the connection, or took too long
                continue

    def _answer(self, client: socket.socket) -> None:
        client.settimeout(CLIENT_SECONDS)
        deadline, head = time.monotonic() + CLIENT_SECONDS, b""
        while b"\r\n\r\n" not in head and len(head) < HEAD_BYTES and time.monotonic() < deadline:
            received = client.recv(HEAD_BYTES)
            if not received:
                return
            head += received
        alive = head.startswith(b"GET /healthz ") and time.monotonic() - self._began < START_SECONDS
        status = b"200 OK" if alive else b"503 Service Unavailable"
        fields = b"Content-Type: application/json\r\nContent-Length: %d\r\nConnection: close" % len(BODY)
        client.sendall(b"HTTP/1.1 %s\r\n%s\r\n\r\n%s" % (status, fields, BODY))


def _listen(port: int) -> socket.socket:
    """Return a socket that listens on all addresses, of both IP versions if the machine has both."""
    try:
        listener = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise
        listener = socket.create_server(("", port))
    listener.setblocking(False)
    return listener
