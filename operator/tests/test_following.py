"""Following namespaces: what puts one out of sight, what brings it back, and that no error ends it."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from logscan_operator import following
from logscan_operator.errors import ApiError, NoAnswerError, described
from logscan_operator.following import Follower, WatchEndedError, is_lost, pause_seconds
from logscan_operator.view import View

FORBIDDEN = ApiError(403, "Forbidden", "no")
BROKEN = ApiError(500, "InternalError", "etcd")


@pytest.mark.parametrize(
    ("error", "failures", "in_sight", "lost"),
    [
        (FORBIDDEN, 1, True, True),
        (ApiError(404, "NotFound", "no such kind"), 1, True, True),
        (ApiError(401, "Unauthorized", ""), 1, True, True),
        (BROKEN, 99, True, False),
        (NoAnswerError("refused"), 99, True, False),
        (NoAnswerError("away"), 2, False, False),
        (NoAnswerError("away"), 3, False, True),
        (BROKEN, 3, False, True),
        (WatchEndedError("kopf"), 99, True, False),
        (ValueError("an object that cannot be read"), 1, True, True),
    ],
)
def test_a_refusal_loses_a_namespace_and_an_api_server_that_is_away_does_not(
    error: Exception, failures: int, in_sight: bool, lost: bool
) -> None:
    assert is_lost(error, failures, in_sight) is lost


def test_the_pause_doubles_up_to_half_a_minute() -> None:
    assert [pause_seconds(n) for n in (1, 2, 3, 4, 5, 999)] == [2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "no answer in time"),
        (TimeoutError("of a kind"), "of a kind"),
        (asyncio.IncompleteReadError(b"", 1), "0 bytes read on a total of 1 expected bytes"),
        (KeyError(), "KeyError"),
        (FORBIDDEN, "403 Forbidden: no"),
    ],
)
def test_an_error_is_never_without_words(error: Exception, words: str) -> None:
    assert described(error) == words


class World:
    """A cluster of one namespace: what a list and a watch of it do next."""

    def __init__(self) -> None:
        self.view = View(["team-a"])
        self.lists: Iterator[Exception | None] = iter(())
        self.watches: Iterator[Exception | None] = iter(())
        self.listed = self.watched = self.moved = 0

    async def read(self, _: str) -> None:
        self.listed += 1
        if error := next(self.lists, None):
            raise error

    async def watch(self, _: str) -> None:
        self.watched += 1
        if error := next(self.watches, None):
            raise error
        await asyncio.Event().wait()

    def alive(self) -> None:
        self.moved += 1

    async def follow(self, until: Callable[[], bool], every: float = 60) -> None:
        """Follow until something holds."""
        task = asyncio.create_task(Follower("team-a", self.view, self.read, self.watch, every, self.alive).run())
        async with asyncio.timeout(10):
            while not until():
                assert not task.done(), task
                await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(following, "pause_seconds", lambda failures: 0)
    return World()


async def test_a_namespace_that_comes_back_is_followed_again(world: World) -> None:
    world.lists = iter([None, FORBIDDEN, FORBIDDEN])
    world.watches = iter([FORBIDDEN])
    seen: list[dict[str, str]] = []

    def back() -> bool:
        if not seen or seen[-1] != world.view.namespaces.states():
            seen.append(world.view.namespaces.states())
        return world.watched == 2

    await world.follow(back)
    assert seen == [{"team-a": "not read yet"}, {}, {"team-a": "403 Forbidden: no"}, {}]


async def test_nothing_is_watched_before_it_was_listed(world: World) -> None:
    world.lists = iter([FORBIDDEN, FORBIDDEN])
    await world.follow(lambda: world.watched == 1)
    assert world.listed == 3


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyError("another"), BROKEN, NoAnswerError("away")])
async def test_no_error_ends_it(world: World, error: Exception) -> None:
    world.lists = iter([error] * 5)
    world.watches = iter([error] * 5)
    await world.follow(lambda: world.watched == 6)
    assert world.moved >= 10
    assert world.view.synced_in("team-a")


async def test_a_watch_that_lasts_is_not_started_again_by_a_list(world: World) -> None:
    await world.follow(lambda: world.listed == 5, every=0)
    assert world.watched == 1
