"""Signatures of rows, by which operator and scanner believe only what a scanner wrote for a request.

The operator alone holds the keys. For each row it derives a token, which the scanner gets with its request; the scanner
signs the row with it. The token is not in the row: whoever reads a row cannot sign another one, and whoever has a token
can sign no row at another key. The key of a row names its namespace, the object and its version, rules and limits, or
the LogScan if that was made by hand (`logscan_api.identity`). See docs/decisions/0008-signed-rows.md.
"""

import hmac
import json
from collections.abc import Iterable

from logscan_api.attributes import Item
from logscan_api.statuses import ResultRef

SIGNATURE = "signature"
# What changes after a row is written: it records which notifications were sent.
NOT_SIGNED = frozenset({SIGNATURE, "notified"})
PURPOSE = "logscan row 1"


def tokens(keys: Iterable[bytes], ref: ResultRef) -> list[str]:
    """Return the tokens of a row, one for each key."""
    facts = json.dumps([PURPOSE, ref.table, ref.pk, ref.sk]).encode()
    return [hmac.digest(key, facts, "sha256").hex() for key in keys]


def signed(item: Item, token: str) -> Item:
    """Return a row with its signature."""
    return {**item, SIGNATURE: {"S": _signature(item, token)}}


def is_signed(item: Item, accepted: Iterable[str]) -> bool:
    """Return whether one of the tokens of a row has signed it as it is.

    Args:
        item: The row, which may hold anything.
        accepted: The tokens of the row at its key.
    """
    attribute = item.get(SIGNATURE)
    found = attribute.get("S") if isinstance(attribute, dict) else None
    if not isinstance(found, str) or not found.isascii():
        return False
    return any(hmac.compare_digest(found, _signature(item, token)) for token in accepted)


def _signature(item: Item, token: str) -> str:
    facts = {name: value for name, value in item.items() if name not in NOT_SIGNED}
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), default=repr)  # bytes and sets are never ours
    return hmac.digest(token.encode(), text.encode(), "sha256").hex()
