"""The table of rules that once went wrong: its counts are grep's, and an engine that has one wrong is found out."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from logscan_engine import canary
from logscan_engine.errors import InternalError
from oracle.judge import Judge


def test_the_counts_of_the_table_are_those_of_grep(tmp_path: Path) -> None:
    judging = Judge(tmp_path / "lines", canary.LINES)
    assert {pattern: judging.count(pattern) for pattern in canary.COUNTS} == canary.COUNTS


def test_the_engine_counts_the_table_right() -> None:
    canary.self_check()


@pytest.mark.parametrize("wrong", list(canary.COUNTS))
def test_one_wrong_count_is_found_out_and_named(wrong: str) -> None:
    def count(patterns: Sequence[str], _lines: bytes) -> list[int]:
        return [canary.COUNTS[pattern] + (pattern == wrong) for pattern in patterns]

    with pytest.raises(InternalError) as error:
        canary.check(count)
    assert f"{canary.COUNTS[wrong] + 1} instead of {canary.COUNTS[wrong]} lines for {wrong}" in str(error.value)
