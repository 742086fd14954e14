"""Which finished LogScans are deleted, and when; what is reported as an Event."""

import asyncio
from datetime import timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from objects import NOW, SETTINGS, in_namespace, scan_body, stamp, view_of

from logscan_api.statuses import LogScanStatus
from logscan_operator.cleanup import expired, shares
from logscan_operator.errors import ApiError
from logscan_operator.events import Pace, Recorder, build, worth_reporting
from logscan_operator.items import IDENTITY_LABEL, Object, Scan
from logscan_operator.leases import FencedApi
from logscan_operator.view import Unreadable, View

SUCCEEDED = {"phase": "Succeeded", "completionTime": stamp(-100)}
FAILED = {"phase": "Failed", "completionTime": stamp(-100)}


def names(view: View, age: float = 0, most: int = 99, **settings: int) -> list[str]:
    use = SETTINGS.model_copy(update=settings)
    return [scan.key[1] for scan in expired(view, use, NOW + timedelta(seconds=age), {}, most)]


def test_succeeded_and_failed_scans_have_their_own_time() -> None:
    view = view_of(scan_body("good", status=SUCCEEDED), scan_body("bad", status=FAILED))
    assert names(view, ttl_seconds=101) == []
    assert names(view, ttl_seconds=100) == ["good"]
    assert names(view, ttl_seconds=1000, failed_ttl_seconds=100) == ["bad"]


def test_a_scans_own_time_goes_first() -> None:
    view = view_of(scan_body("own", status=SUCCEEDED, ttlSecondsAfterFinished=500))
    assert names(view, ttl_seconds=1) == []
    assert names(view, age=400, ttl_seconds=10**6) == ["own"]


def test_never_means_never() -> None:
    view = view_of(
        scan_body("kept", status={**SUCCEEDED, "completionTime": stamp(-(10**6))}, ttlSecondsAfterFinished="never"),
        scan_body("other", status=SUCCEEDED),
    )
    assert names(view, age=10**9, ttl_seconds=10**10) == ["other"]
    assert names(view, max_finished=1) == [], "it does not count among those that are kept"
    assert names(view, max_finished=0) == ["other"]


def test_a_time_beyond_all_dates_ends_nothing() -> None:
    view = view_of(scan_body("far", status=SUCCEEDED, ttlSecondsAfterFinished=999_999_999_999_999))
    assert names(view, age=10**7) == []


def test_the_oldest_go_beyond_the_number_that_is_kept() -> None:
    bodies = [scan_body(f"s{n}", status={**SUCCEEDED, "completionTime": stamp(-n)}) for n in range(5)]
    assert names(view_of(*bodies), max_finished=3) == ["s4", "s3"]


def test_what_is_not_final_or_in_work_stays() -> None:
    view = view_of(scan_body("runs", status={"phase": "Running"}), scan_body("done", status=SUCCEEDED))
    assert names(view, max_finished=0) == ["done"]
    use = SETTINGS.model_copy(update={"max_finished": 0})
    assert expired(view, use, NOW, {("logscan", "done")}, 9) == []
    view.namespaces.lose("logscan", "403 Forbidden")
    assert names(view, max_finished=0) == []


def test_deletes_are_paced() -> None:
    bodies = [scan_body(f"s{n}", status=SUCCEEDED) for n in range(9)]
    assert len(names(view_of(*bodies), most=4, max_finished=0)) == 4


def test_a_pace_allows_a_burst_and_then_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("logscan_operator.events.time.monotonic", lambda: clock[0])
    pace = Pace(2, 3)
    assert [pace.allows() for _ in range(5)] == [True, True, True, False, False]
    clock[0] += 1
    assert [pace.allows() for _ in range(3)] == [True, True, False]


def by_intake(body: Object) -> Object:
    body["metadata"]["labels"] = {IDENTITY_LABEL: "x"}
    return body


