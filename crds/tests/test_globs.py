"""Globs match as documented, whatever the key, in time that grows with its length."""

import re
import resource
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logscan_api.globs import matches


@pytest.mark.parametrize(
    ("glob", "text", "matched"),
    [
        ("*.log", "app.log", True),
        ("*.log", "a/app.log", False),
        ("**/*.log", "a/b/app.log", True),
        ("**/*.log", "app.log", True),
        ("a/**", "a/b/c", True),
        ("a/**", "b/a/c", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
        ("**", "with\nnewline", True),
    ],
)
def test_globs(glob: str, text: str, matched: bool) -> None:
    assert matches([glob], text) is matched


def by_python(glob: str, text: str) -> bool:
    """Return what Python's `re`, which backtracks, says of a glob."""
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    pattern = "".join(wild.get(part) or re.escape(part) for part in parts)
    return re.fullmatch(pattern, text, re.DOTALL) is not None


@settings(max_examples=3000)
@given(st.text("ab/*?", max_size=12), st.text("ab/\n", max_size=12))
def test_a_glob_matches_what_its_regular_expression_matches(glob: str, text: str) -> None:
    assert matches([glob], text) is by_python(glob, text)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(["*", "**", "**/", "?", "a", "/", "b"]), max_size=10), st.text("ab/", max_size=14))
def test_runs_of_wildcards_match_too(parts: list[str], text: str) -> None:
    assert matches(["".join(parts)], text) is by_python("".join(parts), text)


HOSTILE = """
from logscan_api.globs import matches
text = "_" * 1024
for glob in ("*_*_*_*_*_*_*_*a", "**/*_*_*_*_*_*.gz", "**/**/**/*_**_*_*b", "?*" * 200 + "c", "*_" * 300 + "c"):
    assert not matches([glob], text)
    assert not matches(["x/" + glob], "x/" + text)
"""


def test_no_key_takes_long() -> None:
    # By backtracking these take minutes to hours; in linear time, well under a second.
    limits = (10, 10)
    subprocess.run(
        [sys.executable, "-c", HOSTILE], check=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, limits)
    )
