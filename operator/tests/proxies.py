"""A reverse proxy between an operator and a server, which a test can disturb: it kills, fails, delays and cuts off.

What it passes on is untouched, so both sides are real; only what the network or the servers may do anyway is added.
"""

import asyncio
import random
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector, web
from yarl import URL

from logscan_local.stack.ports import free_ports

# Headers of one connection, which are not passed on (RFC 9110, 7.6.1), and those that aiohttp sets itself.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "accept-encoding"}
GROUP, BATCH = r"/apis/logscan\.dev/v1alpha1/namespaces/[^/]+", r"/apis/batch/v1/namespaces/[^/]+"
# The steps of a scan's life at which a test may kill: what is called, by method and path or by AWS's target.
CALLS = {
    "create LogScan": re.compile(rf"POST {GROUP}/logscans$"),
    "create Job": re.compile(rf"POST {BATCH}/jobs$"),
    "write status": re.compile(rf"PATCH {GROUP}/logscans/[^/]+/status$"),
    "receive": re.compile(r"AmazonSQS\.ReceiveMessage$"),
    "delete": re.compile(r"AmazonSQS\.DeleteMessageBatch$"),
    "read row": re.compile(r"DynamoDB_20120810\.(Batch)?GetItem$"),
}
# How AWS refuses and fails (SQS, "Common errors"; DynamoDB, "Error handling"): status, and type of the error.
FAILURES = (
    (500, "InternalFailure"),
    (503, "ServiceUnavailable"),
    (400, "ThrottlingException"),
    (400, "RequestThrottled"),
)


@dataclass(frozen=True)
class Step:
    """A moment in a call: before the server gets it, or once the server has answered."""

    when: str
    call: str


class Faults:
    """Faults of a share of calls, drawn from a seed, and how many there were."""

    def __init__(self, seed: int, failing: float = 0.1, slow: float = 0.05, most_seconds: float = 2.0) -> None:
        """Take the shares.

        Args:
            seed: For the choice of calls.
            failing: The share that fails; half of them only after the server has done what was asked.
            slow: The share that takes longer.
            most_seconds: By how long at most.
        """
        self._chance = random.Random(seed)
        self._failing, self._slow, self._most_seconds = failing, slow, most_seconds
        self.calls = self.failed = self.slowed = 0

    def next(self) -> tuple[float, web.Response | None, bool]:
        """Return by how many seconds the next call is slower, how it fails, and whether only its answer is lost."""
        self.calls += 1
        seconds, failure = 0.0, None
        if self._chance.random() < self._slow:
            self.slowed += 1
            seconds = self._chance.uniform(0, self._most_seconds)
        if self._chance.random() < self._failing:
            self.failed += 1
            status, kind = self._chance.choice(FAILURES)
            document = {"__type": f"com.amazonaws#{kind}", "message": "an injected fault"}
            failure = web.json_response(document, status=status)
        return seconds, failure, self._chance.random() < 0.5


class Proxy:
    """One operator's way to one server.

    Attributes:
        url: Its address.
        silent_watches: While true, no watch gets anything, not even an answer.
        served: Set once it serves.
    """

    def __init__(self, server: str, tls: ssl.SSLContext | None = None, faults: Faults | None = None) -> None:
        """Serve nothing yet.

        Args:
            server: The URL of the server.
            tls: How to connect to it; None for plain HTTP.
            faults: The faults of its calls, if any.
        """
        self._server, self._tls, self._faults = server, tls, faults
        (self._port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}"
        self.silent_watches = False
        self.served = threading.Event()
        self._trap: tuple[Step, Callable[[], None]] | None = None
        self._serving: set[asyncio.Task[object]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def arm(self, step: Step, action: Callable[[], None]) -> None:
        """Do something the next time a step is reached, once."""
        self._trap = (step, action)

    def disarm(self) -> None:
        """Cancel what `arm` prepared."""
        self._trap = None

    def cut_off(self) -> None:
        """Let nothing pass: requests hang and watches are silent, as when a network is partitioned."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._open.clear)

    def restore(self) -> None:
        """Let everything pass again, what was held back first."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._open.set)

    async def serve(self) -> None:
        """Serve until cancelled."""
        self._loop = asyncio.get_running_loop()
        connector = TCPConnector(ssl=self._tls or False, limit=0)
        patient = ClientTimeout(total=None)
        # Nothing is added: a GET with a Content-Type is refused by the API server.
        added = ("Accept-Encoding", "Content-Type", "User-Agent")
        async with ClientSession(
            connector=connector, timeout=patient, skip_auto_headers=added, auto_decompress=False
        ) as upstream:
            app = web.Application(client_max_size=1 << 26)
            app.router.add_route("*", "/{path:.*}", partial(self._serve_one, upstream))
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", self._port).start()
                self.served.set()
                await asyncio.Event().wait()
            finally:
                await runner.cleanup()
                for task in self._serving:  # of clients that are gone: aiohttp no longer knows them
                    task.cancel()

    async def _serve_one(self, upstream: ClientSession, request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        body, call = await request.read(), _name_of(request)
        await self._passage()
        if self._spring(Step("before", call)):
            return web.Response(status=503)
        seconds, failure, answered = self._faults.next() if self._faults else (0.0, None, False)
        await asyncio.sleep(seconds)
        if failure is not None and not answered:
            return failure
        try:
            answer = await self._pass_on(upstream, request, body, call)
        except (ClientError, OSError):
            if request.transport is not None:
                request.transport.abort()  # as the server's own connection ended
            return web.Response(status=502)
        return failure or answer

    async def _pass_on(
        self, upstream: ClientSession, request: web.Request, body: bytes, call: str
    ) -> web.StreamResponse:
        watch, url = request.query.get("watch") == "true", URL(self._server + request.raw_path, encoded=True)
        headers = _passed(request.headers)
        async with upstream.request(
            request.method, url, data=body or None, headers=headers, allow_redirects=False
        ) as answer:
            if watch and answer.status == 200:
                return await self._watched(request, answer)
            content = await answer.read()
            await self._passage()
            if call != "receive" or b'"Messages"' in content:
                self._spring(Step("after", call))
            return web.Response(status=answer.status, body=content, headers=_passed(answer.headers))

    async def _watched(self, request: web.Request, answer: ClientResponse) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with suppress(ClientError, ConnectionError):
            async for chunk in answer.content.iter_any():
                await self._passage()
                if not self.silent_watches:
                    await response.write(chunk)
        return response

    async def _passage(self) -> None:
        """Return once nothing is cut off."""
        await self._open.wait()

    def _spring(self, step: Step) -> bool:
        """Do what was prepared for a step; return whether there was something."""
        if self._trap is None or self._trap[0] != step:
            return False
        (_, action), self._trap = self._trap, None
        action()
        return True


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}


def _name_of(request: web.Request) -> str:
    """Return which call of `CALLS` a request is, or an empty text."""
    what = request.headers.get("X-Amz-Target") or f"{request.method} {request.path}"
    return next((name for name, pattern in CALLS.items() if pattern.search(what)), "")
