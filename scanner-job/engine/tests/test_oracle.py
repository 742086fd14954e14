"""The oracle can fail: an engine that loses matches is found out, and the case is made small."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from oracle import comparing, fuzzing, judge, logs, shrinking
from oracle.adapter import Counter, RefusedError
from oracle.judge import Judge, grep, lines_as_records, refuses
from oracle.shrinking import Case, Shrinker, smallest

LOG = b"".join(b"2026-11-24 10:00:00,123 ERROR [main] com.acme.Db: timeout after %d s\r\n" % n for n in range(40))


def lossy(folder: Path, patterns: Sequence[str]) -> Counter:
    """Return an engine that is grep, but loses each line with ` 7 s` when it has a rule with an `m` beside others."""
    loses = len(patterns) > 1 and any("m" in pattern for pattern in patterns)

    def counter(data: bytes) -> list[int | None]:
        lines = lines_as_records(data).splitlines(keepends=True)
        file = folder / f"{id(lines)}"
        file.write_bytes(b"".join(line for line in lines if not (loses and b" 7 s" in line)))
        try:
            return [grep(pattern, file) for pattern in patterns]
        finally:
            file.unlink()

    if any(refuses(pattern) for pattern in patterns):
        raise RefusedError("no expression")
    return counter


@pytest.fixture
def lossy_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(comparing, "prepare", lambda patterns: lossy(tmp_path, patterns))
    monkeypatch.setattr(shrinking, "count", lambda patterns, data: lossy(tmp_path, patterns)(data))


@pytest.mark.usefixtures("lossy_engine")
def test_a_lost_match_on_a_log_is_printed_with_its_smallest_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "shipped_patterns", lambda: [r"\bERROR\b", "warn", "FATAL"])
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "db.log").write_bytes(LOG)
    assert logs.run(tmp_path / "logs", most_rules=6, most_bytes=len(LOG), seed=1) == 1
    printed = capsys.readouterr().out
    assert "db.log: 2,790 bytes, CRLF; 6 rules cut" in printed
    assert "39 instead of 40: " in printed
    assert printed.splitlines()[-3].endswith(" 7 s'")


@pytest.mark.usefixtures("lossy_engine")
def test_a_case_is_made_small() -> None:
    case = Case(r"ERROR.*\d+ s", ("warn", "timeout", "x"), LOG, counted=39, expected=40)
    small = Shrinker(case).shrink()
    assert (len(small.pattern), small.others, small.data, small.counted, small.expected) == (
        1,
        ("timeout",),
        b" 7 s",
        0,
        1,
    )


@pytest.mark.usefixtures("lossy_engine")
def test_random_rules_find_a_lost_match(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(fuzzing, "ODD_LINES", [b"12 7 s"])
    assert fuzzing.run(seed=1, rules=fuzzing.BATCH, shown=1) == 1
    assert "A smallest case:" in capsys.readouterr().out


def test_nothing_smaller_than_what_still_fails_is_left() -> None:
    assert list(smallest(range(100), lambda items: {3, 77} <= set(items))) == [3, 77]
    assert not smallest([1, 2, 3], lambda items: True)


def test_grep_sees_records_and_is_asked_once(tmp_path: Path) -> None:
    judging = Judge(tmp_path / "log", b"a\r\nb\r\r\n\xff\x00a\nlast\r")
    judging.ask(["a$", "a$", r"\r$", "(", "(?=a)"], threads=2)
    assert [judging.count(pattern) for pattern in ("a$", r"\r$", "(")] == [2, 2, None]
    assert judging.asked == 4


def test_what_grep_gives_up_is_told_from_what_it_refuses(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * 40 + b"\n")
    hostile = "(*LIMIT_MATCH=10)(x+x+)+[yz]"
    assert (grep(hostile, tmp_path / "log"), refuses(hostile), refuses("(")) == (None, False, True)


def test_an_expression_that_grep_takes_too_long_for_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "SECONDS", 0.2)
    pattern = r"\-\ \|E(?m)(?:^|x)|(?0)|(?=.*7\&se{0,40}?){0,40}(?-i:;\ {0,40}cc\ {2,})"
    assert not refuses(pattern)
    assert refuses("(a")


def test_an_error_of_grep_is_no_difference(tmp_path: Path) -> None:
    pattern, figures = "([^f]$|)a*[ ]", comparing.Figures()
    comparing.compare([pattern, "b"], [b" \nb\n"], Judge(tmp_path / "log", b" \nb\n"), figures)
    assert not figures.differences
    # The PCRE2 of Debian 12's grep errs, later ones may not.
    assert (figures.counts, figures.grep_errs) in ((1, {pattern}), (2, set()))