@pytest.mark.parametrize(
    ("body", "after", "told"),
    [
        (scan_body(), {"phase": "Running", "attempts": 1}, ("Normal", "JobCreated")),
        (scan_body(), {"phase": "Succeeded"}, ("Normal", "Succeeded")),
        (scan_body(status={"phase": "Running"}), {"phase": "Running"}, None),
        (scan_body(), {"phase": "Failed", "reason": "AccessDenied"}, ("Warning", "AccessDenied")),
        (scan_body(), {"phase": "Queued", "reason": "Backoff", "retryTime": stamp()}, ("Warning", "Retrying")),
        (by_intake(scan_body()), {"phase": "Succeeded"}, None),
        (by_intake(scan_body()), {"phase": "Failed", "reason": "Evicted"}, ("Warning", "Evicted")),
        (scan_body(), {}, None),
    ],
)
def test_transitions_are_told_once_and_good_ones_only_to_those_who_look(
    body: Object, after: Object, told: tuple[str, str] | None
) -> None:
    assert worth_reporting(Scan.parse(body), LogScanStatus.model_validate(after)) == told


def test_an_event_is_about_its_scan() -> None:
    event = build(Scan.parse(scan_body()), "Normal", "Succeeded", "fine")
    assert event["involvedObject"]["uid"] == "uid-a"
    assert event["metadata"]["namespace"] == "logscan"


def test_nobody_pushes_out_the_history_of_others() -> None:
    junk = [
        in_namespace(scan_body(f"junk{n}", status={**FAILED, "completionTime": stamp(-50)}), "team-a")
        for n in range(20)
    ]
    ours = [scan_body(f"good{n}", status={**SUCCEEDED, "completionTime": stamp(-500 - n)}) for n in range(3)]
    gone = names(view_of(*junk, *ours), ttl_seconds=10**6, failed_ttl_seconds=10**6, max_finished=10)
    assert len(gone) == 13
    assert all(name.startswith("junk") for name in gone)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 50)), st.integers(0, 100))
def test_shares_are_fair(wanted: dict[str, int], total: int) -> None:
    found = shares(wanted, total)
    assert sum(found.values()) == min(total, sum(wanted.values())), "something is left over, or given twice"
    assert all(found[name] <= wanted[name] for name in wanted)
    short = [found[name] for name in wanted if found[name] < wanted[name]]
    assert all(share >= max(found.values()) - 1 for share in short), "another one got more"


class EventsApi:
    """Keeps Events as an API server does, until they are forgotten."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, Object]] = []
        self.kept: dict[str, Object] = {}

    async def request(self, method: str, path: str, body: Object, content_type: str = "") -> Object:
        self.writes.append((method, body))
        name = path.rpartition("/")[2] if method == "PATCH" else body["metadata"]["name"]
        if method == "PATCH" and name not in self.kept:
            raise ApiError(404, "NotFound", name)
        self.kept[name] = {**self.kept.get(name, {}), **body}
        return self.kept[name]


async def written(recorder: Recorder, *rounds: list[Unreadable]) -> None:
    """Report what is left out, round by round, and wait until it is written."""
    for left_out in rounds:
        recorder.report(left_out)
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})


async def test_what_is_left_out_is_reported_once_until_it_happens_again() -> None:
    api = EventsApi()
    recorder = Recorder(cast("FencedApi", api), 5)
    first, second = (Unreadable(("team-a", name), f"uid-{name}", "Job", "why") for name in "ab")
    await written(recorder, [first], [first], [first, second], [second], [first, second])
    assert [method for method, _ in api.writes] == ["POST", "POST", "PATCH"]
    told = {event["involvedObject"]["name"]: event for event in api.kept.values()}
    assert {name: event["count"] for name, event in told.items()} == {"a": 2, "b": 1}
    assert told["a"]["firstTimestamp"] <= told["a"]["lastTimestamp"]
    assert {(event["involvedObject"]["kind"], event["reason"]) for event in told.values()} == {("Job", "LeftOut")}


async def test_an_event_that_the_api_server_has_dropped_is_written_whole() -> None:
    api = EventsApi()
    recorder = Recorder(cast("FencedApi", api), 5)
    one = Unreadable(("team-a", "a"), "uid-a", "Job", "why")
    await written(recorder, [one], [])
    api.kept.clear()
    await written(recorder, [one], [], [one])
    (event,) = api.kept.values()
    assert (event["count"], event["reason"]) == (3, "LeftOut")
