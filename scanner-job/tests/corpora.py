"""Inputs with everything that makes lines hard, and the plain way to count them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from logscan_api.rules import Rule
from logscan_engine import tally
from logscan_engine.blocks import LineBlocks
from logscan_engine.compiling import Compiler, compile_rules
from logscan_engine.engine import Engine
from logscan_engine.matching import WheelDatabase, compile_expressions, library_path
from logscan_engine.native import COMPILED, Hits, Tally
from logscan_scanner.histogram import Histogram

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
class Way:
    """One of the ways in which the engine can work on a machine."""

    compile_all: Compiler
    classes: tuple[type[Hits], type[Tally]]


WAYS: dict[str, Way] = {"twins": Way(WheelDatabase, (tally.Hits, tally.Tally))}
if COMPILED:
    WAYS["wheel"] = Way(WheelDatabase, (Hits, Tally))
    if library_path():
        WAYS["library"] = Way(compile_expressions, (Hits, Tally))


def count(
    rules: list[Rule], pieces: Iterable[bytes], max_line_bytes: int = 1 << 20, way: str = "wheel", threads: int = 2
) -> Engine:
    """Return the engine after scanning pieces of a text."""
    engine, _ = scanned(rules, pieces, max_line_bytes, way, threads)
    return engine


def scanned(
    rules: list[Rule], pieces: Iterable[bytes], max_line_bytes: int = 1 << 20, way: str = "wheel", threads: int = 2
) -> tuple[Engine, Histogram]:
    """Return engine and histogram after scanning pieces of a text."""
    chosen, histogram = WAYS[way], Histogram()
    engine = Engine(
        compile_rules(rules, chosen.compile_all),
        lambda line: None,
        histogram.add,
        reference=REFERENCE,
        classes=chosen.classes,
    )
    for _ in engine.scan(LineBlocks(max_line_bytes).cut(pieces), threads):
        pass
    return engine, histogram


def lines_of(data: bytes) -> list[bytes]:
    """Return the lines of a text as grep sees them: a newline ends one, a rest without it is one too."""
    lines = data.split(b"\n")
    return lines[:-1] if not lines[-1] else lines


def expected(pattern: str, data: bytes, ignore_case: bool = False) -> set[int]:
    """Return the numbers of the lines that Python's re finds a pattern in, line by line."""
    compiled = re.compile(pattern.encode(), re.IGNORECASE if ignore_case else 0)
    return {number for number, line in enumerate(lines_of(data)) if compiled.search(line)}
