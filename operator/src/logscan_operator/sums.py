"""What the status of a LogScan of a prefix says once a page is listed, and once one of its LogScans is finished. Pure.

Each function returns a whole status, which is written with the resourceVersion that it was made from: so each step
happens once, or not at all. `docs/backfills.md` says why no key is lost and none is counted twice.
"""

from collections import Counter
from datetime import datetime
from typing import Any

from logscan_api.exitcodes import Reason
from logscan_api.incomplete import Incomplete, IncompleteReason
from logscan_api.rules import Severity
from logscan_api.statuses import (
    MOST_FAILURES,
    FailedObject,
    ListedChild,
    Listing,
    LogScanStatus,
    ObjectCounts,
    Phase,
    RuleCount,
    Summary,
)
from logscan_operator.items import Scan, parse_time
from logscan_operator.listings import Page, Part
from logscan_operator.statuses import duration, stamp

TOP_RULES = 10
SHOWN_INCOMPLETE = 4
NOTHING = ObjectCounts(total=0, done=0, skipped=0, failed=0)
NO_SUMMARY = Summary(bytes=0, decompressed_bytes=0, lines=0, matched_lines=0, by_severity={}, top_rules=[])


def listing_of(status: LogScanStatus) -> Listing:
    """Return how far a prefix has been listed."""
    return status.listing or Listing()


def objects_of(status: LogScanStatus) -> ObjectCounts:
    """Return what became of the objects."""
    return status.objects or NOTHING


def with_page(status: LogScanStatus, page: Page, parts: dict[str, Part], now: datetime) -> LogScanStatus:
    """Return a status that moves the cursor past a page and names the LogScans that scan its objects.

    Args:
        status: The status before.
        page: The page; it begins at the cursor.
        parts: What each of these LogScans scans, by its name.
        now: The time.
    """
    listing, counts = listing_of(status), objects_of(status)
    children = [ListedChild(name=n, objects=len(part.objects), bytes=part.bytes) for n, part in parts.items()]
    changes: dict[str, Any] = {
        "cursor": page.through or listing.cursor,
        "complete": page.complete,
        "pages": listing.pages + 1,
        "keys": listing.keys + page.keys,
        "objects": listing.objects + page.objects,
        "bytes": listing.bytes + page.bytes,
        "unmatched": listing.unmatched + page.unmatched,
        "ignored": listing.ignored + page.ignored,
        "unreadable": (listing.unreadable or 0) + page.unreadable or None,
        "children": [*(listing.children or []), *children] or None,
        "since": listing.since or stamp(now),
        "before": listing.before or 0,
    }
    skipped = counts.skipped + page.skipped
    after = {
        "listing": listing.model_copy(update=changes),
        "objects": counts.model_copy(update={"skipped": skipped}),
        "start_time": status.start_time or stamp(now),
    }
    reasons = {IncompleteReason.MAX_OBJECTS: page.capped, IncompleteReason.UNREADABLE_ROWS: page.unreadable}
    incomplete = [Incomplete(reason=str(reason)) for reason, is_so in reasons.items() if is_so]
    if incomplete:
        after["summary"] = _with_incomplete(status.summary or NO_SUMMARY, incomplete)
    return status.model_copy(update=after)


def with_result(status: LogScanStatus, named: ListedChild, child: Scan | None) -> LogScanStatus:
    """Return a status that counts what one of the named LogScans found, and names it no more.

    Args:
        status: The status before.
        named: The LogScan as it is named there.
        child: The LogScan as it ended; None if somebody has deleted it.
    """
    listing = listing_of(status)
    rest = [other for other in listing.children or [] if other.name != named.name]
    said = child.status if child is not None else LogScanStatus(reason=Reason.JOB_LOST)
    changes = {"children": rest or None, "bytes_done": listing.bytes_done + named.bytes}
    summary = status.summary or NO_SUMMARY
    counts = _counts(named, said, succeeded=said.phase is Phase.SUCCEEDED)
    summary = _sum(summary, said.summary) if said.summary is not None else summary
    if counts.failed:
        summary = _with_incomplete(summary, [Incomplete(reason=str(IncompleteReason.OBJECTS_FAILED))])
    return status.model_copy(
        update={
            "listing": listing.model_copy(update=changes),
            "objects": _added(objects_of(status), counts),
            "summary": summary,
        }
    )


