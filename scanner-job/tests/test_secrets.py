"""What the pack `secrets` finds is masked: expressions and masks are held to each other."""

import re

import pytest
from corpora import count
from hypothesis import given, settings
from hypothesis import strategies as st

from logscan_api.packs import PackRule, load_pack
from logscan_engine import redact

# The marker of a private key is no secret, and stays; what follows it does not.
ENTRIES = [entry for entry in load_pack("secrets").rules if entry.rule.name != "secret-private-key"]
# Flags in the middle of an expression, which Python does not know.
INNER_FLAGS = re.compile(r"(?<!^)\(\?i\)")


def found(entry: PackRule, line: str) -> bool:
    """Return whether a rule matches a line."""
    return count([entry.rule], [line.encode() + b"\n"]).counts.matched > 0


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.rule.name)
def test_what_a_rule_finds_is_masked(entry: PackRule) -> None:
    for line in entry.matches:
        assert found(entry, line)
        assert not found(entry, redact(line)), redact(line)


def python(entry: PackRule) -> str:
    """Return the expression of a rule as Python has it."""
    text = INNER_FLAGS.sub("", entry.rule.pattern or "").replace("(?-i:", "(?:")
    return text.replace("[[:alnum:]]", "[A-Za-z0-9]")


TOKENS = [entry for entry in ENTRIES if "(?!" not in (entry.rule.pattern or "")]
OTHERS = [entry for entry in ENTRIES if entry not in TOKENS]


@settings(max_examples=20)
@given(st.data())
@pytest.mark.parametrize("entry", TOKENS, ids=lambda entry: entry.rule.name)
def test_whatever_token_a_rule_finds_is_masked(entry: PackRule, data: st.DataObject) -> None:
    line = data.draw(st.from_regex(re.compile(python(entry), re.ASCII), fullmatch=True))
    # Python's flags hold for more of an expression, so that not each text that is drawn is one that the rule finds.
    assert not found(entry, line) or not found(entry, redact(line)), redact(line)


WORDS = st.sampled_from(
    [
        *("password", "db_PASSWORD", "passwd", "Passwort", "api-key", "secret", "accessToken", "refresh_token", "pass"),
        *(
            "://",
            "postgres://",
            "https://",
            "app:",
            "@db",
            "@",
            ":",
            "/",
            "authorization",
            "Bearer",
            "basic ",
            "s",
            "_",
        ),
        *(
            "=",
            ": ",
            "=>",
            " = ",
            '"',
            "'",
            '\\"',
            "\\\\\\",
            " ",
            "{",
            "}",
            ",",
            "<",
            "hunter22",
            "[",
            "x",
            "*",
            "8080",
        ),
    ]
)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)


@settings(max_examples=3000)
@given(st.lists(WORDS | VALUES, max_size=12))
def test_whatever_value_a_rule_finds_is_masked(parts: list[str]) -> None:
    line = "".join(parts)
    masked = redact(line)
    for entry in OTHERS:
        assert not found(entry, line) or not found(entry, masked), (entry.rule.name, masked)
