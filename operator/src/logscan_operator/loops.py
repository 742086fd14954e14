"""The background loops of a role (any replica, or the leader): none can end, hang or fail to begin unnoticed.

A role first declares all its loops to `health`, then starts them. So a loop that was declared and never begins is
reported by `/healthz` like one that hangs, and an end of any loop, with an error or without, ends the role.
"""

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from typing import Any, Self

from logscan_operator.health import Alive, Progress


class LoopEndedError(Exception):
    """A loop that runs until it is cancelled returned."""


class Loops:
    """The loops of one role; an asynchronous context manager that cancels those still running."""

    def __init__(self, progress: Progress, patience: Mapping[str, float], cancel_seconds: float) -> None:
        """Declare loops.

        Args:
            progress: Where their progress is reported.
            patience: For each loop by name, the seconds without progress after which it counts as stuck.
            cancel_seconds: How long to wait at the end for loops to end once they are cancelled.
        """
        self._alive = {name: progress.expect(name, seconds) for name, seconds in patience.items()}
        self._cancel_seconds = cancel_seconds
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=self._cancel_seconds)

    def alive(self, name: str) -> Alive:
        """Return what a declared loop must call whenever it makes progress."""
        return self._alive[name]

    def start(self, name: str, loop: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Start a declared loop."""
        self._tasks[name] = task = asyncio.create_task(loop, name=name)
        return task

    async def until(
        self, *events: "asyncio.Future[Any]", finished: "Collection[asyncio.Future[Any]]" = frozenset()
    ) -> None:
        """Return once one of some events is done, or once all loops that are to finish have.

        Args:
            events: What to wait for; a loop among them may return.
            finished: Loops that are to finish. None by default: it is for the events alone then.

        Raises:
            LoopEndedError: Another loop returned.
            Exception: A loop failed with this error.
        """
        while True:
            running = [task for task in self._tasks.values() if task not in finished or not task.done()]
            await asyncio.wait([*running, *events], return_when=asyncio.FIRST_COMPLETED)
            for name, task in self._tasks.items():
                if task.done():
                    task.result()
                    if task not in events and task not in finished:
                        raise LoopEndedError(f"the loop {name} has ended")
            if any(event.done() for event in events) or (finished and all(task.done() for task in finished)):
                return
