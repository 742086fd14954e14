"""Samples: the first lines of each rule, where they are, without secrets, within bounds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscan_api.results import MAX_SAMPLES_BYTES
from logscan_api.rules import Rule
from logscan_engine.blocks import Block
from logscan_engine.engine import Line
from logscan_scanner.redaction import redact
from logscan_scanner.samples import Samples, cut


def rules(count: int = 1, **more: Any) -> list[Rule]:
    return [Rule(name=f"r{n}", pattern="x", **more) for n in range(count)]


def offer(samples: Samples, text: bytes, *words: bytes, offset: int = 0, rule: int = 0) -> None:
    """Offer the lines of a block that begin with some words."""
    block = Block(text, offset)
    for word in words:
        start = text.index(word)
        number = 10 + text.count(b"\n", 0, start)
        samples.offer(Line(rule, block, start, text.index(b"\n", start), number))


def test_the_first_lines_of_a_rule_with_their_place() -> None:
    samples = Samples(rules(), per_rule=2, max_bytes=100)
    offer(samples, b"zero\nfirst\nsecond\nthird\n", b"first", b"second", b"third", offset=1000)
    assert [(s.line, s.offset, s.text) for s in samples.samples] == [(11, 1005, "first"), (12, 1011, "second")]


def test_one_in_three_samples_is_from_later_on() -> None:
    samples = Samples(rules(), per_rule=6, max_bytes=100)
    text = b"".join(b"line %d.\n" % n for n in range(100))
    offer(samples, text, *(b"line %d." % n for n in (1, 2, 3, 4, 8, 16, 32, 64)))
    assert [s.text for s in samples.samples] == [f"line {n}." for n in (1, 2, 3, 4, 32, 64)]


def test_samples_are_text_whatever_the_line_was() -> None:
    samples = Samples(rules(), 1, 100)
    offer(samples, b"\xff\x00 a\r\n", b"\xff")
    assert samples.samples[0].text == "\ufffd\ufffd a"


def test_a_stack_trace_comes_with_its_line() -> None:
    samples = Samples(rules(), 1, 100)
    offer(samples, b"x boom\n\tat a.b(C.java:1)\nCaused by: d\n\t... 3 more\nnext\n", b"x boom")
    assert samples.samples[0].after == ["\tat a.b(C.java:1)", "Caused by: d", "\t... 3 more"]


def test_context_lines_are_kept_and_masked_too() -> None:
    samples = Samples(rules(), 1, 100, context_lines=2)
    offer(samples, b"0\n1\npassword=hunter2\nx\n4\n5\n6\n", b"x\n")
    assert (samples.samples[0].before, samples.samples[0].after) == (["1", "password=***"], ["4", "5"])


def test_a_rule_can_opt_out_of_redaction() -> None:
    samples = Samples(rules(redact=False), 1, 100)
    offer(samples, b"x jane.doe@example.com\n", b"x ")
    assert samples.samples[0].text == "x jane.doe@example.com"


def test_all_samples_together_stay_within_a_budget_and_each_rule_has_one_first() -> None:
    samples = Samples(rules(40), 20, 4096)
    for rule in range(40):
        for _ in range(20):
            offer(samples, b"y" * 500 + b"\n", b"y", rule=rule)
    kept = samples.samples
    assert sum(len(s.text) for s in kept) <= MAX_SAMPLES_BYTES
    assert {s.rule for s in kept} == {f"r{n}" for n in range(40)}


@given(st.text(max_size=200), st.integers(32, 64))
def test_cut_text_is_valid_and_short(text: str, size: int) -> None:
    short = cut(text, size)
    assert len(short.encode()) <= size
    assert short == text or short.endswith("…")


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("password=hunter2 next", "hunter2"),
        ('{"db_password": "hun ter2", "a": 1}', "hun ter2"),
        ("api_key: abcdef123456", "abcdef123456"),
        ("Authorization: Bearer abc.def-ghi_123", "abc.def-ghi_123"),
        ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI"),
        ("https://user:s3cret@host/path", "s3cret"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3", "eyJzdWIiOiIxMjM0In0"),
        ("mail from jane.doe@example.com failed", "jane.doe"),
        ("card 4111 1111 1111 1111 declined", "4111"),
        ("ghp_abcdefghijklmnopqrstuvwxyz012345", "abcdefghij"),
        ("-----BEGIN RSA PRIVATE KEY-----MIIEow", "MIIEow"),
    ],
)
def test_secrets_are_taken_out(line: str, secret: str) -> None:
    assert secret not in redact(line)
    assert "***" in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-24T08:00:00.123456Z ERROR request 1234567890123 took 5 ms",
        "E1124 08:00:00.000001       1 reflector.go:166] failed to list",
        "GET /secrets HTTP/1.1 200",
    ],
)
def test_ordinary_lines_stay(line: str) -> None:
    assert redact(line) == line
