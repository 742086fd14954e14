"""The logs that are scanned, and the comparison of what is found in them."""

import gzip
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import log_corpus


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


def small_bodies(count: int, size: int, failing: float) -> Iterator[bytes]:
    """Yield gzipped logs of about a size; the lines differ, and so do the lengths, by half."""
    chance = random.Random(11)
    for seed in range(count):
        block = next(log_corpus.lines(1, failing, seed))
        share = size * chance.uniform(0.5, 1.5) / len(gzip.compress(block))
        cut = block[: int(len(block) * share)]
        yield gzip.compress(cut[: cut.rfind(b"\n") + 1])
