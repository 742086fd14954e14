"""Inputs with everything that makes lines hard, and the plain way to count them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from logscan_api.rules import Rule, Severity
from logscan_engine import Counts, Line, RuleSet, Scan
from logscan_scanner.scanning.rules import compile_for_scan

REFERENCE = 1795564800  # 2026-11-25T00:00:00Z

CORPORA = {
    "empty": b"",
    "one": b"ERROR one\n",
    "no-final-newline": b"ok\nERROR last",
    "crlf": b"ERROR a\r\nok\r\nwarn b\r\n",
    "nul": b"a\x00b ERROR\n\x00\n",
    "bad-utf8": b"\xff\xfe ERROR \x80\nok\xc3\n",
    "blank-lines": b"\n\nERROR\n\n\n",
    "utf8": "größe ERROR ä\nÄrger\n".encode(),
    "spaces": b"a \t b\na\n b\nab\n",
    "long": b"x" * 5000 + b" ERROR " + b"y" * 5000 + b"\nERROR\n",
    "many": b"".join(b"line %d %s\n" % (n, b"ERROR" if n % 7 == 0 else b"ok") for n in range(3000)),
}


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    """Yield a text in pieces of a size."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


@dataclass(frozen=True)
class Counted:
    """What the engine counted and found.

    Attributes:
        counts: The counts.
        scan: The scan that has ended.
        lines: The lines that it kept.
    """

    counts: Counts
    scan: Scan
    lines: list[Line]

    def by_severity(self, severity: Severity) -> int:
        """Return the lines of a severity."""
        return self.counts.by_severity[severity.rank]


def count(
    rules: list[Rule],
    pieces: Iterable[bytes],
    max_record_bytes: int = 1 << 20,
    threads: int = 2,
    samples: int = 0,
    framing: dict[str, str | None] | None = None,
    compiled: RuleSet | None = None,
) -> Counted:
    """Return what the engine finds in pieces of a text.

    Args:
        rules: The rules.
        pieces: The text.
        max_record_bytes: Only so many bytes of a line are matched.
        threads: How many scan.
        samples: How many first lines of each rule are kept.
        framing: How records are told apart: `framing`, `start` and `message_field` of `Scan`.
        compiled: The rules, if they have scanned something before.
    """
    scan = Scan(
        compiled or compile_for_scan(rules),
        threads=threads,
        reference=REFERENCE,
        max_record_bytes=max_record_bytes,
        samples=samples,
        findings=0,
        before=0,
        after=0,
        line_bytes=max_record_bytes,
        **(framing or {}),
    )
    scan.begin(None)
    for piece in pieces:
        scan.push(piece)
    scan.finish()
    return Counted(scan.counts(), scan, scan.take_lines())


def lines_of(data: bytes) -> list[bytes]:
    r"""Return the lines of a text: `\n` or `\r\n` ends one, a rest without it is one too."""
    lines = data.split(b"\n")
    ended = [line.removesuffix(b"\r") for line in lines[:-1]]
    return ended if not lines[-1] else [*ended, lines[-1]]


def expected(pattern: str, data: bytes, ignore_case: bool = False) -> set[int]:
    """Return the numbers of the lines that Python's re finds a pattern in, line by line."""
    compiled = re.compile(pattern.encode(), re.IGNORECASE if ignore_case else 0)
    return {number for number, line in enumerate(lines_of(data)) if compiled.search(line)}
