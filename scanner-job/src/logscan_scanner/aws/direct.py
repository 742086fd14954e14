"""Calls of botocore's clients that are made a thousand times, without what botocore does around each of them.

Endpoint, region and service are those of a call that the client made before; credentials, connections, time limits,
proxies and certificates are the client's own. Three quarters of a call's CPU time are saved: validation, serialization
by models, some thirty events, the search for connections, the parser. Whatever is not a plain success is left to the
client, which makes the call again: it alone knows retries, redirects and errors.
"""

import logging
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from logscan_scanner.aws.signing import Signer

_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/([a-z0-9-]+)/(s3|dynamodb)/aws4_request")
_VIRTUAL_HOST = re.compile(r"\.s3([.-][a-z0-9.-]+)?\.amazonaws\.com(\.cn)?")  # behind the bucket

log = logging.getLogger("logscan.scanner.aws")


class Answer(NamedTuple):
    """A plain success.

    Attributes:
        headers: By their names, in any case of letters.
        content: The body.
    """

    headers: Mapping[str, str]
    content: bytes


class _Route(NamedTuple):
    """How requests reach a service.

    Attributes:
        connections: A pool of urllib3.
        target: What the first lines of requests begin with: a path, or a URL for a proxy.
        path: What the paths of URLs begin with.
        signer: Signs for the service.
    """

    connections: Any
    target: str
    path: str
    signer: Signer


class Direct:
    """Repeats the calls of one operation of a client."""

    def __init__(self, client: Any, operation: str, by: Session, bucket: str | None = None) -> None:
        """Watch a client.

        Args:
            client: Botocore's.
            operation: Such as `GetObject`.
            by: The session that made the client.
            bucket: The bucket that all calls are about, for S3.
        """
        self._session = by
        # Botocore has no other way to the connections of a client.
        self._http = client._endpoint.http_session
        self._bucket = bucket
        self._learned: tuple[str, str, str] | None = None
        self._routes: dict[tuple[str, str, str], _Route] = {}
        service = client.meta.service_model.service_name
        client.meta.events.register(f"before-send.{service}.{operation}", self._learn)

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer | None:
        """Return the answer to a request, or None if the client must make the call.

        Args:
            method: `GET` or `POST`.
            path: Encoded, below the bucket if there is one.
            headers: Those of the operation.
            body: The request's.
        """
        credentials = self._session.get_credentials()
        if self._learned is None or credentials is None:
            return None
        try:
            by = credentials.get_frozen_credentials()
        except BotoCoreError:
            return None
        try:
            route = self._route(self._learned)
            signed = route.signer.signed(method, route.path + path, headers, body, by, time.time())
            # As botocore's `URLLib3Session` sends it; a body without bytes is none.
            answer = route.connections.urlopen(
                method,
                route.target + path,
                body=body or None,
                headers=signed,
                retries=False,
                redirect=False,
                assert_same_host=False,
                decode_content=False,
            )
        except Exception as error:  # the client meets it too, and says what it means
            log.debug("a call is left to the client: %s", error)
            return None
        return Answer(answer.headers, answer.data) if answer.status in (200, 206) else None

    def _learn(self, request: AWSPreparedRequest, **_: object) -> None:
        """Note where a call of the client goes, and for which region it is signed."""
        authorization = request.headers.get("Authorization", b"")
        scope = _SCOPE.match(authorization.decode() if isinstance(authorization, bytes) else authorization)
        base = _base(request.url, self._bucket)
        self._learned = (base, scope[1], scope[2]) if scope and base else None

    def _route(self, learned: tuple[str, str, str]) -> _Route:
        route = self._routes.get(learned)
        if route is None:
            route = self._routes[learned] = _route(self._http, *learned)
        return route


def _route(http: Any, base: str, region: str, service: str) -> _Route:
    """Return how a client reaches a service, found as in its `URLLib3Session.send`."""
    proxy = http._proxy_config.proxy_url_for(base)
    connections = http._get_connection_manager(base, proxy).connection_from_url(base)
    http._setup_ssl_cert(connections, base, http._verify)
    host = SigV4Auth(Credentials("", ""), service, region).headers_to_sign(AWSRequest("GET", base))["host"]
    target = http._get_request_target(base, proxy)
    return _Route(connections, target, urlsplit(base).path, Signer(host, region, service))


def _base(url: str, bucket: str | None) -> str | None:
    """Return what the URLs of all calls begin with, or None if that is not certain.

    A bucket is in the name of the host ("Virtual hosting of buckets" of S3's documentation), where botocore uses AWS's
    own endpoints, or else the beginning of the path. Either could look like the other: a key may begin with the
    bucket's name, and so may the name of an endpoint.
    """
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}/"
    if bucket is None or _VIRTUAL_HOST.fullmatch(parts.netloc.removeprefix(bucket)):
        return origin
    in_path = parts.path.startswith(f"/{bucket}/") and not parts.netloc.startswith(f"{bucket}.")
    return f"{origin}{bucket}/" if in_path else None
