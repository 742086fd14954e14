"""Rules on fields that are cut out of a log count what the judge says, and the judge can find a wrong count out."""

import json

import pytest

from oracle import fieldlogs


def log(count: int) -> bytes:
    lines = [
        json.dumps(
            {"level": "warn" if n % 3 else "info", "took": n * 0.5, "tags": ["a", f"t{n % 5}"], "x.y": {"z": None}}
        )
        for n in range(count)
    ]
    return "\r\n".join([*lines, "panic: no JSON", '{"level":"warn"', '{"level":"warn"} and more']).encode()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_rules_cut_out_of_a_log_count_what_the_judge_says(seed: str) -> None:
    figures = fieldlogs.compare(log(300), 120, seed)
    assert figures.differences == []
    assert figures.counts > 100
    assert figures.matches > figures.counts


def test_a_difference_is_shown() -> None:
    figures = fieldlogs.compare(log(30), 20, "1", holds=lambda _where, _line: False)
    where, counted, judged = figures.differences[0]
    assert where
    assert counted > judged == 0


def test_a_log_without_json_has_no_rules_on_fields() -> None:
    assert fieldlogs.compare(b"ERROR x\n{no json\n", 20, "1").counts == 0
