"""Whatever comes from outside, what is shown is printable and short."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscan_api.text import cut, cut_around, printable

HARMFUL = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    *"\u200b\u2028\u2029\ufeff\udc80\ud800",
]


@given(st.text(st.characters()))
def test_any_text_becomes_printable_and_valid_utf8(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert shown.encode().decode() == shown
    assert len(shown) == len(text)
    assert printable(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_what_is_printable_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("character", HARMFUL, ids=lambda c: f"U+{ord(c):04X}")
def test_no_harmful_character_is_left(character: str) -> None:
    shown = printable(f"a{character}b")
    assert shown in ("a b", "a\N{REPLACEMENT CHARACTER}b")


def test_a_forged_line_stays_on_its_line() -> None:
    assert printable("key\r\nStatus: Succeeded") == "key  Status: Succeeded"
    assert printable("\x1b[2Jgröße 日志") == "\N{REPLACEMENT CHARACTER}[2Jgröße 日志"


@given(st.text(max_size=200), st.integers(32, 64))
def test_cut_text_is_valid_and_short(text: str, size: int) -> None:
    short = cut(text, size)
    assert len(short.encode()) <= size
    assert short == text or short.endswith("…")


@given(st.text(st.sampled_from("aé€\U0001f600"), max_size=60), st.integers(0, 60), st.integers(16, 80), st.booleans())
def test_the_part_of_a_text_around_a_place_has_it(text: str, place: int, most: int, begun: bool) -> None:
    place = min(place, len(text))
    part = cut_around(text, place, most, begun)
    assert len(part.encode()) <= most
    assert "\ufffd" not in part
    kept = part.removeprefix("…").removesuffix("…")
    assert kept in text
    assert begun <= part.startswith("…")
    if len(text.encode()) <= most and not begun:
        assert part == text
