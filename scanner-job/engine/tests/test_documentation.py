"""What docs/rules.md says is refused is refused, and what it says grep refuses too."""

import re
import subprocess
from pathlib import Path

import pytest

from logscan_engine import InvalidRuleError, Rule, RuleSet

RULES = Path(__file__).parents[3] / "docs" / "rules.md"
EXAMPLES = re.compile(r"`([^`]+)`")
NOT_ALONE = {  # constructs that are named without what makes an expression of them
    r"\x": r"a\x",
    r"\X": r"a\X",
    r"\g": r"[\g]",
    r"\p{Lu}": r"(?i)\p{Lu}",
    r"\p{Ll}": r"(?i)\p{Ll}",
    r"\p{Lt}": r"(?i)\p{Lt}",
}
MENTIONED = ("(?i)", r"\E")  # to explain an example


def tables() -> tuple[list[list[str]], list[list[str]]]:
    """Return the cells of the table of differences from grep, and of that of what both refuse."""
    text = RULES.read_text(encoding="utf-8")
    differences, both = text.split("| expression | here | `grep -P` |")[1].split("Refused by both:")
    return cells(differences), cells(both.split("\n\n")[1])


def cells(table: str) -> list[list[str]]:
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def expressions(cell: str) -> list[str]:
    """Return the examples of a cell that are whole expressions."""
    found = [NOT_ALONE.get(example, example) for example in EXAMPLES.findall(cell)]
    return [text for text in found if text not in MENTIONED and ".." not in text and "{,n}" not in text]


DIFFERENT, BOTH = tables()
REFUSED = [text for row in DIFFERENT if row[1].startswith(" refused") for text in expressions(row[0])]
REFUSED_BY_BOTH = [text for row in BOTH if "Unicode rule" not in row[0] for text in expressions(row[1])]


def refusal(pattern: str) -> str:
    with pytest.raises(InvalidRuleError) as error:
        RuleSet([Rule("r", pattern)])
    return error.value.problem


def test_the_tables_are_read() -> None:
    assert {"[\\n]", "a{ 1,2 }", "(?C1)"} <= set(REFUSED)
    assert {"a{65536}", "[[=a=]]", "(?<=a+)b"} <= set(REFUSED_BY_BOTH)


@pytest.mark.parametrize("pattern", [*REFUSED, "a{,2}", "a{,2}b", "(?:a{,2})", "a{ ,2}"])
def test_what_only_we_refuse_is_refused_and_grep_accepts_it(pattern: str) -> None:
    assert refusal(pattern)
    assert grep(pattern) < 2


@pytest.mark.parametrize("pattern", REFUSED_BY_BOTH)
def test_what_both_refuse_is_refused_by_both(pattern: str) -> None:
    assert refusal(pattern)
    assert grep(pattern) == 2


def grep(pattern: str) -> int:
    command = ["grep", "-a", "-c", "-P", "-e", pattern]
    return subprocess.run(command, input=b"a\n", capture_output=True, check=False, env={"LC_ALL": "C"}).returncode
