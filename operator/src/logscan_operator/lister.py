"""Carries the LogScans of prefixes forward: lists keys, and creates and counts the LogScans that work for them.

Each has at most one task at a time, and what it does is decided anew each time from what the cluster says
(`backfills`).
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from logscan_api.exitcodes import Reason
from logscan_api.roles import assumed_role
from logscan_api.statuses import ListedChild, LogScanStatus, Phase
from logscan_operator import sums, tenancy
from logscan_operator.assuming import NOT_ASSUMED
from logscan_operator.backfills import Known, Step, ended, next_step, said, waiting
from logscan_operator.conditions import Verdict
from logscan_operator.counting import Counting
from logscan_operator.drafts import ChildConflictError, Drafts
from logscan_operator.errors import ApiError, AwsError, InventoryError, KubeError, NotLeadingError, described
from logscan_operator.items import Key, Scan, parse_time
from logscan_operator.leases import FencedApi
from logscan_operator.lookups import stored_scan
from logscan_operator.metrics import Metrics
from logscan_operator.refusals import refusal_of
from logscan_operator.resolving import listing_role
from logscan_operator.settings import Settings
from logscan_operator.shelves import Bucket
from logscan_operator.statuses import same, utc_now
from logscan_operator.turns import Turns
from logscan_operator.view import View
from logscan_operator.writer import Writer

PERIOD_SECONDS = 0.2
LISTS = 1  # answers of S3 that are read at the same time: each takes the interpreter from all else for a few ms
ACTIVE = 10  # LogScans of prefixes in a namespace whose keys are listed; the others wait
FIRST_SECONDS = 1.0
MOST_SECONDS = 60.0
UNEXPECTED_FAILURES = 5
# What S3 says of a bucket that no waiting changes; where something was listed already it is waited for all the same.
LASTING = {
    "InvalidBucketName": Reason.OBJECT_NOT_FOUND,
    "KeyTooLongError": Reason.OBJECT_NOT_FOUND,
    "NoSuchBucket": Reason.OBJECT_NOT_FOUND,
    "NoSuchKey": Reason.OBJECT_NOT_FOUND,
    "AccessDenied": Reason.ACCESS_DENIED,
    NOT_ASSUMED: Reason.ROLE_NOT_ASSUMED,
    "InvalidInventory": Reason.INVALID_INVENTORY,
}

log = logging.getLogger("logscan.lister")


@dataclass
class _Rest:
    """Until when one is left alone, by the lister's clock, and how often in a row something failed."""

    until: float = 0.0
    failures: int = 0
    unexpected: int = 0

    def longer(self, clock: float) -> None:
        """Leave it alone for a while, longer each time."""
        self.failures += 1
        self.until = clock + min(FIRST_SECONDS * 2 ** min(self.failures - 1, 10), MOST_SECONDS)


