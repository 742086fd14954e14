"""Rules of gitleaks, grok and Sigma, imported; the judges are `grep -P`, an API server, and gitleaks' own rules."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Run
from places import Place

from kubectl_logscan import grokrules, sigmarules
from kubectl_logscan.conversions import convert, documents, slug
from kubectl_logscan.errors import UsageError
from logscan_api.rules import INLINE_BYTES, Rule
from logscan_api.rulesets import LogScanRuleSet

GITLEAKS = r"""
[[rules]]
id = "Token_of.Us"
regex = '''(?i)us_[a-f0-9]{8}'''
keywords = ["us_"]
[[rules.allowlists]]
regexTarget = "line"
regexes = ["example", "a|b{9}"]
[[rules]]
id = "files"
path = '''\.pem$'''
[[rules]]
id = "two"
regex = "two"
entropy = 3.5
[[rules.allowlists]]
stopwords = ["none"]
[[rules]]
id = "broken"
regex = "("
"""
GROK = r"""
# what a line has
HEX (?<value>\h+[\hx])
LEVEL (?:INFO|ERROR)
ENTRY %{LEVEL:[log][level]} %{WORD:word} at %{HEX:at}
LOOP a%{LOOP2}
LOOP2 b%{LOOP}
SECTION [a-z&&[^b]]
"""
LINES = ["ERROR disk at 0x1F", "INFO disk at FF", "WARN disk at FF", "ERROR disk at hh", "ERROR at FF"]


def sets_in(text: str) -> list[LogScanRuleSet]:
    return [LogScanRuleSet.model_validate({"spec": one["spec"]}) for one in yaml.safe_load_all(text)]


def grep(rule: Rule, lines: list[str]) -> list[str]:
    """Return the lines that `grep -P` finds, without those that it finds by the exclude."""

    def found(pattern: str, options: list[str], among: list[str]) -> list[str]:
        case = ["-i"] if rule.ignore_case else []
        command = ["grep", "-P", *case, *options, "-e", pattern]
        done = subprocess.run(command, input="\n".join(among) + "\n", capture_output=True, text=True, check=False)
        assert done.returncode < 2, done.stderr
        return done.stdout.splitlines()

    wanted = found(str(rule.pattern), [], lines)
    return found(rule.exclude, ["-v"], wanted) if rule.exclude and wanted else wanted


def test_gitleaks_rules_are_kept_or_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "our rules.toml").write_text(GITLEAKS)
    done = run("rules", "import", "gitleaks", str(tmp_path / "our rules.toml"))
    (found,) = sets_in(done.stdout)
    token, two = found.spec.rules
    assert (token.name, two.name) == ("token-of-us", "two")
    assert grep(token, ["x US_12345678", "us_12345678 example", "us_12345678 bbbbbbbbb", "us_1"]) == ["x US_12345678"]
    lines = done.stderr.splitlines()
    assert [line.split()[0] for line in lines] == ["Token_of.Us", "two", "files", "broken", "2"]
    assert "entropy" in lines[1]
    assert "allowlist" in lines[1]
    assert done.returncode == 9


def test_grok_is_expanded_for_pcre(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own").write_text(GROK)
    (tmp_path / "base").write_text(r"WORD \b\w+\b")
    command = ("rules", "import", "grok", str(tmp_path / "own"), "--with", str(tmp_path / "base"))
    done = run(*command, "--severity", "error")
    (found,) = sets_in(done.stdout)
    (entry,) = found.spec.rules
    assert grep(entry, LINES) == LINES[:2]
    assert entry.severity == "error"
    assert (done.returncode, "SECTION is left out" in done.stderr) == (9, True)
    for name in ("LOOP", "NOTHING"):
        done = run(*command, "--pattern", name)
        assert (done.returncode, done.stdout) == (9, "")
        assert f"{name} is left out" in done.stderr
    assert run(*command, "--pattern", "ENTRY").returncode == 0


def test_a_grok_pattern_that_grows_without_bound_is_left_out() -> None:
    own = {f"A{n}": f"%{{A{n + 1}}}%{{A{n + 1}}}" for n in range(30)} | {"A30": "x"}
    (draft,) = grokrules.drafts(own, {}, ["A0"], "info")
    assert "1024" in draft.lost


def test_addresses_of_logstash_have_room() -> None:
    own = {"IPV6": "x" * 1200, "IPV4": r"\d+(?:\.\d+){3}", "IP": "%{IPV6:ip}|%{IPV4:ip}", "LINE": "^from %{IP:a}$"}
    made = convert(grokrules.drafts(own, {}, [], "info"))
    lines = ["from 10.0.0.1", "from ::1", "from 2001:db8::ff00:42:8329", "from fe80::1%eth0", "from ::ffff:10.0.0.1"]
    (rule,) = made.rules
    assert grep(rule, [*lines, "from 10:30", "from a.b.c.d", "from x"]) == lines
    assert [name for name, _ in made.wider] == ["LINE"]


SIGMA: list[tuple[dict[str, Any], list[str]]] = [
    ({"keywords": ["one", "t*o (x)"], "condition": "keywords"}, ["ONE", "t and o (x)", "one two", "two ONE"]),
    ({"k": {"|all": ["one", "two"]}, "condition": "k"}, ["one two", "two ONE"]),
    ({"a": ["one"], "b": "two", "condition": "a and b"}, ["one two", "two ONE"]),
    ({"a1": ["one"], "a2": ["t*o (x)"], "condition": "1 of a*"}, ["ONE", "t and o (x)", "one two", "two ONE"]),
    ({"a1": ["one"], "a2": ["two"], "condition": "all of them"}, ["one two", "two ONE"]),
    ({"a": ["one"], "b": ["two"], "condition": "a and not b"}, ["ONE"]),
    ({"a": ["one"], "b": ["two"], "c": ["zz"], "condition": "(a or c) and not b and not 1 of c*"}, ["ONE"]),
    ({"a": [r"back\*slash", r"q\?"], "condition": "a"}, ["back*slash", "q?"]),
]
EVENTS = ["ONE", "t and o (x)", "one two", "two ONE", "back*slash", "backXslash", "q?", "qx"]


@pytest.mark.parametrize(("detection", "expected"), SIGMA, ids=[str(case[0]["condition"]) for case in SIGMA])
def test_sigma_keywords_find_what_they_say(detection: dict[str, Any], expected: list[str]) -> None:
    (draft,) = sigmarules.drafts(yaml.safe_dump({"title": "T", "level": "high", "detection": detection}))
    (rule,) = convert([draft]).rules
    assert grep(rule, EVENTS) == expected
    assert rule.severity == "error"


@pytest.mark.parametrize(
    "detection",
    [
        {"selection": {"EventID": 1}, "condition": "selection"},
        {"a": ["x"], "timeframe": "5m", "condition": "a"},
        {"a": ["x"], "condition": "a | count() > 3"},
        {"a": ["x"], "b": ["y"], "condition": "a or b and not a"},
        {"a": ["x"], "b": ["y"], "condition": "a and not b or b"},
        {"a": ["x"], "condition": "not a"},
        {"a": ["x"], "condition": "b"},
        {"a": ["x"], "condition": "1 of b*"},
        {"a": ["x"], "condition": "(a"},
        {"a": ["x"], "condition": ["a", "a"]},
        {"a": [{"Image": "x"}], "condition": "a"},
        {"a": ["x"]},
        {"a": ["x"], "condition": ""},
    ],
    ids=str,
)
def test_sigma_rules_that_say_more_are_left_out(detection: dict[str, Any]) -> None:
    (draft,) = sigmarules.drafts(yaml.safe_dump({"title": "T", "detection": detection}))
    assert (draft.fields, bool(draft.lost)) == ({}, True)


@pytest.mark.parametrize("text", ["[", "- 1", "a: b", "detection: 1"])
def test_a_file_that_is_no_sigma_rule(text: str) -> None:
    with pytest.raises(UsageError):
        list(sigmarules.drafts(text))


@pytest.mark.parametrize("tool", ["gitleaks", "grok", "sigma-keywords"])
@pytest.mark.parametrize("content", [b"\xff\xfe", b"= nothing ="])
def test_an_error_is_one_line(run: Run, tmp_path: Path, tool: str, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    done = run("rules", "import", tool, str(tmp_path / "file"))
    (line,) = done.stderr.splitlines()
    assert (done.returncode, str(tmp_path) in line) == (2, True)
    assert run("rules", "import", tool, str(tmp_path / "none")).returncode == 3


def test_sets_have_room_for_their_rules_and_names_are_told_apart() -> None:
    rules = [Rule(name=f"r{n}", pattern="x" * 1000) for n in range(130)]
    found = sets_in(documents("big", "d", rules))
    assert [rule.name for one in found for rule in one.spec.rules] == [rule.name for rule in rules]
    assert len(found) == -(-130 * 1000 // (INLINE_BYTES // 1000 * 1000))
    drafts = [draft for name in ("A b", "a-b", "A_B") for draft in grokrules.drafts({name: "x"}, {}, [name], "info")]
    assert [rule.name for rule in convert(drafts).rules] == ["a-b", "a-b-2", "a-b-3"]
    assert slug("--") == "rule"


@pytest.mark.tools
@pytest.mark.controlplane
def test_the_rules_of_gitleaks_itself_are_accepted_by_an_api_server(run: Run, place: Place) -> None:
    from logscan_tools import secrets

    done = run("rules", "import", "gitleaks", str(secrets.module() / "config" / "gitleaks.toml"))
    found = sets_in(done.stdout)
    left_out = [line for line in done.stderr.splitlines() if "is left out" in line]
    assert sum(len(one.spec.rules) for one in found) > 150
    assert len(left_out) < 20, left_out
    place.kubectl.run("apply", "--server-side", "--dry-run=server", "--filename=-", stdin=done.stdout)
