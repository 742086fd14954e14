"""The keys that a LogScan of a prefix is about, one after the other, fetched some hundreds at a time."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from logscan_api.roles import AssumedRole
from logscan_api.sources import S3Source
from logscan_operator.errors import InventoryError
from logscan_operator.inventoryfiles import InventoryKeys, Objects
from logscan_operator.items import Scan
from logscan_operator.listings import Listed, Page, Pager

# How long keys are looked at before others get their turn. The keys of one answer, against many globs, take longer.
SLICE_SECONDS = 0.005


class Bucket(Objects, Protocol):
    """Lists keys, and reads inventories of them; see `buckets.Buckets`."""

    def assuming(self, role: AssumedRole | None) -> "Bucket":
        """Return what does so in a role."""

    async def listed(self, bucket: str, prefix: str, after: str | None) -> tuple[list[Listed], bool]:
        """Return the next keys, and whether more follow."""


BucketOf = Callable[[Scan], Bucket]


class Entries(Protocol):
    """Gives entries in an order that is always the same."""

    async def following(self) -> tuple[list[Listed], bool]:
        """Return the next entries, which may be none, and whether more may follow.

        Raises:
            AwsError: They could not be fetched; the next call goes on.
        """


class BucketKeys:
    """The keys under a prefix after a cursor, as S3 lists them."""

    def __init__(self, buckets: Bucket, source: S3Source, cursor: str | None) -> None:
        """List nothing yet."""
        self._buckets = buckets
        self._bucket = source.bucket
        self._prefix = source.prefix or ""
        self._after = cursor

    async def following(self) -> tuple[list[Listed], bool]:
        """Return the next entries, and whether more follow.

        Raises:
            AwsError: S3 did not list them.
        """
        entries, more = await self._buckets.listed(self._bucket, self._prefix, self._after)
        self._after = entries[-1].key if entries else self._after
        return entries, more and bool(entries)


class Shelf:
    """The entries after a cursor, in order.

    Attributes:
        after: The cursor after the last that was taken.
    """

    def __init__(self, entries: Entries, after: str | None, lists: asyncio.Semaphore) -> None:
        """Fetch nothing yet.

        Args:
            entries: Where entries come from.
            after: The cursor.
            lists: Bounds how many answers are fetched at the same time.
        """
        self.after = after
        self._source = entries
        self._lists = lists
        self._entries: deque[Listed] = deque()
        self._ended = False

    async def peek(self) -> Listed | None:
        """Return the next entry, which stays; None at the end.

        Raises:
            AwsError: It could not be fetched.
        """
        while not self._entries and not self._ended:
            async with self._lists:
                entries, more = await self._source.following()
            self._entries.extend(entries)
            self._ended = not more
        return self._entries[0] if self._entries else None

    def pop(self) -> None:
        """Take the next entry, which `peek` has returned."""
        self.after = self._entries.popleft().cursor


class Turns:
    """Lets others have their turn again and again while entries are looked at."""

    def __init__(self, rest_seconds: float) -> None:
        """Begin.

        Args:
            rest_seconds: How long to rest at each turn of the others.
        """
        self._rest_seconds = rest_seconds
        self._began = time.perf_counter()

    async def give(self) -> None:
        """Rest if it is time for that."""
        if time.perf_counter() - self._began > SLICE_SECONDS:
            await asyncio.sleep(self._rest_seconds)
            self._began = time.perf_counter()


def shelf_of(
    buckets: Bucket, source: S3Source, after: str | None, lists: asyncio.Semaphore, verify: bool = True
) -> Shelf:
    """Return the entries of a source after a cursor.

    Args:
        buckets: What lists and reads.
        source: The prefix or the inventory.
        after: The cursor.
        lists: Bounds how many answers are fetched at the same time.
        verify: Whether the files of an inventory are verified before.
    """
    if source.inventory is None:
        return Shelf(BucketKeys(buckets, source, after), after, lists)
    return Shelf(InventoryKeys(buckets, source, after, verify), after, lists)


async def fill(pager: Pager, shelf: Shelf) -> Page:
    """Return a page that holds as much of a shelf as fits; or what comes before a file that cannot be used.

    Raises:
        AwsError: The shelf's next keys could not be fetched.
    """
    turns = Turns(0)
    try:
        while (entry := await shelf.peek()) is not None:
            if not pager.take(entry):
                return pager.page
            shelf.pop()
            await turns.give()
    except InventoryError:
        if not pager.page.keys:
            raise
        return pager.page
    pager.page.complete = True
    return pager.page
