"""Samples: the first lines of each rule, where they are, without secrets, within bounds."""

from typing import Any

import pytest

from logscan_api.logscans import Limits
from logscan_api.requests import resolve_limits
from logscan_api.results import MAX_SAMPLES_BYTES, Sample
from logscan_api.rules import Rule
from logscan_engine import redact
from logscan_scanner.scanning.progress import Progress
from logscan_scanner.scanning.rules import compile_for_scan
from logscan_scanner.scanning.scan import Scan


def samples_of(
    text: bytes, pattern: str, per_rule: int, max_bytes: int = 100, context_lines: int = 0, count: int = 1, **more: Any
) -> list[Sample]:
    """Return the samples of a text whose lines the engine finds."""
    rules = [Rule(name=f"r{n}", pattern=pattern, **more) for n in range(count)]
    limits = resolve_limits(
        Limits(max_samples_per_rule=per_rule, max_sample_bytes=max_bytes, context_lines=context_lines)
    )
    scan = Scan(compile_for_scan(rules), rules, limits, Progress(None))
    scan.read([text], None)
    scan.finish()
    return scan.samples.samples


def test_the_first_lines_of_a_rule_with_their_place() -> None:
    found = samples_of(b"zero\nfirst\nsecond\nthird\n", "first|second|third", per_rule=2)
    assert [(s.line, s.offset, s.text) for s in found] == [(2, 5, "first"), (3, 11, "second")]


def test_one_in_three_samples_is_from_later_on() -> None:
    text = b"".join(b"line %d.\n" % n for n in range(1, 101))
    assert [s.text for s in samples_of(text, "line", per_rule=6)] == [f"line {n}." for n in (1, 2, 3, 4, 32, 64)]


def test_samples_are_text_whatever_the_line_was() -> None:
    assert samples_of(b"\xff\x00 a\r\n", "a", 1)[0].text == "\ufffd\ufffd a"


@pytest.mark.parametrize("pattern", ["ERROR", "ERROR(?=!)", r"\w+ERROR|ERROR!.*?", "(?<!x)ERROR"])
@pytest.mark.parametrize("size", [100, 3_000, 200_000])
def test_the_sample_of_a_long_line_shows_the_match(pattern: str, size: int) -> None:
    for before, after in [(size, 0), (size, size), (50, size)]:
        (found,) = samples_of(b"a " * (before // 2) + b"ERROR! " + b"b " * (after // 2), pattern, 1)
        assert "ERROR!" in found.text
        assert len(found.text.encode()) <= 100
        assert found.text.startswith("…") == (before > 50)
        assert found.text.endswith("…") == (after > 50)


def test_a_secret_before_the_match_of_a_long_line_is_masked() -> None:
    text = b'{"pad":"' + b"x" * 300 + b'","password":"hunter22hunter22","level":"ERROR","more":"' + b"y" * 300 + b'"}'
    (found,) = samples_of(text, '"level":"ERROR"', 1, max_bytes=200)
    assert '"level":"ERROR"' in found.text
    assert "hunter" not in found.text


def test_a_stack_trace_comes_with_its_line() -> None:
    text = b"x boom\n\tat a.b(C.java:1)\nCaused by: d\n\t... 3 more\nnext\n"
    assert samples_of(text, "boom", 1)[0].after == ["\tat a.b(C.java:1)", "Caused by: d", "\t... 3 more"]


def test_context_lines_are_kept_and_masked_too() -> None:
    (found,) = samples_of(b"0\n1\npassword=hunter2\nx\n4\n5\n6\n", "^x$", 1, context_lines=2)
    assert (found.before, found.after) == (["1", "password=***"], ["4", "5"])


def test_a_rule_can_opt_out_of_redaction() -> None:
    found = samples_of(b"x jane.doe@example.com\n", "x ", 1, redact=False)
    assert found[0].text == "x jane.doe@example.com"


def test_all_samples_together_stay_within_a_budget_and_each_rule_has_one_first() -> None:
    kept = samples_of(b"".join(b"y" * 500 + b"\n" for _ in range(20)), "y", 20, 4096, count=40)
    assert sum(len(s.text) for s in kept) <= MAX_SAMPLES_BYTES
    assert {s.rule for s in kept} == {f"r{n}" for n in range(40)}


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
