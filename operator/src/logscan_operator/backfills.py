"""What a LogScan of a prefix needs next: a pure function of what is known of it and of the LogScans that work for it.

It scans nothing itself. Its keys are listed page by page, and LogScans that it owns scan the objects of each page. What
its status says is the truth about it (`logscan_api.statuses.Listing`):

- Only LogScans that the status names run. One write names those of a page and moves the cursor past it, after they were
  created. So each key is in one LogScan that runs, or was counted as skipped, by the write that moved the cursor.
- One write adds what a finished LogScan found and takes its name away. The number of its page is never used again, so
  it is never named again: it is counted once.
- One that is not named is deleted: it never ran, since its page was not written, or it is counted already.

Each write is for the status as it was read (`writer`), so two of them never follow from the same one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from logscan_api.exitcodes import Reason
from logscan_api.statuses import ListedChild, LogScanStatus, Phase
from logscan_operator import families, statuses, sums
from logscan_operator.conditions import Verdict
from logscan_operator.items import Scan
from logscan_operator.listings import PARALLELISM


@dataclass(frozen=True)
class Known:
    """What the lister knows of a LogScan of a prefix beside the cluster.

    Attributes:
        expected: How many objects there are, if they were counted ahead.
        page: Names of LogScans that are being created, and are not named in the status yet.
        gone: Names of LogScans that the API server does not have.
    """

    expected: int | None = None
    page: Collection[str] = frozenset()
    gone: Collection[str] = frozenset()


@dataclass(frozen=True)
class Step:
    """What is to be done, in this order.

    Attributes:
        drop: LogScans to delete.
        missing: LogScans that are named and not known: whether they are gone must be asked.
        status: The status to write, or None if it is as it should be.
        lists: Whether the next page is to be listed; what it holds goes into the same write.
    """

    drop: Sequence[Scan] = ()
    missing: Sequence[ListedChild] = ()
    status: LogScanStatus | None = None
    lists: bool = False

    @property
    def idle(self) -> bool:
        """Return whether there is nothing to do."""
        return not (self.drop or self.missing or self.status or self.lists)


@dataclass
class _Found:
    """The named LogScans: finished, gone, not known, or still at work."""

    ended: list[tuple[ListedChild, Scan | None]] = field(default_factory=list)
    missing: list[ListedChild] = field(default_factory=list)
    busy: int = 0


def next_step(parent: Scan, children: Sequence[Scan], known: Known, now: datetime) -> Step:
    """Return what a LogScan of a prefix needs now.

    Args:
        parent: The LogScan.
        children: All LogScans that work for it, named or not.
        known: What is known of it beside.
        now: The time.
    """
    if parent.deleting:
        return Step()  # garbage collection deletes the others with it
    if parent.spec is None:
        return Step(drop=_present(children)) if parent.finished else Step()
    if parent.reopened:
        return Step(status=statuses.reopened(parent, now))
    if parent.spec.cancel:
        return Step(status=ended(parent, Verdict(Phase.CANCELLED, Reason.CANCELLED, "spec.cancel is set"), now))
    drop = _unnamed(parent, children, known)
    found = _look(parent, children, known)
    status = parent.status
    for named, child in found.ended:
        status = sums.with_result(status, named, child)
    if parent.spec.suspend:
        return Step(drop, found.missing, _if_new(parent, _suspended(parent, status, known, now)))
    resumed = parent.status.phase is Phase.SUSPENDED
    status = sums.measured_anew(status, now) if resumed and status.listing else status
    listing = sums.listing_of(status)
    lists = not listing.complete and found.busy + len(found.missing) < _parallelism(parent)
    news = status is not parent.status or resumed or _is_news(parent, known)
    return Step(drop, found.missing, said(parent, status, known.expected, now) if news else None, lists)


def said(parent: Scan, status: LogScanStatus, expected: int | None, now: datetime) -> LogScanStatus:
    """Return a status with its phase, conditions and progress; a final one once nothing is left to do.

    Args:
        parent: The LogScan of the prefix.
        status: Its status, with what was listed and counted.
        expected: How many objects there are, if they were counted ahead.
        now: The time.
    """
    status = sums.with_progress(status, expected, now)
    listing, counts = sums.listing_of(status), sums.objects_of(status)
    now_parent = replace(parent, status=status)
    if listing.complete and not listing.children:
        return statuses.finished(now_parent, _conclusion(parent, status), now, status.summary)
    left = f", about {listing.remaining} left" if listing.remaining else ""
    message = f"{counts.progress} objects are finished{left}"
    return statuses.listing(now_parent, Verdict(Phase.RUNNING, Reason.BACKFILLING, message), now)


def ended(parent: Scan, verdict: Verdict, now: datetime) -> LogScanStatus:
    """Return a final status before all is done; LogScans that still work are named no more, and deleted."""
    status = parent.status
    if status.listing is not None:
        listing = status.listing.model_copy(update={"children": None, "remaining": None})
        status = status.model_copy(update={"listing": listing})
    return statuses.finished(replace(parent, status=status), verdict, now, status.summary)


def waiting(parent: Scan, status: LogScanStatus, reason: Reason, message: str, now: datetime) -> LogScanStatus:
    """Return a status that says why no more keys are listed for now."""
    return statuses.listing(replace(parent, status=status), Verdict(Phase.QUEUED, reason, message), now)


def _suspended(parent: Scan, status: LogScanStatus, known: Known, now: datetime) -> LogScanStatus:
    if status is not parent.status or _is_news(parent, known):
        status = sums.with_progress(status, known.expected, now)
    verdict = Verdict(Phase.SUSPENDED, Reason.SUSPENDED, "spec.suspend is set")
    return statuses.listing(replace(parent, status=status), verdict, now)


def _if_new(parent: Scan, status: LogScanStatus) -> LogScanStatus | None:
    return None if statuses.same(parent.status, status) else status


def _is_news(parent: Scan, known: Known) -> bool:
    """Return whether the status lacks something that changes only now and then: the count ahead, a newer spec."""
    status = parent.status
    if status.listing is None:
        return False
    counted = known.expected is not None and status.listing.expected is None and not status.listing.complete
    return counted or (status.listing.cursor is not None and status.observed_generation != parent.generation)


def _parallelism(parent: Scan) -> int:
    return parent.readable_spec.source.s3.parallelism or PARALLELISM


def _unnamed(parent: Scan, children: Sequence[Scan], known: Known) -> list[Scan]:
    """Return what is to be deleted: what the status does not name, unless this process is about to name it."""
    listing = sums.listing_of(parent.status)
    names = families.named(parent)
    return [
        child
        for child in _present(children)
        if child.key[1] not in names
        and not (child.parent is not None and child.parent.page > listing.pages and child.key[1] in known.page)
    ]


def _present(children: Sequence[Scan]) -> list[Scan]:
    return [child for child in children if not child.deleting]


def _look(parent: Scan, children: Sequence[Scan], known: Known) -> _Found:
    """Return how the named LogScans are."""
    found, by_name = _Found(), {child.key[1]: child for child in children}
    for named in sums.listing_of(parent.status).children or []:
        child = by_name.get(named.name)
        if child is None and named.name in known.gone:
            found.ended.append((named, None))
        elif child is None:
            found.missing.append(named)
        elif child.finished:
            found.ended.append((named, child))
        else:
            found.busy += 1
    return found


def _conclusion(parent: Scan, status: LogScanStatus) -> Verdict:
    """Return how a scan of a prefix ended, once all LogScans that worked for it are counted."""
    listing, counts = sums.listing_of(status), sums.objects_of(status)
    source, summary = parent.readable_spec.source.s3, status.summary or sums.NO_SUMMARY
    if not listing.keys:
        where = f"s3://{source.bucket}/{source.prefix or ''}"
        message = f"no object under {where}: check the bucket and the prefix"
        if source.inventory is not None:
            message = f"the inventory {source.inventory.manifest_key} has no object under {where}: check both"
        return Verdict(Phase.FAILED, Reason.OBJECT_NOT_FOUND, message)
    if counts.failed and counts.failed == counts.total and counts.failures:
        first = counts.failures[0]
        reason = Reason(first.reason) if first.reason in set(Reason) else Reason.JOB_FAILED  # of a newer scanner
        return Verdict(Phase.FAILED, reason, f"none of {counts.total} objects could be read; the first: {first.key}")
    found = f"{summary.matched_lines} of {summary.lines} lines matched in {counts.done} of {counts.total} objects"
    if listing.unreadable:
        found += f"; {listing.unreadable} rows of the inventory cannot be read"
    skipped = {"no LogScanPolicy matches": listing.unmatched, "a LogScanPolicy ignores": listing.ignored}
    found += "".join(f"; {number} skipped, which {why}" for why, number in skipped.items() if number)
    if summary.incomplete:
        found += f"; incomplete: {', '.join(sorted({part.reason for part in summary.incomplete}))}"
    return Verdict(Phase.SUCCEEDED, Reason.COMPLETED, found)
