"""Zstandard, which is in the standard library since Python 3.14, and how large a window of it may be."""

import os
import sys
from pathlib import Path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["most_window_log", "window_bytes", "zstd"]

MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
LEAST_WINDOW_LOG = 27  # 128 MiB, the default limit of the program `zstd`
MOST_WINDOW_LOG = 31
_MAGIC = b"\x28\xb5\x2f\xfd"
_SINGLE_SEGMENT = 0x20
_SIZE_BYTES, _DICTIONARY_BYTES = (1, 2, 4, 8), (0, 1, 2, 4)


def memory_bytes() -> int:
    """Return how much memory this process may use: what its pod has, else what the machine has."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = MEMORY_LIMIT.read_text(encoding="ascii").strip()
    except OSError:  # no cgroup of version 2
        return machine
    return machine if limit == "max" else min(machine, int(limit))


def most_window_log(memory: int) -> int:
    """Return the logarithm of the largest window that takes no more than half of some memory, but at least 128 MiB."""
    return max(LEAST_WINDOW_LOG, min(MOST_WINDOW_LOG, (memory // 2).bit_length() - 1))


def window_bytes(head: bytes) -> int | None:
    """Return the window that the frame at the start of some bytes needs (RFC 8878, 3.1.1.1); None for other bytes."""
    if not head.startswith(_MAGIC) or len(head) < 6:
        return None
    flags = head[4]
    if flags & _SINGLE_SEGMENT:
        size_bytes, at = _SIZE_BYTES[flags >> 6], 5 + _DICTIONARY_BYTES[flags & 3]
        size = int.from_bytes(head[at : at + size_bytes], "little")
        return size + 256 if size_bytes == 2 else size
    base = 1 << (10 + (head[5] >> 3))
    return base + base // 8 * (head[5] & 7)
