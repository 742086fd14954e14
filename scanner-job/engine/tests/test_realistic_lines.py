"""Counts on long lines of many formats are grep's, for rules cut out of the lines and for those that ship."""

import pytest

from oracle.comparing import Figures, companies, compare
from oracle.cutting import FORMS, cut_rules
from oracle.judge import Judge
from oracle.lines import FORMATS, LONGEST, SHORTEST, realistic_lines, realistic_text
from oracle.logs import shipped_patterns
from oracle.shrinking import Shrinker

RULES = 170  # one large set, fifteen small ones, and each alone


def test_lines_are_long_varied_and_the_same_for_the_same_seed() -> None:
    lines = realistic_lines(len(FORMATS) * 3, seed=1)
    assert lines == realistic_lines(len(FORMATS) * 3, seed=1) != realistic_lines(len(FORMATS) * 3, seed=2)
    assert len(FORMATS) >= 30
    assert all(SHORTEST <= len(line) <= LONGEST and b"\n" not in line for line in lines)
    assert len(set(lines)) == len(lines)


def test_rules_of_every_form_are_cut() -> None:
    rules = cut_rules(realistic_lines(200, seed=1), RULES, "1")
    assert {rule.form.removeprefix("(?i)") for rule in rules} == set(FORMS)
    assert {rule.form.startswith("(?i)") for rule in rules} == {True, False}
    assert rules == cut_rules(realistic_lines(200, seed=1), RULES, "1")


@pytest.mark.parametrize("seed", [1, 2])
def test_counts_equal_those_of_grep(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = realistic_text(300, seed)
    judging = Judge(tmp_path_factory.mktemp("judge") / "log", text)
    own = [rule.pattern for rule in cut_rules(text.splitlines(), RULES, str(seed))]
    shipped, figures = shipped_patterns(), Figures()
    for patterns in (shipped, *companies(own, shipped, str(seed))):
        compare(patterns, [text, text.replace(b"\n", b"\r\n")], judging, figures)
    assert not figures.no_verdict
    assert figures.matches > figures.counts, "rules that match nothing prove nothing"
    smallest = [str(Shrinker(case).shrink()) for case in figures.differences[:1]]
    assert not figures.differences, f"{len(figures.differences)} differences, the first:\n{''.join(smallest)}"
