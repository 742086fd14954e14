"""Samples: the first lines of each rule, where they are, without secrets, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscan_api.results import MAX_SAMPLES_BYTES
from logscan_scanner.blocks import Block
from logscan_scanner.redaction import redact
from logscan_scanner.samples import Samples, cut


def test_the_first_lines_of_a_rule_with_their_place() -> None:
    samples = Samples(["r"], per_rule=2, max_bytes=100)
    block = Block(b"zero\nfirst\nsecond\nthird\n", first_line=10, offset=1000, lines=4)
    for start, end in ((5, 10), (11, 17), (18, 23)):
        samples.offer(0, block, start, end)
    assert [(s.line, s.offset, s.text) for s in samples.samples] == [(11, 1005, "first"), (12, 1011, "second")]


def test_samples_are_text_whatever_the_line_was() -> None:
    samples = Samples(["r"], 1, 100)
    samples.offer(0, Block(b"\xff\x00 a\r\n", 1, 0, 1), 0, 5)
    assert samples.samples[0].text == "\ufffd\ufffd a"


def test_all_samples_together_stay_within_a_budget() -> None:
    samples = Samples([f"r{n}" for n in range(500)], 20, 4096)
    block = Block(b"x" * 4000 + b"\n", 1, 0, 1)
    for rule in range(500):
        for _ in range(20):
            samples.offer(rule, block, 0, 4000)
    assert sum(len(s.text) for s in samples.samples) <= MAX_SAMPLES_BYTES + 4096


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
