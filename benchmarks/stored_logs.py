"""The logs that are scanned, and the comparison of what is found in them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Log:
    """A log to scan.

    Attributes:
        kind: How it is stored: `plain`, `gzip` or `zstd`.
        path: Its file.
        name: What the table calls it.
    """

    kind: str
    path: Path
    name: str


def stored(kind: str, plain: Path) -> Path:
    """Return a log's file, compressed as it is in most buckets."""
    command = {"gzip": ["gzip", "-k"], "zstd": ["zstd", "-q", "-k"]}.get(kind)
    if command is None:
        return plain
    subprocess.run([*command, str(plain)], check=True)
    return plain.with_name(plain.name + (".gz" if kind == "gzip" else ".zst"))


def same(ours: object, theirs: object, what: str) -> None:
    """Compare what ours and a peer found.

    Raises:
        RuntimeError: It differs.
    """
    if ours != theirs:
        raise RuntimeError(f"{what}: ours found {ours}, the peer {theirs}")
