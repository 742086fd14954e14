"""Counts are exact: equal to a search of every single line, whatever the input and however it is cut."""

import subprocess
from pathlib import Path

import pytest
from corpora import CORPORA, chunks, count, expected, lines_of
from formats import STORED
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from logscan_api.exitcodes import ExitCode
from logscan_api.packs import load_pack, pack_names
from logscan_api.rules import Rule, Severity
from logscan_scanner.errors import ScanError
from logscan_scanner.reading.inputs import open_inputs
from logscan_scanner.reading.unsupported import problem
from logscan_scanner.scanning.rules import compile_for_scan

PATTERNS = [
    "ERROR",
    "ERROR.*",
    ".*ERROR",
    "^ERROR",
    "ERROR$",
    "a\\s+b",
    "a[^x]*b",
    "\\bok\\b",
    "\\W",
    "\\d+ (ok|ERROR)",
    "(?i)error",
    "x{3,}",
    "^$|ERROR",
    "größe",
    "[^a-z]ERROR[^a-z]",
    "line \\d*7 ",
    "\\x00",
    "\\xff",
    "[^\\x00-\\x7f]",
    "[a-f\\d]{4,}",
    "(?:a|b|)ERROR",
    "ERROR\\b",
    "\\BRROR",
    "[\\]\\-a]",
    "(?s)a.*b",
    "o[^k\\s]",
    "\\W\\w\\W",
    "^[^E]*E[^E]*$",
    "\\S+\\s\\S+",
    ".{40,}",
    "^.{1,3}$",
    "x+?y",
    "\\t",
    "(\\w)\\1",
    "(?<=line )\\d",
    "ok(?! \\w)",
    "(?=.*ok).*line",
]


@pytest.mark.parametrize("name", CORPORA)
@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
def test_counts_equal_a_search_line_by_line(name: str, size: int) -> None:
    data = CORPORA[name]
    rules = [Rule(name=f"r{n}", pattern=pattern) for n, pattern in enumerate(PATTERNS)]
    engine = count(rules, chunks(data, size))
    lines = [expected(pattern, data) for pattern in PATTERNS]
    assert engine.counts.by_rule == [len(found) for found in lines]
    assert engine.counts.matched == len(set().union(*lines))
    assert engine.counts.lines == len(lines_of(data))


@pytest.mark.parametrize("name", pack_names())
def test_counts_of_shipped_rules_equal_grep(name: str, tmp_path: Path) -> None:
    rules = [packed.rule for packed in load_pack(name).rules if packed.rule.pattern and not packed.rule.where]
    text = "\n".join(line for rule in load_pack(name).rules for line in (*rule.matches, *rule.ignores))
    corpus = (text + "\n").encode() * 50 + b"".join(CORPORA.values())
    (tmp_path / "log").write_bytes(corpus.replace(b"\r\n", b"\n"))
    engine = count(rules, chunks(corpus, 1000))
    for rule, counted in zip(rules, engine.counts.by_rule, strict=True):
        lines = _grep(["-e", rule.pattern or "", str(tmp_path / "log")])
        if rule.exclude:
            lines = _grep(["-v", "-e", rule.exclude], lines)
        assert counted == lines.count(b"\n"), rule.name


def _grep(arguments: list[str], text: bytes | None = None) -> bytes:
    command = ["grep", "-a", "-P", *arguments]
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, input=text, capture_output=True, env=environment, check=False).stdout


@pytest.mark.parametrize("name", pack_names())
def test_shipped_rules_do_what_their_samples_say(name: str) -> None:
    for rule in load_pack(name).rules:
        for line in (*rule.matches, *rule.ignores):
            engine = count([rule.rule], [line.encode() + b"\n"])
            assert engine.counts.by_rule == [line in rule.matches], (rule.rule.name, line)


