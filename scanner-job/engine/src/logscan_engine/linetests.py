"""Lines that test a rule."""

import json
from collections.abc import Iterator, Sequence

from logscan_engine._native import RuleSet
from logscan_engine.counting import count
from logscan_engine.rules import Rule

SHOWN = 80


def failures(rule: Rule, matches: Sequence[str], ignores: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each line that a rule wrongly ignores or matches; one of several lines matches if any does.

    Args:
        rule: The rule.
        matches: Lines that it must match.
        ignores: Lines that it must not match.

    Raises:
        InvalidRuleError: The rule is refused.
    """
    compiled = RuleSet([rule])
    for lines, expected in ((matches, True), (ignores, False)):
        for line in lines:
            if (count(compiled, line.encode()).by_rule[0] > 0) is not expected:
                yield f"rule {rule.name!r} {'does not match' if expected else 'matches'} {_shown(line)}"


def _shown(line: str) -> str:
    text = json.dumps(line, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
