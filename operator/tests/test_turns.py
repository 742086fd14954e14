"""The pace at which objects under prefixes go to the API server."""

from hypothesis import given, settings
from hypothesis import strategies as st

from logscan_operator.turns import Turns

STEP = 0.2  # how often those who wait ask, in seconds
SECONDS = 40


class World:
    """Some who ask until they have had their turns, as far as they are not gone."""

    def __init__(self, pace: float) -> None:
        self.now = 0.0
        self.turns = Turns(pace, lambda: self.now)
        self.given: list[tuple[float, str, int]] = []

    def ask(self, waiting: dict[str, int], seconds: float) -> None:
        """Let all ask for so long; each asks for as many objects again once it has had its turn."""
        until = self.now + seconds
        while self.now < until:
            self.now += STEP
            self.given += [(self.now, who, n) for who, n in waiting.items() if self.turns.take(who, n)]

    def had(self, who: str) -> int:
        """Return how many turns somebody has had."""
        return sum(name == who for _, name, _ in self.given)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 1000), min_size=1))
def test_the_pace_is_kept_and_used(waiting: dict[str, int]) -> None:
    world = World(pace=500)
    world.ask(waiting, SECONDS)
    objects, most = sum(n for _, _, n in world.given), max(waiting.values())
    assert objects <= 500 * SECONDS + most + 500 * STEP
    busiest = min(500.0, sum(waiting.values()) / STEP)  # each has at most one turn at a time
    assert objects >= 0.75 * busiest * SECONDS - most


def test_turns_go_round_whatever_each_asks_for() -> None:
    world = World(pace=500)
    world.ask({"one": 1000, "two": 10, "three": 500}, 60)
    turns = [world.had(who) for who in ("one", "two", "three")]
    assert max(turns) - min(turns) <= 1


def test_who_is_gone_has_delayed_nobody() -> None:
    world = World(pace=500)
    world.ask({"victim": 500}, 10)
    alone = world.had("victim")
    for number in range(50):
        world.ask({"victim": 500, f"deleted-{number}": 1000}, STEP)
        world.turns.leave(f"deleted-{number}")
    assert world.had("victim") >= 2 * alone - 1


def test_who_stops_asking_holds_nobody_up() -> None:
    world = World(pace=500)
    world.ask({"one": 500}, STEP)
    world.ask({"suspended": 500, "two": 500}, STEP)
    world.ask({"two": 500}, 3)
    assert world.had("suspended") == 0
    assert world.had("two") >= 1


def test_a_page_without_objects_waits_for_nothing() -> None:
    turns = Turns(500, lambda: 7.0)
    assert [turns.take(who, n) for who, n in (("a", 500), ("b", 1), ("c", 0))] == [True, False, True]
