"""Signatures of rows: nothing in a row can be changed, and no row or token serves for another row."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscan_api import attributes
from logscan_api.attributes import Item
from logscan_api.signatures import is_signed, signed, tokens
from logscan_api.statuses import ResultRef

KEY, PREVIOUS = b"k" * 32, b"p" * 32
REF = ResultRef(table="results", pk="team-a#O#logs#app.log", sk="S#V:1#0123456789abcdef")
ROW = attributes.to_item({"pk": REF.pk, "sk": REF.sk, "status": "done", "lines": 70, "by_rule": {"error": 20}})
TOKENS = tokens([KEY], REF)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.text() | st.integers() | st.booleans(), lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=9
)


def test_a_signed_row_is_believed_in_any_order_and_after_its_notifications() -> None:
    row = signed(ROW, TOKENS[0])
    stored = json.loads(json.dumps(dict(reversed(row.items()))))
    assert is_signed({**stored, "notified": attributes.to_item({"n": {"u/webhook_sent_at": "2026"}})["n"]}, TOKENS)


@given(st.sampled_from([*ROW, "report_uri"]), VALUES)
def test_any_change_of_a_row_is_noticed(name: str, value: Any) -> None:
    changed = attributes.to_item({name: value})
    believed = is_signed({**signed(ROW, TOKENS[0]), **changed}, TOKENS)
    assert believed == (changed[name] == ROW.get(name))


@given(st.dictionaries(st.text(), VALUES, max_size=3))
def test_a_row_that_was_not_signed_is_not_believed_whatever_it_holds(row: dict[str, Any]) -> None:
    assert not is_signed(attributes.to_item(row), TOKENS)


@pytest.mark.parametrize(
    "signature",
    [{"S": ""}, {"S": "é" * 64}, {"S": 1}, {"N": "1"}, {"B": b"\0"}, {"SS": {"a"}}, {}, None, "x", TOKENS[0]],
    ids=repr,
)
def test_no_form_of_signature_stops_the_reader(signature: Any) -> None:
    row: Item = {**ROW, "signature": signature, "binary": {"B": b"\0"}, "set": {"SS": {"a"}}}
    assert not is_signed(row, TOKENS)


@pytest.mark.parametrize("field", ["table", "pk", "sk"])
def test_a_token_signs_no_row_at_another_key(field: str) -> None:
    other = REF.model_copy(update={field: f"{getattr(REF, field)}x"})
    assert not is_signed(signed(ROW, tokens([KEY], other)[0]), TOKENS)


def test_facts_of_a_key_do_not_run_into_each_other() -> None:
    shifted = ResultRef(table="results", pk=REF.pk[:-1], sk=REF.pk[-1] + REF.sk)
    assert tokens([KEY], shifted) != TOKENS


def test_a_new_key_signs_and_the_previous_one_still_counts() -> None:
    before = signed(ROW, tokens([PREVIOUS], REF)[0])
    rotated = tokens([KEY, PREVIOUS], REF)
    assert is_signed(before, rotated)
    assert is_signed(signed(ROW, rotated[0]), TOKENS)
    assert not is_signed(before, TOKENS)


def test_neither_key_nor_token_is_in_a_row() -> None:
    text = json.dumps(signed(ROW, TOKENS[0]))
    assert TOKENS[0] not in text
    assert KEY.decode() not in text
