"""A small client of the Kubernetes API: JSON over one aiohttp session.

The typed clients cost several times the CPU of the request itself (docs/decisions/0003-operator-architecture.md),
so the hot paths speak to the API directly. Where to connect and as whom is still the business of the kubernetes
package: kubeconfig (`KUBECONFIG`) or the pod's service account, whose rotating token is read again as it ages.
"""

import json
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self, cast

import aiohttp
import orjson
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config
from yarl import URL

from logscan_operator.errors import ApiError, NoAnswerError, described

JSON_MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"

Object = dict[str, Any]


class Connection:
    """Where the API server is, and the credentials of this process.

    Attributes:
        server: The API server's URL.
        ca_file: The certificates that its own must be signed with; None for those of the system.
        certificate_file: The client's certificate, if it has one.
        key_file: The key of that certificate.
    """

    def __init__(self, kubeconfig: str | None = None) -> None:
        """Read a kubeconfig, or the pod's service account.

        Args:
            kubeconfig: The kubeconfig's path; None for `KUBECONFIG`, or without that for the service account.

        Raises:
            kubernetes.config.ConfigException: There is neither, or it cannot be read.
        """
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
        """Return the value of the Authorization header with the current token, or None without a token."""
        value: str | None = self._configuration.get_api_key_with_prefix("BearerToken")
        return value.strip() if value else None  # a token's file may end in a newline; a header must not

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
    """A client of the API server, usable within `async with`."""

    def __init__(self, connection: Connection, connections: int = 64) -> None:
        """Connect to nothing yet.

        Args:
            connection: The API server, and the credentials for it.
            connections: Connections that are open at the same time at most.
        """
        self.connection = connection
        self._limit = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self.connection.tls(), limit=self._limit)
        timeout = aiohttp.ClientTimeout(total=30, connect=5)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
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
        if self._session is None:
            raise RuntimeError("ApiServer is used outside of 'async with'")
        data = None if body is None else _encoded(body)
        # Names of Kubernetes need no encoding, and finding that out for each request costs a tenth of its CPU time.
        url = URL(self.connection.server + path, encoded=True)
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        authorization = self.connection.authorization()
        if authorization:
            headers["Authorization"] = authorization
        with _own_errors():
            async with self._session.request(method, url, params=query, data=data, headers=headers) as response:
                await raise_for_status(response)
                return cast("Object", orjson.loads(await response.read()))


def _encoded(body: Object) -> bytes:
    """Return an object as JSON.

    The slower library writes what orjson refuses: half of a surrogate pair, and numbers of more than 64 bits.
    """
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()


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
