"""The part of a kubelet's own API that `kubectl logs` needs, over TLS and for the API server only."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from logscan_local.stack.node.containers import Container
from logscan_local.stack.node.pods import PodWorker

FOLLOW_SECONDS = 0.2
CHUNK = 64 * 1024

FindPod = Callable[[str, str], PodWorker | None]


def tls_context(pki: Path) -> ssl.SSLContext:
    """Return a TLS context that asks for a client certificate of the cluster's CA."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=pki / "ca.crt")
    context.load_cert_chain(pki / "node.crt", pki / "node.key")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def application(find_pod: FindPod) -> web.Application:
    """Return the web application.

    Args:
        find_pod: Returns the worker of a pod by namespace and name.
    """

    async def serve_logs(request: web.Request) -> web.StreamResponse:
        facts = request.match_info
        worker = find_pod(facts["namespace"], facts["pod"])
        container = next((c for c in _all(worker) if c.name == facts["container"]), None) if worker else None
        if worker is None or container is None:
            raise web.HTTPNotFound(text=f"container {facts['container']!r} of pod {facts['pod']!r} is not here")
        previous = request.query.get("previous") == "true"
        path = worker.log_path(container, previous=previous)
        if not path.exists():
            raise web.HTTPBadRequest(text=f"container {facts['container']!r} has no {'previous ' * previous}log yet")
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        start = tail_offset(path, request.query.get("tailLines"))
        follow = request.query.get("follow") == "true"
        await _stream(response, path, start, lambda: follow and container.running)
        await response.write_eof()
        return response

    app = web.Application()
    app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", serve_logs)
    return app


def tail_offset(path: Path, lines: str | None) -> int:
    """Return the offset in a file at which its last lines begin."""
    if lines is None:
        return 0
    data = path.read_bytes()
    position = len(data) - 1 if data.endswith(b"\n") else len(data)
    for _ in range(int(lines)):
        position = data.rfind(b"\n", 0, position)
        if position < 0:
            return 0
    return position + 1


async def _stream(response: web.StreamResponse, path: Path, start: int, more: Callable[[], bool]) -> None:
    with path.open("rb") as file:
        file.seek(start)
        while True:
            last_round = not more()
            while chunk := file.read(CHUNK):
                await response.write(chunk)
            if last_round:
                return
            await asyncio.sleep(FOLLOW_SECONDS)


def _all(worker: PodWorker) -> list[Container]:
    return [*worker.containers, *worker.init_containers]
