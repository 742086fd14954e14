"""Rules rewritten so that nothing crosses a line."""

import re

import pytest

from logscan_engine.dialect import DialectError, per_line, trim


@pytest.mark.parametrize(
    ("pattern", "byte", "matches"),
    [
        (r"\s", b" ", True),
        (r"\s", b"\n", False),
        (r"[^a]", b"\n", False),
        (r"[^a]", b"b", True),
        (r"[^a]", b"a", False),
        (r"\W", b"\n", False),
        (r"\W", b"-", True),
        (r"\D", b"\n", False),
        (r"\S", b"x", True),
        (r"[\s,]", b",", True),
        (r"[\s,]", b"\n", False),
        (r"[\W\d]", b"5", True),
        (r"[]a]", b"]", True),
        (r"[^]a]", b"]", False),
        (r"[a-c-]", b"-", True),
        (r"[\x41-\x43]", b"B", True),
        (r"[\x00-\x1f]", b"\n", False),
        (r"[\x00-\x1f]", b"\t", True),
        (r"[[:digit:]_]", b"7", True),
        (r"[[:^digit:]]", b"7", False),
        (r"[\]\\]", b"\\", True),
        (r"[\-a]", b"-", True),
        (r"\h", b"\t", True),
        (r"\v", b"\r", True),
        (r"\N", b"x", True),
        (r"\.", b"x", False),
        (r"\Q.\E", b".", True),
        (r"\x2e", b".", True),
        (r"\t", b"\t", True),
    ],
)
def test_one_byte(pattern: str, byte: bytes, matches: bool) -> None:
    assert bool(re.fullmatch(per_line(pattern), byte)) is matches


@pytest.mark.parametrize(
    ("pattern", "rewritten"),
    [
        (r"\Afoo\z", b"^foo$"),
        ("(?s)a.b", b"a.b"),
        ("(?m)^a", b"^a"),
        ("(?is)a", b"(?i)a"),
        ("(?s:a.b)", b"(?:a.b)"),
        ("(?i-s:a)", b"(?i:a)"),
        ("(?:a|b)", b"(?:a|b)"),
        ("a(?P<name>b)", b"a(?P<name>b)"),
    ],
)
def test_rewritten(pattern: str, rewritten: bytes) -> None:
    assert per_line(pattern) == rewritten


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a\nb", "newline at 1"),
        (r"a\nb", "newline at 1"),
        (r"a\x0ab", "newline at 1"),
        (r"\cJ", "newline at 0"),
        ("[abc", "no end"),
        ("[z-a]", "out of order"),
        (r"[\n]", "matches nothing"),
        ("[ä]", "beyond ASCII"),
        (r"[\x{100}]", "beyond one byte"),
        ("[[:wrong:]]", "wrong"),
        ("(?x)a b", "free spacing"),
        (r"a\R", r"\\R at 1"),
        ("a\\", "backslash at 1"),
        ("[a\\", "backslash"),
    ],
)
def test_refused(pattern: str, words: str) -> None:
    with pytest.raises(DialectError, match=words):
        per_line(pattern)


@pytest.mark.parametrize(
    ("pattern", "trimmed"),
    [
        (b"ERROR.*", b"ERROR"),
        (b".*ERROR", b"ERROR"),
        (b".*ERROR.*?", b"ERROR"),
        (rb"a\.*", rb"a\.*"),
        (rb"a\\.*", rb"a\\"),
        (b"a|b.*", b"a|b.*"),
        (b".*", b".*"),
        (b"^.*x", b"^.*x"),
    ],
)
def test_trimmed_where_the_lines_stay_the_same(pattern: bytes, trimmed: bytes) -> None:
    assert trim(pattern) == trimmed
