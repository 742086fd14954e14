"""A small client of the Kubernetes API: JSON over one aiohttp session.

The typed clients cost several times the CPU of the request itself (docs/decisions/0003-operator-architecture.md),
so the hot paths speak to the API directly. Where to connect and as whom is still the business of the kubernetes
package: kubeconfig (`KUBECONFIG`) or the pod's service account, whose rotating token is read again as it ages.
"""

import json
import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Self, cast

import aiohttp
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config

from logscan_operator.errors import ApiError, NoAnswerError, described

JSON_MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"

Object = dict[str, Any]


class Connection:
    """Where the API server is, and the credentials of this process."""

    def __init__(self, kubeconfig: str | None = None) -> None:
        self._configuration = kubernetes_client.Configuration()
        path = kubeconfig or os.environ.get("KUBECONFIG")
        if path:
            kubernetes_config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=path, client_configuration=self._configuration
            )
        else:
            kubernetes_config.load_incluster_config(  # type: ignore[no-untyped-call]
                client_configuration=self._configuration
            )
        self.server: str = self._configuration.host
        self.ca_file: str | None = self._configuration.ssl_ca_cert
        self.certificate_file: str | None = self._configuration.cert_file
        self.key_file: str | None = self._configuration.key_file

    def authorization(self) -> str | None:
        """Return the value of the Authorization header, its token fresh."""
        value: str | None = self._configuration.get_api_key_with_prefix("BearerToken")
        return value.strip() if value else None  # a token's file may end in a newline, a header must not

    def tls(self) -> ssl.SSLContext | bool:
        """Return what a connector of aiohttp needs: the TLS context, or False for a server without TLS."""
        return self.ssl_context() if self.server.startswith("https") else False

    def ssl_context(self) -> ssl.SSLContext:
        """Return the TLS context: the cluster's CA, and the client certificate if there is one."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context


class ApiServer:
    """The API server, as an asynchronous context manager."""

    def __init__(self, connection: Connection, connections: int = 64) -> None:
        self.connection = connection
        self._limit = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self.connection.tls(), limit=self._limit)
        timeout = aiohttp.ClientTimeout(total=30, connect=5)
        self._session = aiohttp.ClientSession(self.connection.server, connector=connector, timeout=timeout)
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
        """Send one request and return the answer's JSON.

        Raises:
            ApiError: The server answered with a status of 400 or more.
            NoAnswerError: It did not answer.
        """
        data = None if body is None else json.dumps(body)
        with _own_errors():
            async with self._open(method, path, query, data=data, content_type=content_type) as response:
                await raise_for_status(response)
                return cast("Object", await response.json())

    async def read_text(self, path: str) -> str:
        """Return the answer to a GET as text, such as `/readyz`.

        Raises:
            ApiError: The server answered with a status of 400 or more.
            NoAnswerError: It did not answer.
        """
        with _own_errors():
            async with self._open("GET", path, None) as response:
                await raise_for_status(response)
                return await response.text()

    async def watch(self, path: str, query: Mapping[str, str], timeout_seconds: int = 240) -> AsyncIterator[Object]:
        """Yield watch events until the server ends the watch.

        Raises:
            ApiError: The watch was refused, or its resourceVersion is too old (410).
            NoAnswerError: The server did not answer, or the connection broke.
        """
        query = {
            **query,
            "watch": "true",
            "timeoutSeconds": str(timeout_seconds),
            "allowWatchBookmarks": "true",
        }
        timeout = aiohttp.ClientTimeout(total=timeout_seconds + 30, sock_read=timeout_seconds + 30)
        with _own_errors():
            async with self._open("GET", path, query, timeout=timeout) as response:
                await raise_for_status(response)
                buffer = b""
                async for chunk in response.content.iter_any():
                    *lines, buffer = (buffer + chunk).split(b"\n")
                    for line in filter(None, lines):
                        yield _event(json.loads(line))

    def _open(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        *,
        data: str | None = None,
        content_type: str = "application/json",
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("ApiServer is used outside of 'async with'")
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        authorization = self.connection.authorization()
        if authorization:
            headers["Authorization"] = authorization
        options: dict[str, Any] = {"timeout": timeout} if timeout else {}
        return self._session.request(method, path, params=query, data=data, headers=headers, **options)


@contextmanager
def _own_errors() -> Iterator[None]:
    """Turn what aiohttp raises into an error of ours.

    Raises:
        NoAnswerError: aiohttp failed, or the answer is not JSON.
    """
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError) as error:
        raise NoAnswerError(described(error)) from error


def _event(event: Object) -> Object:
    if event["type"] == "ERROR":
        status = event["object"]
        raise ApiError(status.get("code", 500), status.get("reason", ""), status.get("message", ""))
    return event


async def raise_for_status(response: aiohttp.ClientResponse) -> None:
    """Raise what the API server refused.

    Raises:
        ApiError: The answer has a status of 400 or more.
    """
    if response.status < 400:
        return
    text = await response.text()
    try:
        status = json.loads(text)
        raise ApiError(response.status, status.get("reason", ""), status.get("message", ""))
    except (ValueError, AttributeError):
        raise ApiError(response.status, response.reason or "", text[:200]) from None
