"""Inputs with everything that makes lines hard, and the plain way to count them."""

import re
from collections.abc import Iterable, Iterator

from logscan_api.rules import Rule
from logscan_scanner.blocks import LineBlocks
from logscan_scanner.engine import Engine, compile_rules

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


def count(rules: list[Rule], pieces: Iterable[bytes], max_line_bytes: int = 1 << 20) -> tuple[Engine, LineBlocks]:
    """Return engine and blocks after scanning pieces of a text."""
    engine, blocks = Engine(compile_rules(rules), lambda *_: None), LineBlocks(max_line_bytes)
    for block in blocks.cut(pieces):
        engine.scan(block)
    return engine, blocks


def lines_of(data: bytes) -> list[bytes]:
    """Return the lines of a text as grep sees them: a newline ends one, a rest without it is one too."""
    lines = data.split(b"\n")
    return lines[:-1] if not lines[-1] else lines


def expected(pattern: str, data: bytes, ignore_case: bool = False) -> set[int]:
    """Return the numbers of the lines that Python's re finds a pattern in, line by line."""
    compiled = re.compile(pattern.encode(), re.IGNORECASE if ignore_case else 0)
    return {number for number, line in enumerate(lines_of(data)) if compiled.search(line)}
