"""At most one message in a window, and every scan is in a message or counted in one, whoever is killed."""

from itertools import pairwise
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recipients import RESULT, channel, environment, request
from webhooks import Hook

from logscan_api import groups
from logscan_api.exitcodes import Reason
from logscan_api.notify import Channel, ChannelType, Notify
from logscan_api.requests import ScanRequest
from logscan_api.results import ScanResult
from logscan_api.rules import Severity
from logscan_scanner import aws
from logscan_scanner.reporting import notifying
from logscan_scanner.reporting.grouping import COUNTED, Group, Turn

SECONDS = 60
START = 1_000_000


@pytest.fixture
def results(cloud: Any) -> aws.Results:
    return aws.Results()


def group(
    results: aws.Results, uid: str, word: str = "error", channel: str = "channels/team", policy: str = "p"
) -> Group:
    return Group(groups.group_of("results", "n", policy, channel), uid, word, SECONDS, results)


def test_the_first_sends_the_second_waits_and_the_others_are_counted(results: aws.Results) -> None:
    assert group(results, "a").enter(START) == Turn(True)
    waiting = group(results, "b")
    assert waiting.enter(START + 1) == Turn(False, wakes=START + SECONDS)
    for uid, word in (("c", "critical"), ("d", "warning"), ("e", "warning"), ("f", groups.FAILED)):
        assert group(results, uid, word).enter(START + 2) == COUNTED
    assert waiting.wake(START + SECONDS) == Turn(True, {"critical": 1, "warning": 2, "failed": 1})
    assert group(results, "g").enter(START + SECONDS + 1) == Turn(False, wakes=START + 2 * SECONDS)
    assert group(results, "h").enter(START + 4 * SECONDS) == Turn(True), "whoever waited is gone"


def test_channels_and_policies_have_groups_of_their_own(results: aws.Results) -> None:
    assert group(results, "a").enter(START).sends
    assert group(results, "a", channel="channels/other").enter(START).sends
    assert group(results, "a", policy="q").enter(START).sends


def test_what_a_scan_counted_that_was_killed_is_in_the_next_message(results: aws.Results) -> None:
    group(results, "a").enter(START)
    group(results, "b").enter(START)
    group(results, "c", "critical").enter(START)
    late = START + SECONDS + groups.LEASE_SECONDS + 1
    assert group(results, "d").enter(late) == Turn(True, {"critical": 1})


def test_a_scan_that_is_tried_again_waits_again(results: aws.Results) -> None:
    group(results, "a").enter(START)
    for now in (START, START + 5):
        assert group(results, "b").enter(now) == Turn(False, wakes=START + SECONDS)
    assert group(results, "b").wake(START + SECONDS) == Turn(True), "and does not count itself"


