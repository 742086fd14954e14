"""A table that is not what a scan waits for: rows in memory, behind as much of DynamoDB's API as a scanner calls.

It knows no expressions: a row that is there is kept, as by the scanner's condition for the row of a finished scan, but
for the row of the newest scan of an object, which is replaced. Signatures of requests are not checked.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Row = dict[str, Any]
CHECK_FAILED = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"


class Connection(asyncio.Protocol):
    """Answers requests one after the other."""

    def __init__(self, rows: dict[tuple[str, str], Row]) -> None:
        self._rows = rows
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer the requests that have arrived whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            lines = bytes(self._received[:end]).decode("latin-1").split("\r\n")[1:]
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            size = end + 4 + int(headers.get("content-length", 0))
            if len(self._received) < size:
                return
            body = bytes(self._received[end + 4 : size])
            del self._received[:size]
            self._answer(headers["x-amz-target"].rpartition(".")[2], json.loads(body))

    def _answer(self, operation: str, call: dict[str, Any]) -> None:
        status, answer = self._put(call) if operation == "PutItem" else (200, self._read(operation, call))
        body = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)

    def _put(self, call: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        row = call["Item"]
        there = self._rows.setdefault(_key(row), row)
        if there is not row and row["sk"]["S"] != "LATEST":
            return 400, {"__type": CHECK_FAILED, "message": "The conditional request failed", "Item": there}
        return 200, {}

    def _read(self, operation: str, call: dict[str, Any]) -> dict[str, Any]:
        if operation == "BatchGetItem":
            wanted = {name: found["Keys"] for name, found in call["RequestItems"].items()}
            found = {name: [self._rows.get(_key(key)) for key in keys] for name, keys in wanted.items()}
            return {"Responses": {name: [row for row in rows if row] for name, rows in found.items()}}
        row = self._rows.get(_key(call["Key"]))
        return {"Item": row} if operation == "GetItem" and row else {}


def _key(row: Row) -> tuple[str, str]:
    return row["pk"]["S"], row["sk"]["S"]


@contextmanager
def serving(*prefix: str) -> Iterator[str]:
    """Serve an empty table in a process of its own, and yield the endpoint.

    Args:
        prefix: What the process is started with, such as `taskset`.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        command = [*prefix, sys.executable, __file__, str(listener.fileno())]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()])
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()
            process.wait()


async def _serve(listener: socket.socket) -> None:
    rows: dict[tuple[str, str], Row] = {}
    server = await asyncio.get_running_loop().create_server(lambda: Connection(rows), sock=listener)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(socket.socket(fileno=int(sys.argv[1]))))
