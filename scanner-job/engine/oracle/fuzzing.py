"""`python -m oracle fuzz`: random expressions on random lines, against grep; what differs is made small and shown."""

import os
import re
import sys
import tempfile
import time
from collections import Counter as Tally
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from oracle import adapter, judge
from oracle.adapter import RefusedError
from oracle.comparing import Figures, compare
from oracle.expressions import Expressions
from oracle.judge import Judge
from oracle.lines import realistic_lines
from oracle.shrinking import Case, Shrinker

LOOKBEHIND = re.compile(r"\(\?<[=!]")  # grep with PCRE2 10.42 refuses one of varying length, which the engine accepts
BATCH = 250  # rules for the same lines
LINES = 20
TOGETHER = 25  # rules of a set
ODD_LINES = [
    *(b"", b" ", b"\t", b"a", b"e", b"E", b"aa", b"ee", b"e e", b"\x00", b"a\x00e", b"\xff\xfe", "é".encode(), b"\x85"),
    *(
        b"x\ry",
        b"e\r",
        b"\r",
        b"\x0b",
        b"\x0c",
        b"\xa0",
        b"<e>",
        b"]",
        b"[e]",
        b"a&&b",
        b"a--b",
        b"a~~b",
        b"{,2}",
        b"e{,2}",
    ),
    *(
        b"a{a}",
        b"R N v h",
        b"\\Q.\\E",
        b"aAeE",
        b"123 123",
        b"the the",
        b"a.b",
        b"axb",
        b"\x1b[31mERROR\x1b[0m",
        b"\xce\xa9",
    ),
]


@dataclass
class Fuzzed:
    """What was tried.

    Attributes:
        rules: Expressions made.
        figures: Those that were compared.
        refused: Expressions that the engine refuses, by the words of its message.
        refused_by_grep: Expressions that grep refuses and the engine accepts.
    """

    rules: int = 0
    figures: Figures = field(default_factory=Figures)
    refused: Tally[str] = field(default_factory=Tally)
    refused_by_grep: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the figures in a line."""
        figures = self.figures
        return (
            f"{self.rules:,} rules, {self.refused.total():,} of them refused; {figures.counts:,} counts, "
            f"{figures.matches:,} matches, {len(figures.no_verdict)} rules without a verdict of grep, "
            f"{len(figures.grep_errs)} that grep errs about, {len(self.refused_by_grep)} that only grep refuses, "
            f"{len(figures.differences)} differences"
        )


def fuzz(seed: int, rules: int) -> Fuzzed:
    """Return what came of that many random rules, in batches with lines of their own."""
    fuzzed = Fuzzed()
    for batch in range(-(-rules // BATCH)):
        fuzz_batch(f"{seed} {batch}", min(BATCH, rules - batch * BATCH), fuzzed)
    return fuzzed


def fuzz_batch(seed: str, rules: int, fuzzed: Fuzzed) -> None:
    """Try rules on lines of their own, alone and in sets, and add what came of it."""
    lines = [*realistic_lines(LINES, seed), *ODD_LINES]
    text = b"".join(line + b"\n" for line in lines)
    make = Expressions(lines, seed).make
    patterns = list(dict.fromkeys(make() for _ in range(rules)))
    fuzzed.rules += rules
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        judging = Judge(Path(folder) / "log", text)
        alone = list(pool.map(lambda pattern: _alone(pattern, text, judging), patterns))
        good = []
        for pattern, outcome in zip(patterns, alone, strict=True):
            if isinstance(outcome, str):
                fuzzed.refused[outcome] += 1
                continue
            fuzzed.figures.add(outcome)
            if outcome.no_verdict and not LOOKBEHIND.search(pattern) and judge.refuses(pattern):
                fuzzed.refused_by_grep.append(pattern)
            if outcome.counts and not outcome.differences:
                good.append(pattern)
        texts = [text, judge.lines_as_records(text).replace(b"\n", b"\r\n")]
        for at in range(0, len(good), TOGETHER):
            compare(good[at : at + TOGETHER], texts, judging, fuzzed.figures)


def _alone(pattern: str, text: bytes, judging: Judge) -> Figures | str:
    """Return the figures of a rule, or why the engine refuses it."""
    figures = Figures()
    try:
        compare([pattern], [text], judging, figures)
    except RefusedError as error:
        return str(error)
    return figures


def smallest_cases(differences: Sequence[Case], most: int) -> list[Case]:
    """Return the smallest cases of some differences, each expression once."""
    found: dict[str, Case] = {}
    for case in sorted(differences, key=lambda case: (len(case.others), len(case.pattern))):
        if len(found) == most:
            break
        small = Shrinker(case).shrink()
        found.setdefault(small.pattern, small)
    return list(found.values())


def run(seed: int, rules: int | None, shown: int) -> int:
    """Fuzz until a batch differs, or that many rules were tried; print it, and return the exit status."""
    print(f"{adapter.version()}\n{judge.version()}\nseed {seed}", flush=True)
    fuzzed, began = Fuzzed(), time.monotonic()
    for batch in count():
        if rules is not None and fuzzed.rules >= rules:
            break
        fuzz_batch(f"{seed} {batch}", BATCH, fuzzed)
        if batch % 20 == 19:
            print(f"{time.monotonic() - began:.0f} s: {fuzzed}", flush=True)
        if fuzzed.figures.differences or fuzzed.refused_by_grep:
            break
    print(fuzzed)
    for pattern in fuzzed.refused_by_grep[:shown]:
        print(f"grep refuses what the engine accepts: {pattern}")
    for case in smallest_cases(fuzzed.figures.differences, shown):
        print(f"A smallest case:\n{case}")
    sys.stdout.flush()
    return 1 if fuzzed.figures.differences or fuzzed.refused_by_grep else 0
