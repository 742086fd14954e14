"""Messages that are handled while the next ones are received."""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger("logscan.intake")


class InHand:
    """Handlings that are under way, and how many messages they are of.

    Attributes:
        count: The number of messages.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.count = 0
        self._tasks: dict[asyncio.Task[None], int] = {}

    def take(self, handling: Coroutine[None, None, None], count: int) -> None:
        """Have messages handled; an error is logged, since they come again.

        Args:
            handling: What handles them.
            count: How many they are.
        """
        task = asyncio.create_task(handling)
        self._tasks[task] = count
        self.count += count
        task.add_done_callback(self._let_go)

    async def fewer(self, seconds: float) -> None:
        """Wait until some are done, but no longer than so many seconds. There must be some."""
        await asyncio.wait(self._tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    def cancel(self) -> None:
        """Have none of them handled any further."""
        for task in self._tasks:
            task.cancel()

    def _let_go(self, task: "asyncio.Task[None]") -> None:
        self.count -= self._tasks.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("messages were not handled, and come again", exc_info=error)
