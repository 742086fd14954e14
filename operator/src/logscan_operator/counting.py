"""Counts ahead how many objects under a prefix are asked for, so that a percentage can be said. In memory only."""

import asyncio
import logging
from datetime import datetime

from logscan_operator import sums
from logscan_operator.errors import AwsError
from logscan_operator.items import Scan
from logscan_operator.listings import wanted
from logscan_operator.shelves import SLICE_SECONDS, BucketOf, Turns, shelf_of

log = logging.getLogger("logscan.counting")


class Counting:
    """Counts beside the work, once for each run of a LogScan."""

    def __init__(self, bucket_of: BucketOf, lists: asyncio.Semaphore) -> None:
        """Count nothing yet.

        Args:
            bucket_of: Where the keys of a LogScan come from.
            lists: Bounds how many answers are fetched at the same time.
        """
        self._bucket_of = bucket_of
        self._lists = lists
        self._tasks: dict[str, asyncio.Task[int | None]] = {}

    def expected(self, parent: Scan) -> int | None:
        """Return how many objects there are, or None while that is not known."""
        task = self._tasks.get(parent.uid)
        return task.result() if task is not None and task.done() else None

    def begin(self, parent: Scan, began: datetime) -> None:
        """Count what follows the cursor of a LogScan, if that was not begun.

        Args:
            parent: The LogScan.
            began: When its run began.
        """
        listing = sums.listing_of(parent.status)
        if parent.uid in self._tasks or listing.complete or listing.expected is not None:
            return
        source, known = parent.readable_spec.source.s3, listing.objects
        shelf = shelf_of(self._bucket_of(parent), source, listing.cursor, self._lists, verify=False)
        wants = wanted(source, began)

        async def count() -> int | None:
            total, turns = known, Turns(SLICE_SECONDS)  # it is in no hurry, and takes half of a core at most
            try:
                while (entry := await shelf.peek()) is not None:
                    total += wants(entry)
                    shelf.pop()
                    await turns.give()
            except AwsError as error:
                log.warning("not counted ahead: %s", error, extra={"scan": parent.key[1]})
                return None
            return min(total, source.max_objects or total)

        self._tasks[parent.uid] = asyncio.create_task(count(), name=f"count-{parent.key[1]}")

    def forget(self, uid: str) -> None:
        """Stop to count for a LogScan, or forget how many there were."""
        task = self._tasks.pop(uid, None)
        if task is not None:
            task.cancel()

    def close(self) -> None:
        """Stop all."""
        for uid in list(self._tasks):
            self.forget(uid)