STEPS = st.lists(
    st.tuples(st.sampled_from(["enter", "wake", "kill"]), st.integers(0, 90), st.sampled_from(groups.WORDS)),
    max_size=40,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_happens_no_scan_is_lost_and_no_window_has_two_messages(
    results: aws.Results, steps: list[tuple[str, int, str]]
) -> None:
    """Scans end, wake and are killed in any order; at last nobody is killed any more."""
    boto3.client("dynamodb").delete_item(TableName="results", Key={"pk": {"S": "n#G#p"}, "sk": {"S": "channels/team"}})
    now, sent, entered, killed, waiting = START, list[int](), 0, 0, list[tuple[int, Group]]()
    told = 0

    def take(turn: Turn, scan: Group) -> None:
        nonlocal told
        if turn.wakes is not None:
            waiting.append((turn.wakes, scan))
        elif turn.sends:
            sent.append(now)
            told += 1 + sum(turn.others.values())

    for number, (step, pause, word) in enumerate(steps):
        now += pause
        if step == "enter":
            entered += 1
            scan = group(results, str(number), word)
            take(scan.enter(now), scan)
        elif waiting and step == "wake":
            wakes, scan = waiting.pop(0)
            now = max(now, wakes)
            take(scan.wake(now), scan)
        elif waiting:
            waiting.pop(0)
            killed += 1
    while waiting:
        wakes, scan = waiting.pop(0)
        now = max(now, wakes)
        take(scan.wake(now), scan)
    now += 10 * SECONDS
    entered += 1
    scan = group(results, "last")
    take(scan.enter(now), scan)
    assert told == entered - killed, "each scan is in one message, but for those that are killed while they wait"
    assert all(later - earlier >= SECONDS for earlier, later in pairwise(sent))


def of_policy(uid: str, told: Channel) -> ScanRequest:
    wanted = request(Notify(channels=[told]))
    where = {"table": "results", "pk": f"n#O#logs#{uid}", "sk": "S#1"}
    return wanted.model_copy(
        update={
            "policy": "payments",
            "scan": wanted.scan.model_copy(update={"uid": uid}),
            "result": wanted.result.model_copy(update=where),
        }
    )


def test_a_burst_sends_a_message_and_one_that_counts_the_others(
    results: aws.Results, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of twelve scans that end at once, one waits for the end of the window; the clock is ours."""
    clock = [float(START)]
    monkeypatch.setattr(notifying, "time", lambda: clock[0])
    told = channel(ChannelType.WEBHOOK, "team").model_copy(update={"group_seconds": SECONDS})
    with environment({"LOGSCAN_CHANNEL_1_SECRET": hook.url}):
        notifying.notify_finished(of_policy("0", told), RESULT, stored(results, "0"))

        def others(seconds: float) -> None:
            """End ten scans while one waits."""
            if seconds < 1 or len(hook.posted) > 1:
                return
            monkeypatch.setattr(notifying, "sleep", lambda _seconds: None)
            for number in range(2, 12):
                uid = str(number)
                notifying.notify_finished(of_policy(uid, told), worse(number), stored(results, uid))
            clock[0] += seconds

        monkeypatch.setattr(notifying, "sleep", others)
        notifying.notify_finished(of_policy("1", told), mild(), stored(results, "1"))
    first, second = hook.posted
    assert "grouped" not in first
    assert second["grouped"] == {"scans": 10, "byVerdict": {"critical": 5, "error": 5}}
    assert (first["scan"]["uid"], second["scan"]["uid"]) == ("0", "1")
    notes = {uid: list(item(uid)) for uid in ("0", "1", "2")}
    assert notes["1"] == ["1/channels/team_sent_at"]
    assert notes["2"] == ["2/channels/team_grouped_at"]
    with environment({"LOGSCAN_CHANNEL_1_SECRET": hook.url}):
        notifying.notify_finished(of_policy("2", told), RESULT, results)
    assert len(hook.posted) == 2, "another attempt of a scan that is counted is not counted again"


def mild() -> ScanResult:
    return RESULT.model_copy(update={"by_severity": {Severity.WARNING: 1}})


def worse(number: int) -> ScanResult:
    return RESULT.model_copy(update={"by_severity": {Severity.CRITICAL if number % 2 else Severity.ERROR: 1}})


def stored(results: aws.Results, uid: str) -> aws.Results:
    """Store the row of a scan."""
    key = {"pk": {"S": f"n#O#logs#{uid}"}, "sk": {"S": "S#1"}}
    boto3.client("dynamodb").put_item(TableName="results", Item={**key, "notified": {"M": {}}})
    return results


def item(uid: str) -> Any:
    key = {"pk": {"S": f"n#O#logs#{uid}"}, "sk": {"S": "S#1"}}
    return boto3.client("dynamodb").get_item(TableName="results", Key=key)["Item"]["notified"]["M"]


def test_failures_are_grouped_too(results: aws.Results, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [float(START)]
    monkeypatch.setattr(notifying, "time", lambda: clock[0])
    monkeypatch.setattr(notifying, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    told = channel(ChannelType.WEBHOOK, "team").model_copy(update={"group_seconds": SECONDS, "when": "Failure"})
    with environment({"LOGSCAN_CHANNEL_1_SECRET": hook.url}):
        for uid in ("0", "1"):
            notifying.notify_failed(of_policy(uid, told), Reason.ACCESS_DENIED, "denied", results)
    assert clock[0] >= START + SECONDS, "the second waited"
    assert len(hook.posted) == 2


@pytest.mark.parametrize("kind", ChannelType)
def test_people_are_told_once_a_minute_and_machines_of_each_scan(kind: ChannelType) -> None:
    people = {ChannelType.EMAIL, ChannelType.SLACK, ChannelType.TEAMS, ChannelType.PAGERDUTY}
    told = Channel.model_construct(name="c", type=kind)
    assert told.window == (60 if kind in people else 0)
    assert told.model_copy(update={"group_seconds": 5}).window == 5


@pytest.mark.parametrize(("timeout", "waits"), [(3600, True), (100, False)])
def test_no_scan_waits_until_its_job_is_ended(
    results: aws.Results, hook: Hook, monkeypatch: pytest.MonkeyPatch, timeout: int, waits: bool
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(notifying, "sleep", slept.append)
    told = channel(ChannelType.WEBHOOK, "team").model_copy(update={"group_seconds": SECONDS})
    with environment({"LOGSCAN_CHANNEL_1_SECRET": hook.url}):
        for uid in ("0", "1"):
            wanted = of_policy(uid, told).model_copy(update={"timeout_seconds": timeout})
            notifying.notify_finished(wanted, RESULT, stored(results, uid))
    (seconds,) = slept
    assert (seconds > 30) == waits
    assert len(hook.posted) == 2, "its message leaves early instead"