class Lister:
    """Works until cancelled."""

    def __init__(
        self,
        view: View,
        api: FencedApi,
        buckets: Bucket,
        settings: Settings,
        metrics: Metrics,
        alive: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Do nothing yet.

        Args:
            view: What is known.
            api: Where LogScans are created and deleted, and statuses written.
            buckets: Where keys come from.
            settings: The operator's settings.
            metrics: Where numbers go.
            alive: Called whenever the loop makes progress.
            clock: Returns seconds that only grow.
        """
        self._view = view
        self._api = api
        self._settings = settings
        self._metrics = metrics
        self._alive = alive
        self._clock = clock
        self._writer = Writer(view, api, settings, metrics)
        lists = asyncio.Semaphore(LISTS)
        self._buckets = buckets
        self._counting = Counting(self._bucket_of, lists)
        turns = Turns(settings.backfill_objects_per_second, clock)
        self._drafts = Drafts(view, api, self._bucket_of, lists, turns)
        self._rests: dict[str, _Rest] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look at all LogScans of prefixes again and again, and give each a task that needs something."""
        try:
            while True:
                self._alive()
                self.look(utc_now())
                await asyncio.sleep(PERIOD_SECONDS)
        finally:
            self._counting.close()
            for task in self._tasks.values():
                task.cancel()

    def look(self, now: datetime) -> "list[asyncio.Task[None]]":
        """Start what is to be done now; return the tasks that are under way."""
        if not self._view.settled:
            return []
        parents = [parent for parent in self._view.families.parents() if self._view.synced_in(parent.key[0])]
        self._forget({parent.uid for parent in parents if not parent.finished})
        listing, clock = _active(parents), self._clock()
        for parent in parents:
            rest = self._rests.setdefault(parent.uid, _Rest())
            if parent.uid in self._tasks or rest.until > clock:
                continue
            step = self._step(parent, now)
            if step.lists and self._drafts.waits(parent):
                step = replace(step, lists=False)
            if not step.idle:
                task = asyncio.create_task(self._perform(parent, step, parent.key in listing, now))
                self._tasks[parent.uid] = task
                task.add_done_callback(lambda _, uid=parent.uid: self._tasks.pop(uid, None))  # type: ignore[misc]
        return list(self._tasks.values())

    def _step(self, parent: Scan, now: datetime, gone: frozenset[str] = frozenset()) -> Step:
        known = Known(self._counting.expected(parent), self._drafts.names(parent), gone)
        return next_step(parent, self._view.families.children(parent), known, now)

    def _forget(self, present: set[str]) -> None:
        for uid in [uid for uid in self._rests if uid not in present and uid not in self._tasks]:
            self._counting.forget(uid)
            self._drafts.forget(uid)
            del self._rests[uid]

    async def _perform(self, parent: Scan, step: Step, lists: bool, now: datetime) -> None:
        """Carry a step out; whatever goes wrong, it is decided anew after a while."""
        rest, facts = self._rests[parent.uid], {"scan": parent.key[1], "namespace": parent.key[0]}
        clock = self._clock()
        try:
            await self._advance(parent, step, lists, now)
            rest.failures = rest.unexpected = 0
        except NotLeadingError:
            rest.until = clock + FIRST_SECONDS
        except (KubeError, AwsError, ChildConflictError) as error:
            log.warning("not done, will be tried again: %s", described(error), extra=facts)
            rest.longer(clock)
            with suppress(KubeError):
                await self._say(parent, error, now)
        except Exception as error:
            log.error("unexpected error with a prefix", extra=facts, exc_info=error)
            self._metrics.unexpected_errors.labels("Backfill").inc()
            rest.longer(clock)
            rest.unexpected += 1
            if rest.unexpected >= UNEXPECTED_FAILURES:
                message = f"unexpected error, {UNEXPECTED_FAILURES} times in a row: {described(error)}"
                with suppress(KubeError):
                    await self._end(parent, Verdict(Phase.FAILED, Reason.INTERNAL_ERROR, message), now)

    async def _advance(self, parent: Scan, step: Step, lists: bool, now: datetime) -> None:
        """Carry a step out.

        Raises:
            KubeError, AwsError, ChildConflictError: It was done in part, or not at all.
        """
        for child in step.drop:
            await self._writer.delete_scan(child)
            self._view.scans.forget(child.key)
        if step.missing:
            gone = [named.name for named in step.missing if not await self._is_there(parent, named)]
            step = self._step(parent, now, frozenset(gone))
        status = step.status or parent.status
        denied = self._refusal(parent) if step.lists else None
        if denied is not None:
            await self._end(parent, Verdict(Phase.FAILED, Reason.NOT_ALLOWED, denied), now)
        elif step.lists and lists:
            await self._write(parent, await self._with_next_page(parent, status, step, now))
        elif step.lists and not sums.listing_of(status).children:
            message = f"{ACTIVE} LogScans of prefixes are listed in the namespace, which come first"
            await self._write(parent, waiting(parent, status, Reason.BACKFILL_LIMIT, message, now))
        else:
            await self._write(parent, status)

    def _refusal(self, parent: Scan) -> str | None:
        """Return why the keys of a LogScan may not be listed, or None if they may."""
        refusal = tenancy.bucket_refusal(parent, self._settings)
        return refusal or tenancy.role_refusal(parent, self._role_arn(parent), self._settings)

    def _role_arn(self, parent: Scan) -> str | None:
        return listing_role(parent.readable_spec, self._view.policies_in(parent.key[0]))

    def _bucket_of(self, parent: Scan) -> Bucket:
        """Return what lists and reads for a LogScan of a prefix, in the role that it has for that."""
        prefix, (namespace, name) = self._settings.external_id_prefix, parent.key
        return self._buckets.assuming(assumed_role(self._role_arn(parent), prefix, namespace, name))

    async def _with_next_page(self, parent: Scan, status: LogScanStatus, step: Step, now: datetime) -> LogScanStatus:
        """Return a status that names the LogScans of the next page, which are created before.

        If that fails, the other changes are written without the page. A page that waits for its turn is left out.
        """
        began = parse_time(status.start_time) if status.start_time else now
        try:
            created = await self._drafts.next_page(parent, status, began)
        except (KubeError, AwsError, ChildConflictError):
            if step.status is not None:
                await self._write(parent, step.status)
            raise
        if created is None:
            return status if status.start_time else self._before_its_turn(parent, status, now)
        return said(parent, sums.with_page(status, *created, began), self._counting.expected(parent), now)

    def _before_its_turn(self, parent: Scan, status: LogScanStatus, now: datetime) -> LogScanStatus:
        pace = f"{self._settings.backfill_objects_per_second:g}"
        message = f"objects of other prefixes come first: backfillObjectsPerSecond is {pace} for all of them"
        return waiting(parent, status, Reason.BACKFILL_LIMIT, message, now)

    async def _write(self, parent: Scan, status: LogScanStatus) -> None:
        """Write a status if it says something new; count what follows its cursor once that has moved."""
        if same(parent.status, status) or not await self._writer.write(parent, status):
            return
        newest = self._view.scans.get(parent.key)
        if newest is None or newest.uid != parent.uid or newest.finished or newest.status.start_time is None:
            return
        if sums.listing_of(newest.status).cursor is not None:
            self._counting.begin(newest, parse_time(newest.status.start_time))

    async def _is_there(self, parent: Scan, named: ListedChild) -> bool:
        """Return whether the API server has a LogScan that the view does not know."""
        body = await stored_scan(self._api, parent.key[0], named.name)
        if body is not None:
            self._view.scans.take(body)
        return body is not None

    async def _say(self, parent: Scan, error: Exception, now: datetime) -> None:
        """Write why a LogScan does not get on, if nothing works for it meanwhile; end it if waiting does not help."""
        newest = self._view.scans.get(parent.key)
        if newest is None or newest.uid != parent.uid or newest.finished or newest.spec is None:
            return
        listing = sums.listing_of(newest.status)
        if isinstance(error, AwsError) and error.code in LASTING and listing.cursor is None:
            await self._end(newest, Verdict(Phase.FAILED, LASTING[error.code], described(error)), now)
        elif not newest.spec.suspend and not newest.spec.cancel and not listing.children:
            refusal = refusal_of(error) if isinstance(error, ApiError) else None
            reason = Reason.INVALID_INVENTORY if isinstance(error, InventoryError) else Reason.BACKOFF
            reason = refusal.reason if refusal is not None else reason
            message = f"the next objects cannot be scanned now: {described(error)}"
            await self._write(newest, waiting(newest, newest.status, reason, message, now))

    async def _end(self, parent: Scan, verdict: Verdict, now: datetime) -> None:
        """Write the end of a LogScan of a prefix, as it is known now."""
        newest = self._view.scans.get(parent.key)
        if newest is not None and newest.uid == parent.uid and not newest.finished:
            await self._writer.write(newest, ended(newest, verdict, now))


def _active(parents: list[Scan]) -> set[Key]:
    """Return the LogScans of prefixes whose keys are listed: in each namespace some, those of the highest priority."""
    unfinished = [p for p in parents if p.spec is not None and not p.spec.suspend and not p.finished]
    unfinished.sort(key=lambda p: (-p.readable_spec.priority, p.created, p.key))
    counts: Counter[str] = Counter()
    found = set()
    for parent in unfinished:
        counts[parent.key[0]] += 1
        if counts[parent.key[0]] <= ACTIVE:
            found.add(parent.key)
    return found
