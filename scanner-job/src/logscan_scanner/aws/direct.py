"""Calls of botocore's clients that are made a thousand times, without what botocore does around each of them.

Endpoint, region and service are those of a call that the client made before; signer, credentials, connections, time
limits, proxies and certificates are the client's own. Two thirds of a call's CPU time are saved: validation,
serialization by models, some thirty events, the parser. Whatever is not a plain success is left to the client, which
makes the call again: it alone knows retries, redirects and errors.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.session import Session

_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/([a-z0-9-]+)/(s3|dynamodb)/aws4_request")
_VIRTUAL_HOST = re.compile(r"\.s3([.-][a-z0-9.-]+)?\.amazonaws\.com(\.cn)?")  # behind the bucket
SIGNERS = {"s3": S3SigV4Auth, "dynamodb": SigV4Auth}


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
        service = client.meta.service_model.service_name
        client.meta.events.register(f"before-send.{service}.{operation}", self._learn)

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Any:
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
        base, region, service = self._learned
        request = AWSRequest(method, base + path, dict(headers), body)
        try:
            SIGNERS[service](credentials.get_frozen_credentials(), service, region).add_auth(request)
            answer = self._http.send(request.prepare())
        except BotoCoreError:
            return None
        return answer if answer.status_code in (200, 206) else None

    def _learn(self, request: AWSPreparedRequest, **_: object) -> None:
        """Note where a call of the client goes, and for which region it is signed."""
        authorization = request.headers.get("Authorization", b"")
        scope = _SCOPE.match(authorization.decode() if isinstance(authorization, bytes) else authorization)
        base = _base(request.url, self._bucket)
        self._learned = (base, scope[1], scope[2]) if scope and base else None


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
