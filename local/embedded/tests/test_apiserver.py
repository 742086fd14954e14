"""The client of the API server, against one that answers as the tests want."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from logscan_local.stack import pki
from logscan_local.stack.apiserver import ApiServer, Connection, RefusedError, UnreachableError
from logscan_local.stack.node.kubelet_api import tls_context

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(folder: Path, handler: Handler) -> AsyncIterator[ApiServer]:
    """Yield a client of a server with the cluster's certificates, which asks its clients for theirs."""

    pki.create_all(folder, "node")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls_context(folder))
    await site.start()
    port = runner.addresses[0][1]
    pki.write_kubeconfig(folder / "kubeconfig", folder, "admin", f"https://127.0.0.1:{port}", "default")
    try:
        async with ApiServer(Connection.read(folder / "kubeconfig")) as api:
            yield api
    finally:
        await runner.cleanup()


async def test_a_request_carries_query_body_and_type(tmp_path: Path) -> None:
    async def echo(request: web.Request) -> web.Response:
        body = await request.json()
        return web.json_response({"query": dict(request.query), "body": body, "type": request.content_type})

    async with server(tmp_path, echo) as api:
        answer = await api.request("PATCH", "/x", {"a": 1}, {"q": "1"}, content_type="application/merge-patch+json")
    assert answer == {"query": {"q": "1"}, "body": {"a": 1}, "type": "application/merge-patch+json"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [(json.dumps({"reason": "AlreadyExists", "message": "pods x exists"}), "AlreadyExists"), ("gone", "Conflict")],
)
async def test_a_refusal_has_status_and_reason(tmp_path: Path, body: str, reason: str) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=409, text=body)

    async with server(tmp_path, refuse) as api:
        with pytest.raises(RefusedError) as refusal:
            await api.request("POST", "/x", {})
    assert (refusal.value.status, refusal.value.reason) == (409, reason)


async def test_a_watch_yields_objects_of_any_length_and_ends_with_its_error(tmp_path: Path) -> None:
    long = {"type": "ADDED", "object": {"data": "x" * 300_000}}
    expired = {"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "too old"}}

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for event in (long, expired):
            await response.write(json.dumps(event).encode() + b"\n")
        return response

    async with server(tmp_path, stream) as api:
        events = api.watch("/x", {"resourceVersion": "1"})
        assert await anext(events) == long
        with pytest.raises(RefusedError) as refusal:
            await anext(events)
    assert refusal.value.status == 410


async def test_a_broken_connection_is_an_error_of_the_client(tmp_path: Path) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with server(tmp_path, hang_up) as api:
        with pytest.raises(UnreachableError):
            await api.read_text("/readyz")
        with pytest.raises(UnreachableError):
            await anext(api.watch("/x", {}))
