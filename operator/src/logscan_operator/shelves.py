"""The keys under a prefix, one after the other, fetched a thousand at a time."""

import asyncio
import time
from collections import deque
from typing import Protocol

from logscan_operator.listings import Listed, Page, Pager

# How long keys are looked at before others get their turn. The keys of one answer, against many globs, take longer.
SLICE_SECONDS = 0.005


class Bucket(Protocol):
    """Lists keys; see `aws.Buckets`."""

    async def listed(self, bucket: str, prefix: str, after: str | None) -> tuple[list[Listed], bool]:
        """Return the next keys, and whether more follow."""


class Shelf:
    """The keys after a cursor, in order.

    Attributes:
        after: The last key that was taken.
    """

    def __init__(self, source: Bucket, bucket: str, prefix: str, after: str | None, lists: asyncio.Semaphore) -> None:
        """Fetch nothing yet.

        Args:
            source: Where keys come from.
            bucket: The bucket.
            prefix: What the keys begin with.
            after: The cursor.
            lists: Bounds how many answers are fetched at the same time.
        """
        self.after = after
        self._source = source
        self._bucket = bucket
        self._prefix = prefix
        self._lists = lists
        self._fetched = after
        self._entries: deque[Listed] = deque()
        self._ended = False

    async def peek(self) -> Listed | None:
        """Return the next entry, which stays; None at the end.

        Raises:
            AwsError: It could not be fetched.
        """
        while not self._entries and not self._ended:
            async with self._lists:
                entries, more = await self._source.listed(self._bucket, self._prefix, self._fetched)
            self._entries.extend(entries)
            self._ended = not more or not entries
            self._fetched = entries[-1].key if entries else self._fetched
        return self._entries[0] if self._entries else None

    def pop(self) -> None:
        """Take the next entry, which `peek` has returned."""
        self.after = self._entries.popleft().key


async def fill(pager: Pager, shelf: Shelf) -> Page:
    """Return a page that holds as much of a shelf as fits.

    Raises:
        AwsError: The shelf's next keys could not be fetched.
    """
    turn = time.perf_counter()
    while (entry := await shelf.peek()) is not None:
        if not pager.take(entry):
            return pager.page
        shelf.pop()
        if time.perf_counter() - turn > SLICE_SECONDS:
            await asyncio.sleep(0)
            turn = time.perf_counter()
    pager.page.complete = True
    return pager.page
