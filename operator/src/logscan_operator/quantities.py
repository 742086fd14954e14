"""Quantities of memory, as Kubernetes writes them."""

import re

_UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}


def memory_bytes(quantity: str) -> int:
    """Return a quantity of memory in bytes.

    Raises:
        ValueError: It is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti)?", quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is no quantity of memory")
    return int(float(match[1]) * _UNITS[match[2] or ""])


def doubled(quantity: str, most: str) -> str | None:
    """Return twice a quantity of memory, at the most `most`, or None if it is that much already."""
    size, cap = memory_bytes(quantity), memory_bytes(most)
    if size >= cap:
        return None
    return f"{min(size * 2, cap) // 2**20}Mi"
