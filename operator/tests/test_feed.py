"""Events of a thread on their way to the view."""

import asyncio
import threading
from typing import Any, cast

from logscan_operator.items import Object
from logscan_operator.view import Table
from logscan_operator.watching import AT_ONCE, Feed

EVENTS = 20 * AT_ONCE


class Received:
    """A table that keeps what it is given, and can read no event whose number is divisible by 7."""

    def __init__(self, done: asyncio.Event) -> None:
        self.events: list[tuple[str, int]] = []
        self._done = done

    def take(self, body: Object) -> None:
        self._receive("take", body)

    def drop(self, body: Object) -> None:
        self._receive("drop", body)

    def _receive(self, what: str, body: Object) -> None:
        self.events.append((what, body["number"]))
        if body["number"] == EVENTS - 1:
            self._done.set()
        if body["number"] % 7 == 0:
            raise KeyError("metadata")


async def test_all_events_arrive_in_order_whatever_is_in_one() -> None:
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    errors: list[Any] = []
    loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))
    table = Received(done)
    feed = Feed({"jobs": cast("Table[Any]", table)}, loop)

    def send() -> None:
        for number in range(EVENTS):
            feed("jobs", "DELETED" if number % 2 else None, {"number": number})

    thread = threading.Thread(target=send)
    thread.start()
    await asyncio.wait_for(done.wait(), 20)
    thread.join()
    assert table.events == [("drop" if number % 2 else "take", number) for number in range(EVENTS)]
    assert len(errors) == len(range(0, EVENTS, 7))


async def test_events_that_wait_wake_the_loop_once_and_let_others_have_their_turn() -> None:
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    loop.set_exception_handler(lambda _, context: None)
    woken: list[Any] = []
    call = loop.call_soon_threadsafe

    def wake(callback: Any, *arguments: Any, **more: Any) -> Any:
        woken.append(callback)
        return call(callback, *arguments, **more)

    loop.call_soon_threadsafe = wake  # type: ignore[assignment, method-assign]
    table = Received(done)
    feed = Feed({"jobs": cast("Table[Any]", table)}, loop)
    for number in range(EVENTS):
        feed("jobs", None, {"number": number})
    seen: list[int] = []
    while not done.is_set():
        await asyncio.sleep(0)
        seen.append(len(table.events))
    assert (len(woken), len(table.events)) == (1, EVENTS)
    assert len(set(seen)) >= EVENTS // AT_ONCE
