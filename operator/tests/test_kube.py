"""The API client against servers that refuse, break off or do not answer: each failure is one of our own errors."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from logscan_local.stack.ports import free_ports
from logscan_operator.errors import ApiError, KubeError, NoAnswerError
from logscan_operator.kube import ApiServer, Connection

HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


def answer(status: bytes, body: bytes, length: int | None = None) -> bytes:
    return HEAD % (status, len(body) if length is None else length, body)


def connection_to(port: int, folder: Path, path: str = "") -> Connection:
    document = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}{path}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(document))
    return Connection(str(folder / "kubeconfig"))


@asynccontextmanager
async def server(folder: Path, said: bytes) -> AsyncIterator[ApiServer]:
    """Yield a client of a server that gives each request the same bytes and closes the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        async with ApiServer(connection_to(listener.sockets[0].getsockname()[1], folder)) as api:
            yield api
    finally:
        listener.close()


@pytest.mark.parametrize(
    "said",
    [b"", answer(b"200 OK", b'{"items', length=900), b"HTTP/9.9 what\r\n\r\n"],
    ids=["nothing", "broken off", "not HTTP"],
)
async def test_an_answer_that_does_not_arrive_is_an_error_of_ours(tmp_path: Path, said: bytes) -> None:
    async with server(tmp_path, said) as api:
        with pytest.raises(NoAnswerError) as caught:
            await api.request("GET", "/api")
    assert isinstance(caught.value.__cause__, aiohttp.ClientError)
    assert str(caught.value)


async def test_an_answer_that_is_not_json_is_an_error_of_ours(tmp_path: Path) -> None:
    async with server(tmp_path, answer(b"200 OK", b"<html>\n")) as api:
        with pytest.raises(NoAnswerError):
            await api.request("GET", "/api")


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    async with ApiServer(connection_to(free_ports(1)[0], tmp_path)) as api:
        with pytest.raises(NoAnswerError):
            await api.request("GET", "/api")


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        (answer(b"409 Conflict", b'{"reason": "AlreadyExists", "message": "there"}'), 409, "AlreadyExists"),
        (answer(b"502 Bad Gateway", b"<html>"), 502, "Bad Gateway"),
        (answer(b"500 Internal Server Error", b'"text"'), 500, "Internal Server Error"),
    ],
)
async def test_a_refusal_has_a_status_and_a_reason(tmp_path: Path, said: bytes, status: int, reason: str) -> None:
    async with server(tmp_path, said) as api:
        with pytest.raises(ApiError) as caught:
            await api.request("GET", "/api")
    assert (caught.value.status, caught.value.reason) == (status, reason)


@pytest.mark.parametrize(("status", "retryable"), [(409, False), (422, False), (429, True), (500, True), (504, True)])
def test_which_refusals_may_pass(status: int, retryable: bool) -> None:
    error = ApiError(status, "", "")
    assert error.retryable is retryable
    assert isinstance(error, KubeError)


UNUSUAL = {
    "half a pair": "logs/\ud800.log",
    "more than 64 bits": 2**70,
    "text": "ä\u2028/\x7f",
    "nested": [{"a": None}],
}


async def test_a_request_arrives_as_it_was_meant_also_at_a_server_behind_a_path(tmp_path: Path) -> None:
    async def echo(request: web.Request) -> web.Response:
        said = {"path": request.path, "query": dict(request.query), "body": await request.text()}
        return web.json_response(said)

    application = web.Application()
    application.router.add_route("*", "/{any:.*}", echo)
    async with TestServer(application) as server:
        assert server.port is not None
        async with ApiServer(connection_to(server.port, tmp_path, "/k8s/clusters/c-1")) as api:
            answered = await api.request("PATCH", "/api/v1/x", UNUSUAL, {"labelSelector": "a=b,c in (d)"})
    assert answered["path"] == "/k8s/clusters/c-1/api/v1/x"
    assert answered["query"] == {"labelSelector": "a=b,c in (d)"}
    assert json.loads(answered["body"]) == UNUSUAL
