"""The expressions of secrets are those that follow from the pinned rules of gitleaks, and nothing else."""

import re
import tomllib
from typing import Any

import pytest

from logscan_tools import secrets
from logscan_tools.samples import sample

RULES: list[dict[str, Any]] = [
    {"id": "a", "regex": r"""\b(tok_(?i)[a-z0-9]{4})(?:[\x60'"\s;]|\\[nr]|$)""", "keywords": ["tok_"]},
    {"id": "by-its-name", "regex": r"(?i)[\w.-]{0,50}?(?:acme)(?:x)([a-z]{4})", "keywords": ["acme"]},
    {"id": "no-keyword", "regex": r"\b(pat[0-9]{4})\b", "keywords": ["acme"]},
    {"id": "host", "regex": r"https://hooks.acme.com/[a-z]{3}", "keywords": ["hooks.acme.com"]},
    {"id": "a-path", "path": r"\.p12$"},
    {"id": "private-key", "regex": "(?i)-----BEGIN", "keywords": ["-----begin"]},
]


def test_tokens_that_have_a_form_of_their_own_are_kept_without_what_ends_them() -> None:
    assert [(token.name, token.pattern) for token in secrets.converted(RULES)] == [
        ("a", r"\b(tok_(?i)[a-z0-9]{4})"),
        ("host", r"https://hooks\.acme\.com/[a-z]{3}"),
    ]


@pytest.mark.parametrize("pattern", [r"\b(?:a|b)-[0-9a-f]{4}", r"x[\w=-]{2,3}\.?\d", r"(?i)A(?-i:b)[[:alnum:]](?i)c"])
def test_a_sample_matches_its_expression(pattern: str) -> None:
    python = re.sub(r"(?<!^)\(\?i\)", "", pattern).replace("[[:alnum:]]", "[A-Za-z0-9]")
    assert re.fullmatch(python, sample(pattern))


@pytest.mark.tools
def test_the_generated_files_are_up_to_date() -> None:
    folder = secrets.module()
    for path, text in secrets.files(folder).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `make secrets`"


@pytest.mark.tools
def test_each_rule_that_is_left_out_by_name_is_one_of_gitleaks() -> None:
    rules = tomllib.loads((secrets.module() / "config" / "gitleaks.toml").read_text(encoding="utf-8"))["rules"]
    assert set(secrets.LEFT_OUT) <= {rule["id"] for rule in rules}
