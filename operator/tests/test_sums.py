"""What the status of a LogScan of a prefix adds up, and how large it gets."""

from dataclasses import replace
from datetime import timedelta

import pytest
from objects import NOW, scan_body, stamp

from logscan_api.exitcodes import Reason
from logscan_api.incomplete import Incomplete
from logscan_api.statuses import (
    FailedObject,
    ListedChild,
    Listing,
    LogScanStatus,
    ObjectCounts,
    Phase,
    RuleCount,
    Summary,
)
from logscan_operator import backfills, statuses, sums
from logscan_operator.items import Scan

MUCH = 2**52
PREFIX = {"s3": {"bucket": "logs", "prefix": "a" * 1024}}


def summary(severity: str, rule: str, lines: int) -> Summary:
    counted = [RuleCount(rule=rule, severity=severity, lines=lines)]
    return Summary(
        bytes=1,
        decompressed_bytes=2,
        lines=10,
        matched_lines=lines,
        worst_severity=severity,
        by_severity={severity: lines, "info": 0},
        top_rules=counted,
    )


def child(name: str, found: Summary, counts: ObjectCounts | None = None, phase: Phase = Phase.SUCCEEDED) -> Scan:
    status = LogScanStatus(phase=phase, reason="OutOfMemory", summary=found, objects=counts, object="app/1 and 1 more")
    return replace(Scan.parse(scan_body(name)), status=status)


def naming(*names: str) -> LogScanStatus:
    named = [ListedChild(name=name, objects=2, bytes=5) for name in names]
    return LogScanStatus(listing=Listing(children=named, objects=2 * len(names), since=stamp(), before=0))


def test_counts_and_rules_are_added_and_the_worst_severity_stays() -> None:
    status = naming("a", "b")
    first, second = status.listing.children or [] if status.listing else []
    status = sums.with_result(status, first, child("a", summary("critical", "x", 1)))
    status = sums.with_result(status, second, child("b", summary("warning", "x", 3)))
    found = status.summary
    assert found is not None
    assert (found.lines, found.matched_lines, found.worst_severity) == (20, 4, "critical")
    assert found.by_severity == {"critical": 1, "warning": 3, "info": 0}
    assert [(r.rule, r.severity, r.lines) for r in found.top_rules] == [("x", "warning", 3), ("x", "critical", 1)]
    assert status.listing is not None
    assert (status.listing.children, status.listing.bytes_done) == (None, 10)
    assert status.objects is not None
    assert status.objects.done == 4


def test_what_a_failed_one_did_counts_and_the_rest_has_failed_with_its_reason() -> None:
    status = naming("a")
    (named,) = status.listing.children or [] if status.listing else []
    counts = ObjectCounts(total=2, done=1, skipped=0, failed=0)
    status = sums.with_result(status, named, child("a", summary("error", "x", 1), counts, Phase.FAILED))
    assert status.objects is not None
    assert (status.objects.done, status.objects.failed) == (1, 1)
    assert status.objects.failures == [FailedObject(key="app/1 and 1 more", reason="OutOfMemory")]


@pytest.mark.parametrize(
    ("listed", "expected", "complete", "shown", "percent", "remaining"),
    [
        (100, None, False, "40/100+", None, None),
        (100, 400, False, "40/400", 10, "9m0s"),
        (100, None, True, "40/100", 40, "1m30s"),
        (0, None, True, "40/0", 100, None),
    ],
)
def test_progress_is_said_as_far_as_it_is_known(
    listed: int, expected: int | None, complete: bool, shown: str, percent: int | None, remaining: str | None
) -> None:
    listing = Listing(objects=listed, complete=complete, since=stamp(), before=0)
    status = LogScanStatus(listing=listing, objects=ObjectCounts(total=0, done=30, skipped=8, failed=2))
    after = sums.with_progress(status, expected, NOW + timedelta(seconds=60))
    assert after.objects is not None
    assert after.listing is not None
    assert (after.objects.progress, after.listing.percent, after.listing.remaining) == (shown, percent, remaining)


def test_an_interruption_does_not_count_as_slowness() -> None:
    listing = Listing(objects=100, complete=True, since=stamp(-(10**6)), before=0)
    status = LogScanStatus(listing=listing, objects=ObjectCounts(total=100, done=40, skipped=0, failed=0))
    resumed = sums.measured_anew(status, NOW)
    faster = resumed.model_copy(update={"objects": ObjectCounts(total=100, done=60, skipped=0, failed=0)})
    after = sums.with_progress(faster, None, NOW + timedelta(seconds=10))
    assert after.listing is not None
    assert after.listing.remaining == "20s"


def test_the_patch_of_a_status_removes_what_an_inner_object_no_longer_says() -> None:
    before, after = LogScanStatus(listing=Listing(remaining="5s", keys=1)), LogScanStatus(listing=Listing(keys=2))
    assert statuses.patch(before, after)["listing"]["remaining"] is None
    assert statuses.patch(before, after)["listing"]["keys"] == 2


def test_the_largest_status_is_below_nine_kibibytes() -> None:
    children = [ListedChild(name="p" * 28 + "-" + "f" * 16, objects=1000, bytes=MUCH) for _ in range(24)]
    counts = dict.fromkeys(["pages", "keys", "objects", "bytes", "bytes_done", "unmatched", "ignored", "before"], MUCH)
    texts = {"cursor": "k" * 1024, "remaining": "1000h59m", "since": stamp(), "percent": 99, "expected": MUCH}
    rule = RuleCount(rule="r" * 63, severity="critical", lines=MUCH)
    part = Incomplete(reason="MaxDecompressedBytes", rule="r" * 63, object="k" * 60)
    found = summary("critical", "r", MUCH).model_copy(update={"top_rules": [rule] * 10, "incomplete": [part] * 4})
    failures = [FailedObject(key="k" * 60, reason="UnsupportedFormat")] * 10
    status = LogScanStatus(
        listing=Listing.model_validate({**counts, **texts, "children": children}),
        objects=ObjectCounts(total=MUCH, done=MUCH, skipped=MUCH, failed=MUCH, failures=failures),
        summary=found,
        start_time=stamp(),
    )
    parent = replace(Scan.parse(scan_body("p" * 200, source=PREFIX, retry="r" * 63)), status=status)
    said = backfills.waiting(parent, status, Reason.QUOTA_EXCEEDED, "m" * 9999, NOW)
    assert len(said.model_dump_json(by_alias=True, exclude_none=True)) < 9 * 1024
