"""Labels by which LogScans and their Jobs are found, and short forms of long names."""

import hashlib
import re

from logscan_api.text import printable

BUCKET_LABEL = "logscan.dev/bucket"
POLICY_LABEL = "logscan.dev/policy"
LABEL_LENGTH = 63
DIGEST_LENGTH = 12
OBJECT_LENGTH = 60
_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def label_value(text: str) -> str:
    """Return a valid label value for a name: the name itself if it is one, else its beginning and a hash.

    Label values have at most 63 characters, of which the first and the last are letters or digits (Kubernetes
    documentation, "Labels and Selectors").
    """
    if len(text) <= LABEL_LENGTH and _VALUE.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
    start = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[: LABEL_LENGTH - DIGEST_LENGTH - 1].strip("._-")
    return f"{start}-{digest}" if start else digest


def shown_object(key: str | None, prefix: str | None, others: int = 0) -> str:
    """Return a key, or a prefix and `*`, in at most 60 printable characters: the middle of a longer one is left out.

    Args:
        key: The key, or the first of several.
        prefix: The prefix, if there is no key.
        others: How many more keys there are.
    """
    more = f" and {others} more" if others else ""
    text = printable(key if key is not None else f"{prefix or ''}*")
    room = OBJECT_LENGTH - len(more)
    if len(text) <= room:
        return text + more
    end = room * 2 // 3
    return f"{text[: room - end - 1]}\N{HORIZONTAL ELLIPSIS}{text[-end:]}{more}"
