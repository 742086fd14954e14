"""Rules of PCRE's syntax are read as grep reads them, or refused: never differently."""

from contextlib import suppress
from pathlib import Path

import pytest

from oracle import adapter
from oracle.adapter import RefusedError
from oracle.fuzzing import fuzz, smallest_cases
from oracle.judge import Judge

RULES = 10_000

# Lines on which one reading of a construct below counts otherwise than another.
LINES = (
    b"\n"
    b"a\n"
    b"ab\n"
    b"aa\n"
    b"aab\n"
    b"a b\n"
    b"a\tb\n"
    b"a\x0bb\n"
    b"a\rb\n"
    b"a\x0cb\n"
    b"a\x85b\n"
    b"a\xa0b\n"
    b"a\xc2\x85b\n"
    b"A\n"
    b"B\n"
    b"AB\n"
    b"the the\n"
    b"the cat\n"
    b"a.b\n"
    b".x\n"
    b"Qx\n"
    b"Ex\n"
    b"\\x\n"
    b"&\n"
    b"-\n"
    b"~\n"
    b"[a\n"
    b"a]\n"
    b"<a>\n"
    b"'a'\n"
    b"`a`\n"
    b"a{,2}\n"
    b"a{b}\n"
    b"a{ 1,2 }\n"
    b"{2}\n"
    b"N\n"
    b"R\n"
    b"K\n"
    b"X\n"
    b"h\n"
    b"H\n"
    b"v\n"
    b"V\n"
    b"u0041\n"
    b"x{41}\n"
    b"p{L}\n"
    b"g1\n"
    b"k<n>\n"
    b"8\n"
    b"\x00\n"
    b"\x008\n"
    b"\x01\n"
    b"\x07\n"
    b"\x1b[0m\n"
    b"\xc3\xa9\n"
    b"\xc3\x89\n"
    b"\xe9\n"
    b"a#b\n"
    b"a # b\n"
    b"a@b\n"
    b"a/b\n"
    b'a"b\n'
    b"ends in a\r\n"
    b"last a"
)

CONSTRUCTS = (Path(__file__).parent / "constructs.txt").read_text(encoding="utf-8").splitlines()


def test_ten_thousand_random_rules_are_read_as_grep_reads_them() -> None:
    fuzzed = fuzz(seed=14, rules=RULES)
    assert fuzzed.figures.matches > RULES, str(fuzzed)
    assert fuzzed.refused.total() < RULES / 2, str(fuzzed)
    smallest = "\n".join(map(str, smallest_cases(fuzzed.figures.differences, 3)))
    assert not fuzzed.figures.differences, f"{fuzzed}, for example:\n{smallest}"
    assert not fuzzed.refused_by_grep, "grep takes these for no expressions"


@pytest.fixture(scope="module")
def judging(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return Judge(tmp_path_factory.mktemp("judge") / "lines", LINES)


@pytest.mark.parametrize("pattern", CONSTRUCTS)
def test_a_construct_is_read_as_grep_reads_it_or_refused(pattern: str, judging: Judge) -> None:
    with suppress(RefusedError):
        assert adapter.count([pattern], LINES) == [judging.count(pattern)]
