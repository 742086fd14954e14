"""Quantities, judged by what Kubernetes' own parser makes of the same texts."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from logscan_api.jobtemplates import Resources
from logscan_api.quantities import MAX_BYTES, MAX_LENGTH, Quantity

RECORDED = Path(__file__).with_name("quantity_cases.jsonl").read_text(encoding="utf-8")
CASES = [json.loads(line) for line in RECORDED.splitlines()]


def bytes_of(text: str) -> int | None:
    try:
        return Quantity(text).bytes
    except ValueError:
        return None


def test_it_accepts_what_kubernetes_accepts_and_counts_the_same() -> None:
    assert len(CASES) > 1000
    for case in CASES:
        size = case.get("bytes")
        wanted = None if size is None else max(min(int(size), MAX_BYTES), -MAX_BYTES)
        assert bytes_of(case["text"]) == wanted, case


@pytest.mark.parametrize("text", ["1e999999999", "1e-999999999", "-1e999999999", "9" * MAX_LENGTH])
def test_no_quantity_takes_long_to_count(text: str) -> None:
    assert -MAX_BYTES <= Quantity(text).bytes <= MAX_BYTES


@pytest.mark.parametrize(
    ("before", "most", "after"),
    [
        ("256Mi", "1Gi", "512Mi"),
        ("256e6", "1Gi", "512000000"),
        ("268435456000m", "1Gi", "512Mi"),
        ("0.75Gi", "1Gi", "1Gi"),
        ("700Mi", "1e9", "1000000000"),
        ("1Gi", "1Gi", None),
        ("2Gi", "1Gi", None),
        ("0", "1Gi", None),
    ],
)
def test_memory_is_doubled_up_to_the_most(before: str, most: str, after: str | None) -> None:
    doubled = Quantity(before).doubled(Quantity(most))
    assert (doubled and doubled.bytes) == (after and Quantity(after).bytes)


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (0.5, "0.5"), ("128Mi", "128Mi"), ("1e3", "1e3")])
def test_a_field_takes_numbers_and_keeps_the_text(value: object, text: str) -> None:
    resources = Resources.model_validate({"limits": {"cpu": value}})
    assert resources.wire() == {"limits": {"cpu": text}}
    assert Resources.model_validate_json(resources.model_dump_json()) == resources


@pytest.mark.parametrize("value", [True, None, [], "lots", "", "-1", -1, "1" * (MAX_LENGTH + 1), float("inf")])
def test_what_no_pod_may_request_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        Resources.model_validate({"limits": {"memory": value}})


def test_a_quantity_alone_may_be_negative() -> None:
    assert TypeAdapter(Quantity).validate_python("-1.5").bytes == -2
