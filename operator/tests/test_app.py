"""The operator put together, beside an API server in memory: what leads, what stands by, and why it ends."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from objects import SETTINGS

from logscan_local.stack.ports import free_ports
from logscan_operator.app import LeadershipLostError, Operator
from logscan_operator.kube import Connection
from logscan_operator.settings import Settings

LEASES = "/apis/coordination.k8s.io/v1/namespaces/logscan/leases"
POLICY = {
    "metadata": {"namespace": "logscan", "name": "default", "resourceVersion": "2"},
    "spec": {"rules": {"packs": ["generic"]}},
}


class MemoryServer:
    """An API server that has one Lease, and lists of nothing."""

    def __init__(self) -> None:
        self.lease: dict[str, dict[str, object]] | None = None
        self.version = 0
        self.patched: dict[str, str] | None = None
        self.application = web.Application()
        self.application.router.add_route("*", "/{path:.*}", self._answer)

    @property
    def holder(self) -> object:
        """Return who holds the Lease, None if it does not exist."""
        return self.lease["spec"]["holderIdentity"] if self.lease else None

    def hold(self, holder: str, seconds: int = 300) -> None:
        """Let another process hold the Lease."""
        self._store({"metadata": {}, "spec": {"holderIdentity": holder, "leaseDurationSeconds": seconds}})

    def _store(self, lease: dict[str, dict[str, object]]) -> None:
        self.version += 1
        self.lease = {**lease, "metadata": {**lease["metadata"], "resourceVersion": str(self.version)}}

    async def _answer(self, request: web.Request) -> web.Response:
        if request.method == "PATCH":
            return web.json_response(self.patched or {"reason": "NotFound"}, status=200 if self.patched else 404)
        if not request.path.startswith(LEASES):
            return web.json_response({"items": [], "metadata": {"resourceVersion": "1"}})
        if request.method == "GET":
            if self.lease is None:
                return web.json_response({"reason": "NotFound", "message": ""}, status=404)
            return web.json_response(self.lease)
        body = json.loads(await request.text())
        if request.method == "PUT" and body["metadata"]["resourceVersion"] != str(self.version):
            return web.json_response({"reason": "Conflict", "message": ""}, status=409)
        self._store(body)
        return web.json_response(self.lease)


class World:
    """An operator and its API server."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.operator = Operator(settings, connection, lambda: self.listener)
        self.ended = asyncio.Event()

    async def start(self) -> None:
        """Start the operator, with watches that see nothing."""

        async def watch(_: str) -> None:
            await asyncio.Event().wait()

        await self.operator.start(watch, self.ended.set)

    async def ask(self, path: str) -> Any:
        """Return what the operator answers."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}{path}") as answer:
            return await answer.json()

    async def until(self, reached: Callable[[dict[str, object]], object]) -> None:
        """Return once `/readyz` says something."""
        async with asyncio.timeout(30):
            while not reached(await self.ask("/readyz")):  # noqa: ASYNC110 - it is asked over HTTP
                await asyncio.sleep(0.05)


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


@pytest.fixture
async def world(server: MemoryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    async with serving(server) as url:
        document = {
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
        settings = SETTINGS.model_copy(update={"lease_seconds": 3, "debug": True, "receivers": 2})
        made = World(settings, Connection(str(tmp_path / "kubeconfig")))
        yield made
        await made.operator.stop()
        made.listener.close()


@asynccontextmanager
async def serving(server: MemoryServer) -> AsyncIterator[str]:
    runner = web.AppRunner(server.application, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        await runner.cleanup()


async def test_it_leads_and_releases_the_lease_at_its_end(world: World, server: MemoryServer) -> None:
    await world.start()
    await world.until(lambda ready: ready["leading"] and ready["synced"])
    assert server.holder not in (None, "")
    assert (await world.ask("/healthz"))["stuck"] == {}
    assert await world.ask("/debug/plan") == []
    await world.operator.stop()
    assert (server.holder, world.ended.is_set()) == ("", True)
    world.operator.raise_failure()


async def test_a_standby_watches_and_does_no_more(world: World, server: MemoryServer) -> None:
    server.hold("another")
    await world.start()
    await world.until(lambda ready: ready["synced"])
    ready = await world.ask("/readyz")
    assert (ready["leading"], ready["queue"], ready["intake"]) == (False, "ok", "ok")
    assert await world.ask("/debug/plan") == []
    await world.operator.stop()
    assert server.holder == "another"
    world.operator.raise_failure()


async def test_the_loss_of_the_lease_ends_it_and_is_the_reason(world: World, server: MemoryServer) -> None:
    await world.start()
    await world.until(lambda ready: ready["leading"])
    server.hold("another")
    async with asyncio.timeout(30):
        await world.ended.wait()
    await world.operator.stop()
    assert server.holder == "another", "nobody releases the lease of another process"
    with pytest.raises(LeadershipLostError):
        world.operator.raise_failure()


def stuck_for_ever(world: World) -> set[str]:
    """Return the loops whose progress is expected: those that count as stuck in the distant future."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.monotonic", lambda: 1e9)
        return set(world.operator.progress.stuck())


async def test_every_loop_is_expected_before_it_begins(world: World) -> None:
    assert stuck_for_ever(world) == {"follow-logscan", "election"}


async def test_the_leader_expects_its_loops_too(world: World) -> None:
    await world.start()
    await world.until(lambda ready: ready["leading"])
    leader = {"scheduler", "lister", "policy-checks", "default-policy", "queue-depths", "intake-0", "intake-1"}
    assert stuck_for_ever(world) == {"follow-logscan", "election", *leader}


async def test_what_keeps_messages_waiting_is_reported(world: World) -> None:
    await world.start()
    await world.until(lambda ready: "no LogScanPolicy" in str(ready["queue"]))
    world.operator.view.policies.take(POLICY)
    await world.until(lambda ready: "no LogScanPolicy" not in str(ready["queue"]) and ready["queue"] != "ok")


async def test_the_failure_of_one_loop_ends_it_and_is_the_reason(world: World, server: MemoryServer) -> None:
    server.patched = {"not": "an object"}
    await world.start()
    await world.until(lambda ready: ready["leading"])
    world.operator.view.policies.take(POLICY)
    async with asyncio.timeout(30):
        await world.ended.wait()
    await world.operator.stop()
    assert server.holder == "", "the next one can lead at once"
    with pytest.raises(KeyError):
        world.operator.raise_failure()


async def test_one_that_was_never_started_can_be_stopped(world: World) -> None:
    await world.operator.stop()
    world.operator.raise_failure()