def with_progress(status: LogScanStatus, expected: int | None, now: datetime) -> LogScanStatus:
    """Return a status that says how much is done of how much.

    Args:
        status: The status before.
        expected: How many objects there are, if that was counted ahead.
        now: The time.
    """
    listing, counts = listing_of(status), objects_of(status)
    expected = listing.objects if listing.complete else expected or listing.expected
    total = max(listing.objects, expected or 0)
    known = expected is not None
    changes: dict[str, Any] = {
        "expected": expected,
        "percent": counts.finished * 100 // total if known and total else 100 if listing.complete else None,
        "remaining": _remaining(listing, counts.finished, total, now) if known else None,
    }
    progress = f"{counts.finished}/{total}{'' if known else '+'}"
    return status.model_copy(
        update={
            "listing": listing.model_copy(update=changes),
            "objects": counts.model_copy(update={"total": total, "progress": progress}),
        }
    )


def measured_anew(status: LogScanStatus, now: datetime) -> LogScanStatus:
    """Return a status whose estimate of the time left starts from now: nothing was done meanwhile."""
    changes = {"since": stamp(now), "before": objects_of(status).finished, "remaining": None}
    return status.model_copy(update={"listing": listing_of(status).model_copy(update=changes)})


def _remaining(listing: Listing, finished: int, total: int, now: datetime) -> str | None:
    """Return how long what is left takes at the speed so far, for people; None while that is not known."""
    done = finished - (listing.before or 0)
    if listing.since is None or done <= 0 or finished >= total:
        return None
    since = parse_time(listing.since)
    return duration(now, now + (now - since) * (total - finished) / done)


def _counts(named: ListedChild, said: LogScanStatus, *, succeeded: bool) -> ObjectCounts:
    """Return what became of the objects of a LogScan; those of which nobody knows have failed with it."""
    counts = said.objects or NOTHING.model_copy(update={"done": named.objects if succeeded else 0})
    lost = max(named.objects - counts.finished, 0)
    if not lost:
        return counts
    failure = FailedObject(key=said.object or named.name, reason=str(said.reason or Reason.INTERNAL_ERROR))
    failures = [*(counts.failures or []), failure]
    return counts.model_copy(update={"failed": counts.failed + lost, "failures": failures})


def _added(total: ObjectCounts, part: ObjectCounts) -> ObjectCounts:
    failures = [*(total.failures or []), *(part.failures or [])][:MOST_FAILURES]
    return total.model_copy(
        update={
            "done": total.done + part.done,
            "skipped": total.skipped + part.skipped,
            "failed": total.failed + part.failed,
            "failures": failures or None,
        }
    )


def _sum(total: Summary, part: Summary) -> Summary:
    """Return what was found in all; of rules as many as fit, as far as the parts name them."""
    rules: Counter[tuple[str, str]] = Counter()
    for found in (*total.top_rules, *part.top_rules):
        rules[found.rule, found.severity] += found.lines
    top = [RuleCount(rule=r, severity=s, lines=lines) for (r, s), lines in rules.most_common(TOP_RULES)]
    severities = {
        severity: total.by_severity.get(severity, 0) + part.by_severity.get(severity, 0)
        for severity in {**total.by_severity, **part.by_severity}
    }
    return _with_incomplete(
        Summary(
            bytes=total.bytes + part.bytes,
            decompressed_bytes=total.decompressed_bytes + part.decompressed_bytes,
            lines=total.lines + part.lines,
            matched_lines=total.matched_lines + part.matched_lines,
            worst_severity=_worst(total.worst_severity, part.worst_severity),
            by_severity=severities,
            top_rules=top,
            incomplete=total.incomplete,
        ),
        part.incomplete or [],
    )


def _with_incomplete(summary: Summary, more: list[Incomplete]) -> Summary:
    """Return a summary with further parts that were not read, each reason of a rule once."""
    found = {(part.reason, part.rule): part for part in [*more, *(summary.incomplete or [])]}
    known = [(part.reason, part.rule) for part in summary.incomplete or []]
    order = [*known, *(key for key in found if key not in known)]
    return summary.model_copy(update={"incomplete": [found[key] for key in order][:SHOWN_INCOMPLETE] or None})


def _worst(*severities: str | None) -> str | None:
    ranks = {str(severity): severity.rank for severity in Severity}
    return max(filter(None, severities), key=lambda severity: ranks.get(severity, -1), default=None)