@pytest.mark.stress
def test_a_line_of_ten_megabytes_is_a_line_like_any_other() -> None:
    data = b"start " + b"x" * 10_000_000 + b" ERROR\nERROR\n" + b"y" * 10_000_000
    rules = [Rule(name=f"r{n}", pattern=p) for n, p in enumerate(("^start.*ERROR$", "ERROR", "y$", "^y"))]
    engine = count(rules, chunks(data, 777_777), max_record_bytes=16 << 20)
    assert (engine.counts.by_rule, engine.counts.lines) == ([1, 2, 1, 1], 3)
    cut = count(rules, chunks(data, 777_777), max_record_bytes=1 << 20)
    assert (cut.counts.by_rule, cut.counts.lines) == ([0, 1, 1, 1], 3), "only the beginning of a longer line is matched"


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=40), max_size=20), st.sampled_from(sorted(STORED)), st.integers(1, 200))
def test_any_input_in_any_format_at_any_cut(pieces: list[bytes], kind: str, size: int) -> None:
    data = b"\n".join([b"a log and nothing packed", *pieces])
    assume(problem(data) is None)
    rules = [Rule(name=f"r{n}", pattern=p) for n, p in enumerate(("[A-F]", "\\d", "^\\x00", "[^a]$"))]
    (log,) = open_inputs(chunks(STORED[kind](data), size))
    engine = count(rules, log.chunks)
    assert engine.counts.by_rule == [len(expected(rule.pattern or "", data)) for rule in rules]


LINES = st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"E")), max_size=30)


@settings(max_examples=60)
@given(LINES, st.integers(1, 50), st.booleans())
def test_any_input_and_any_cut(lines: list[bytes], size: int, final_newline: bool) -> None:
    data = b"\n".join(lines) + (b"\n" if final_newline else b"")
    patterns = ["E", "\\s", "[^E]E", "^E", "E$", "\\x00|\\xff", "E.*E"]
    engine = count([Rule(name=f"r{n}", pattern=p) for n, p in enumerate(patterns)], chunks(data, size))
    assert engine.counts.by_rule == [len(expected(pattern, data)) for pattern in patterns]


def test_an_exclude_takes_lines_away() -> None:
    rule = Rule(name="r", pattern="ERROR", exclude="harmless")
    other = Rule(name="other", pattern="harmless", severity=Severity.INFO)
    engine = count([rule, other], [b"ERROR\nERROR harmless\nharmless ERROR ERROR\nharmless\n"])
    assert engine.counts.by_rule == [1, 3]
    assert engine.by_severity(Severity.ERROR) == 1
    assert engine.by_severity(Severity.INFO) == 3
    assert engine.counts.matched == 4


def test_a_line_counts_once_per_severity() -> None:
    rules = [
        Rule(name="a", pattern="a"),
        Rule(name="b", pattern="b"),
        Rule(name="c", pattern="c", severity=Severity.INFO),
    ]
    engine = count(rules, [b"abc\nab\nc\n"])
    assert engine.by_severity(Severity.ERROR) == 2
    assert engine.by_severity(Severity.INFO) == 2


def test_case_is_ignored_when_asked() -> None:
    engine = count([Rule(name="r", pattern="error", ignore_case=True)], [b"ERROR\nError\nerr\n"])
    assert engine.counts.by_rule == [2]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a", "rule 'bad': the group at 0 has no closing parenthesis"),
        ("a{1,70000}", "rule 'bad': the repetition at 1 has a count over 65535"),
        (r"a\nb", "rule 'bad': the newline at 1 can never match"),
    ],
)
def test_an_invalid_rule_is_named(pattern: str, words: str) -> None:
    with pytest.raises(ScanError) as refusal:
        compile_for_scan([Rule(name="good", pattern="x"), Rule(name="bad", pattern=pattern)])
    assert refusal.value.code is ExitCode.INVALID_RULE
    assert words in str(refusal.value)


def test_an_invalid_exclude_is_named() -> None:
    with pytest.raises(ScanError, match=r"rule 'r \(exclude\)'"):
        compile_for_scan([Rule(name="r", pattern="x", exclude="(y")])


@pytest.mark.parametrize("before", ["many", "noise"])
def test_what_the_same_rules_scanned_before_changes_no_count(before: str) -> None:
    rules = [Rule(name=f"r{number}", pattern=pattern) for number, pattern in enumerate(PATTERNS)]
    compiled = compile_for_scan(rules)
    logs = {**CORPORA, "noise": b"".join(b"%06x \xff a  b ERROR ok x\n" % number for number in range(5000))}
    count(rules, [logs[before]], compiled=compiled)
    for name, data in logs.items():
        again, alone = count(rules, [data], compiled=compiled), count(rules, [data])
        assert (name, again.counts.by_rule, again.counts.lines) == (name, alone.counts.by_rule, alone.counts.lines)
