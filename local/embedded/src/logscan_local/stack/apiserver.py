"""An asynchronous client of a cluster's API server, for the node and for tests that follow thousands of objects.

It is not the operator's client on purpose: what tests the operator must not share its mistakes.
"""

import base64
import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml

from logscan_local.stack.errors import StackError

JSON_MERGE = "application/merge-patch+json"
CONNECTIONS = 64
CONNECT_SECONDS = 5
REQUEST_SECONDS = 30
WATCH_SECONDS = 240

Object = dict[str, Any]


class ApiError(StackError):
    """A request to the API server failed."""


class UnreachableError(ApiError):
    """The API server did not answer, or the connection broke."""


class RefusedError(ApiError):
    """The API server answered with an error.

    Attributes:
        status: The HTTP status code.
        reason: Kubernetes' reason, such as `AlreadyExists`.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class Connection:
    """Where an API server is, and as whom to connect.

    Attributes:
        server: Its URL.
        tls: The cluster's CA and the client's certificate.
        token: The client's bearer token, if it has one instead of a certificate.
    """

    server: str
    tls: ssl.SSLContext
    token: str | None = None

    @classmethod
    def read(cls, kubeconfig: Path) -> "Connection":
        """Return the connection of a kubeconfig that carries its certificates, as `pki.write_kubeconfig` writes it."""
        document = yaml.safe_load(kubeconfig.read_text())
        cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
        tls = ssl.create_default_context(cadata=_decoded(cluster["certificate-authority-data"]))
        if "client-certificate-data" in user:
            with tempfile.TemporaryDirectory() as folder:  # ssl loads a certificate from files only
                certificate, key = Path(folder, "crt"), Path(folder, "key")
                certificate.write_text(_decoded(user["client-certificate-data"]))
                key.write_text(_decoded(user["client-key-data"]))
                tls.load_cert_chain(certificate, key)
        return cls(cluster["server"], tls, user.get("token"))


class ApiServer:
    """The API server, as an asynchronous context manager."""

    def __init__(self, connection: Connection) -> None:
        self.url = connection.server
        self._connection = connection
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Accept": "application/json"}
        if self._connection.token:
            headers["Authorization"] = f"Bearer {self._connection.token}"
        self._session = aiohttp.ClientSession(
            self.url,
            connector=aiohttp.TCPConnector(ssl=self._connection.tls, limit=CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS, connect=CONNECT_SECONDS),
            headers=headers,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """Send a request and return the answer's JSON.

        Raises:
            RefusedError: The server answered with a status of 400 or more.
            UnreachableError: It did not answer.
        """
        document: Object = json.loads(await self._text(method, path, body, query, content_type))
        return document

    async def read_text(self, path: str) -> str:
        """Return the answer to a GET as text, such as `/metrics`.

        Raises:
            RefusedError: The server answered with a status of 400 or more.
            UnreachableError: It did not answer.
        """
        return await self._text("GET", path)

    async def watch(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Object]:
        """Yield watch events, bookmarks included, until the server ends the watch.

        Raises:
            RefusedError: The watch was refused, or its resourceVersion is too old (410).
            UnreachableError: The connection broke.
        """
        full = {**query, "watch": "true", "timeoutSeconds": str(WATCH_SECONDS), "allowWatchBookmarks": "true"}
        timeout = aiohttp.ClientTimeout(total=WATCH_SECONDS + REQUEST_SECONDS)
        try:
            async with self._open.get(path, params=full, timeout=timeout) as response:
                await _raise_for_status(response)
                buffer = b""
                # Not by line: aiohttp limits the length of a line, and an object may be longer.
                async for chunk in response.content.iter_any():
                    *lines, buffer = (buffer + chunk).split(b"\n")
                    for line in filter(None, lines):
                        yield _event(json.loads(line))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(error) from error

    async def _text(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> str:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type}
        try:
            async with self._open.request(method, path, params=query, data=data, headers=headers) as response:
                await _raise_for_status(response)
                return await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(error) from error

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("ApiServer is used outside of 'async with'")
        return self._session


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def _unreachable(error: Exception) -> UnreachableError:
    return UnreachableError(str(error) or type(error).__name__)


def _event(event: Object) -> Object:
    if event["type"] == "ERROR":
        status = event["object"]
        raise RefusedError(status.get("code", 500), status.get("reason", ""), status.get("message", ""))
    return event


async def _raise_for_status(response: aiohttp.ClientResponse) -> None:
    if response.status < 400:
        return
    text = await response.text()
    try:
        status: Object = json.loads(text)
    except ValueError:
        status = {}
    reason, message = status.get("reason", response.reason or ""), status.get("message", text[:200])
    raise RefusedError(response.status, reason, message)
