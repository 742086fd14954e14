"""Calls of SQS that are made for every ten messages, without what botocore does around each of them.

URL, headers and region are those of a call that the client made before; signer, credentials, connections, time limits,
proxies and certificates are the client's own. Left out are validation, serialization by models, some thirty events and
the parser: SQS speaks JSON, and its fields have the names of botocore's arguments (Amazon SQS developer guide, "AWS
JSON protocol"). Whatever is not a plain success is left to the client, which makes the call again: it alone knows
retries, redirects and errors.
"""

import re
from collections.abc import Callable
from typing import Any

import orjson
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.exceptions import BotoCoreError

_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/([a-z0-9-]+)/sqs/aws4_request")
HEADERS = ("Content-Type", "X-Amz-Target", "x-amzn-query-mode", "User-Agent")


class Direct:
    """Makes the calls of one operation. It may be called in several threads at once."""

    def __init__(self, client: Any, operation: str) -> None:
        """Watch a client, whose first call of the operation shows how the others are made.

        Args:
            client: Botocore's, for SQS.
            operation: Such as `ReceiveMessage`. To repeat it must do no harm.
        """
        self._call: Callable[..., Any] = getattr(client, xform_name(operation))
        # Botocore has no other way to the signer and the connections of a client.
        self._signer = client._request_signer
        self._http = client._endpoint.http_session
        self._learned: tuple[str, dict[str, str], str] | None = None
        client.meta.events.register(f"before-send.sqs.{operation}", self._learn)

    def __call__(self, **arguments: Any) -> Any:
        """Return SQS's answer.

        Raises:
            ClientError: SQS refused the call.
            BotoCoreError: It did not answer.
        """
        answer = self._repeated(orjson.dumps(arguments))
        return self._call(**arguments) if answer is None else answer

    def _repeated(self, body: bytes) -> Any:
        """Return the answer to a request, or None if the client must make the call."""
        if self._learned is None:
            return None
        url, headers, region = self._learned
        request = AWSRequest("POST", url, dict(headers), body)
        try:
            self._signer.get_auth_instance("sqs", region, "v4").add_auth(request)
            answer = self._http.send(request.prepare())
            return orjson.loads(answer.content) if answer.status_code == 200 else None
        except (BotoCoreError, ValueError):
            return None

    def _learn(self, request: AWSPreparedRequest, **_: object) -> None:
        """Note where a call of the client goes, with which headers, and for which region it is signed."""
        scope = _SCOPE.match(_text(request.headers.get("Authorization", "")))
        headers = {name: _text(request.headers[name]) for name in HEADERS if name in request.headers}
        self._learned = (request.url, headers, scope[1]) if scope else None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
