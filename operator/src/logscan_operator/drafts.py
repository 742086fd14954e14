"""Pages that are listed, and whose LogScans are created, before the status of their parent names them.

Kept in memory only. If the process ends before a page is named, the next one deletes those LogScans, which never ran,
and lists the keys again.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from logscan_api.statuses import Listing, LogScanStatus
from logscan_operator import paths, sums
from logscan_operator.children import children_of, same_child
from logscan_operator.errors import ApiError, KubeError
from logscan_operator.items import Object, Scan
from logscan_operator.leases import FencedApi
from logscan_operator.listings import Page, Pager, Part
from logscan_operator.lookups import stored_scan
from logscan_operator.shelves import BucketOf, Shelf, fill, shelf_of
from logscan_operator.turns import Turns
from logscan_operator.view import View


class ChildConflictError(Exception):
    """A LogScan has the name of one that is to be created, and is another one."""


@dataclass
class Draft:
    """What is kept of a LogScan of a prefix.

    Attributes:
        shelf: The keys after the cursor.
        page: The page that is yet to be named in the status.
        number: Its number.
        manifests: Its LogScans by name, with the part that each scans.
        has_turn: Whether they may be created.
    """

    shelf: Shelf | None = None
    page: Page | None = None
    number: int = 0
    manifests: dict[str, tuple[Object, Part]] = field(default_factory=dict)
    has_turn: bool = False

    def is_next(self, listing: Listing) -> bool:
        """Return whether the page is the one that follows."""
        return self.page is not None and (self.page.after, self.number) == (listing.cursor, listing.pages + 1)


class Drafts:
    """Makes the pages of all LogScans of prefixes."""

    def __init__(self, view: View, api: FencedApi, bucket_of: BucketOf, lists: asyncio.Semaphore, turns: Turns) -> None:
        """Make nothing yet.

        Args:
            view: Where policies are known, and new LogScans go at once.
            api: Where LogScans are created.
            bucket_of: Where the keys of a LogScan come from.
            lists: Bounds how many answers are fetched at the same time.
            turns: Says when the LogScans of a page may be created.
        """
        self._view = view
        self._api = api
        self._turns = turns
        self._bucket_of = bucket_of
        self._lists = lists
        self._drafts: dict[str, Draft] = {}

    def names(self, parent: Scan) -> frozenset[str]:
        """Return the LogScans of the page that is yet to be named."""
        draft = self._drafts.get(parent.uid)
        return frozenset(draft.manifests) if draft is not None else frozenset()

    def forget(self, uid: str) -> None:
        """Forget what is kept of a LogScan of a prefix."""
        self._drafts.pop(uid, None)
        self._turns.leave(uid)

    def waits(self, parent: Scan) -> bool:
        """Return whether the next page is listed but does not have its turn yet."""
        draft = self._drafts.get(parent.uid)
        if draft is None or draft.page is None or not draft.is_next(sums.listing_of(parent.status)):
            return False
        return not self._gets_turn(parent, draft, draft.page)

    def _gets_turn(self, parent: Scan, draft: Draft, page: Page) -> bool:
        draft.has_turn = draft.has_turn or self._turns.take(parent.uid, page.to_scan)
        return draft.has_turn

    async def next_page(
        self, parent: Scan, status: LogScanStatus, began: datetime
    ) -> tuple[Page, dict[str, Part]] | None:
        """List the page after the cursor and create its LogScans; return it, and what each of them scans, by name.

        Creates nothing and returns None until the page has its turn.

        Args:
            parent: The LogScan of the prefix.
            status: What its status is to be besides.
            began: When its run began.

        Raises:
            AwsError: The keys were not listed.
            KubeError: A LogScan was not created; the next call goes on with the same page.
            ChildConflictError: Another LogScan has the name of one of them.
        """
        draft, listing = self._drafts.setdefault(parent.uid, Draft()), sums.listing_of(status)
        page = draft.page
        if page is None or not draft.is_next(listing):
            page = await self._listed(parent, listing, draft, began)
        if not self._gets_turn(parent, draft, page):
            return None
        for manifest, _ in draft.manifests.values():
            await self._create(manifest)
        return page, {name: part for name, (_, part) in draft.manifests.items()}

    async def _listed(self, parent: Scan, listing: Listing, draft: Draft, began: datetime) -> Page:
        spec = parent.readable_spec
        source = spec.source.s3
        if draft.shelf is None or draft.shelf.after != listing.cursor:
            draft.shelf = shelf_of(self._bucket_of(parent), source, listing.cursor, self._lists)
        room = source.max_objects - listing.objects if source.max_objects is not None else None
        draft.page, draft.manifests, draft.has_turn = None, {}, False
        pager = Pager(spec, self._view.policies_in(parent.key[0]), began, listing.cursor, room)
        page = await fill(pager, draft.shelf)
        number = listing.pages + 1
        manifests = children_of(parent, await self._whole_spec(parent), page, number)
        draft.page, draft.number, draft.manifests = page, number, manifests
        return page

    async def _whole_spec(self, parent: Scan) -> Object:
        """Return all of a LogScan's spec as it is stored: the view keeps no more of a large one than it needs."""
        body = await self._stored(*parent.key)
        if body is not None and body["metadata"]["uid"] == parent.uid:
            spec: Object = body["spec"]
            return spec
        raise KubeError(f"the LogScan {parent.key[1]} is gone")

    async def _create(self, manifest: Object) -> None:
        """Create a LogScan, unless an earlier try has."""
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        try:
            self._view.scans.take(await self._api.request("POST", paths.scans(namespace), manifest))
            return
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        there = await self._stored(namespace, name)
        if there is not None and same_child(there, manifest):
            return
        raise ChildConflictError(f"a LogScan that the operator did not make has the name {name}: delete it")

    async def _stored(self, namespace: str, name: str) -> Object | None:
        """Return the LogScan of a name, if there is one; the view learns of it."""
        body = await stored_scan(self._api, namespace, name)
        if body is not None:
            self._view.scans.take(body)
        return body
