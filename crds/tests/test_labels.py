"""Labels are valid whatever they are made of, and what is shown is short."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscan_api.labels import label_value, shown_object

VALID = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.text("aB0._-", max_size=80)


@given(ANY)
def test_any_name_gives_a_valid_label(name: str) -> None:
    value = label_value(name)
    assert VALID.fullmatch(value)
    assert 0 < len(value) <= 63


@pytest.mark.parametrize("name", ["logs", "MyLogs", "my_logs", "a" * 63, "my.bucket-1"])
def test_a_valid_name_is_its_own_label(name: str) -> None:
    assert label_value(name) == name


def test_names_that_must_be_cut_differ_by_their_hash() -> None:
    one, other = label_value("p" * 100 + "a"), label_value("p" * 100 + "b")
    assert one != other
    assert one.startswith("p" * 50 + "-")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=1024))
def test_what_is_shown_is_short_and_printable(key: str) -> None:
    text = shown_object(key, None)
    assert len(text) <= 60
    assert text.isprintable()


def test_the_end_of_a_key_tells_more_than_its_beginning() -> None:
    assert shown_object("a/b.log", None) == "a/b.log"
    assert shown_object(None, "a/") == "a/*"
    shown = shown_object("2026/" + "x" * 200 + "/file.log.gz", None)
    assert (shown[:6], shown[19], shown[-12:]) == ("2026/x", "…", "/file.log.gz")
