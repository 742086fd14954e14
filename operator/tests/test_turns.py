"""The pace at which objects under prefixes go to the API server."""

from hypothesis import given
from hypothesis import strategies as st

from logscan_operator.turns import Turns


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 1000)), min_size=1), st.sampled_from([0.5, 500.0]))
def test_no_more_objects_go_than_the_pace_allows(pages: list[tuple[float, int]], pace: float) -> None:
    now, end = 0.0, 0.0
    turns = Turns(pace, lambda: now)
    for pause, objects in pages:
        now += pause
        begin = turns.reserve(objects)
        assert begin >= now
        assert turns.reached(begin) == (begin == now)
        if objects:
            assert begin == max(now, end), "neither before those who asked first have had their time, nor later"
            end = begin + objects / pace


def test_a_page_without_objects_waits_for_nothing() -> None:
    turns = Turns(500, lambda: 7.0)
    assert (turns.reserve(500), turns.reserve(0), turns.reserve(1)) == (7.0, 7.0, 8.0)
