"""Signatures of webhooks by the Standard Webhooks specification (https://www.standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac

from logscan_scanner.errors import ScanError

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
UNUSABLE = "the key that signs is not whsec_ and 24 to 64 bytes in base64"


def headers(identity: str, body: str, now: int, key: str | None) -> dict[str, str]:
    """Return the headers that name a message, date it, and sign both and the body.

    Args:
        identity: The message's name.
        body: What is posted.
        now: The time, in seconds since the epoch.
        key: The receiver's key; without one nothing is signed.

    Raises:
        ScanError: The key is none.
    """
    found = {"webhook-id": identity, "webhook-timestamp": str(now)}
    if key is None:
        return found
    digest = hmac.new(_bytes_of(key), f"{identity}.{now}.{body}".encode(), hashlib.sha256).digest()
    return found | {"webhook-signature": f"v1,{base64.b64encode(digest).decode()}"}


def _bytes_of(key: str) -> bytes:
    text = key.strip()
    try:
        found = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ScanError(UNUSABLE) from None
    if not text.startswith(PREFIX) or not LEAST_BYTES <= len(found) <= MOST_BYTES:
        raise ScanError(UNUSABLE)
    return found
