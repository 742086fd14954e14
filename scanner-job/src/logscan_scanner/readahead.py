"""An iterator that is advanced in a thread of its own, a few items ahead of who uses them."""

import threading
import time
from collections.abc import Generator, Iterator
from queue import Queue
from typing import TypeVar

PATIENCE_SECONDS = 2.0
T = TypeVar("T")


class _End:
    """What ends the queue: nothing more, or an error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def read_ahead(items: Iterator[T], depth: int) -> Generator[T, None, None]:
    """Yield the items of an iterator while a thread reads on, at the most `depth` items ahead.

    An error of the iterator is raised after the items before it. The thread ends when the items do, or when the
    generator is closed; one that waits for the network then is left behind after `PATIENCE_SECONDS`.
    """
    queue: Queue[T | _End] = Queue(depth)
    closed = threading.Event()

    def read() -> None:
        end = _End()
        try:
            for item in items:
                queue.put(item)
                if closed.is_set():
                    break
        except BaseException as error:  # handed to who reads the queue
            end = _End(error)
        queue.put(end)

    thread = threading.Thread(target=read, name="read-ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        closed.set()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while thread.is_alive() and time.monotonic() < deadline:
            if not queue.empty():
                queue.get()
            thread.join(0.001)
