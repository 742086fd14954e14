"""From messages to LogScans: what is decided, in which order, and what happens to messages that fail."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from memory import DEFAULT, MemoryApi, MemoryQueue, handled, intake_of, message, newer
from objects import SETTINGS, in_namespace, scan_body, synced_view

from logscan_local.stack.aws import MAX_RECEIVES
from logscan_operator.aws import Message
from logscan_operator.circuit import TRIAL_NAME
from logscan_operator.errors import ApiError, AwsError, NotLeadingError
from logscan_operator.handling import backoff_seconds, grouped
from logscan_operator.intake import MOST_HANDLED, to_receive
from logscan_operator.items import Object
from logscan_operator.statuses import stamp_now


def test_backoff_doubles_up_to_five_minutes() -> None:
    assert [backoff_seconds(n) for n in (1, 2, 3, 100)] == [2, 4, 8, 300]


def test_the_documentation_says_when_a_message_becomes_a_dead_letter() -> None:
    """The same number of receives in Terraform, on one machine and in the text, and the hours that follow from it."""
    repository = Path(__file__).resolve().parents[2]
    variables = (repository / "terraform" / "variables.tf").read_text(encoding="utf-8")
    assert f"max_receives         = optional(number, {MAX_RECEIVES})" in variables
    minutes = round(sum(backoff_seconds(n) for n in range(1, MAX_RECEIVES + 1)) / 60)
    text = " ".join((repository / "docs" / "operations.md").read_text(encoding="utf-8").split())
    assert f"{MAX_RECEIVES} receives (`queue.max_receives`), {minutes} minutes" in text


def test_groups_keep_their_order() -> None:
    messages = [message(1, "a", "x"), message(2, "b", "y"), message(3, "a", "z")]
    assert [[m.id for m in group] for group in grouped(messages)] == [["m1", "m3"], ["m2"]]


def test_messages_are_deleted_once_their_scans_are_stored() -> None:
    queue = MemoryQueue([message(1, "a", "x"), message(2, "b", "y")])
    api, view = handled(queue)
    assert (sorted(api.created), sorted(queue.deleted)) == (["x", "y"], ["m1", "m2"])
    assert len(view.scans) == 2


def test_a_scan_that_was_there_and_is_gone_puts_the_message_off() -> None:
    queue = MemoryQueue([message(1, "a", "x")])
    handled(queue, {"x": ApiError(409, "AlreadyExists", "")})
    assert (queue.deleted, queue.hidden) == ([], [("m1", 2.0)])


def test_the_first_failure_holds_back_its_group_only() -> None:
    batch = [message(1, "a", "ok"), message(2, "a", "bad", 3), message(3, "a", "later"), message(4, "b", "other")]
    queue = MemoryQueue(batch)
    api, _ = handled(queue, {"bad": ApiError(500, "InternalError", "")})
    assert sorted(api.created) == ["ok", "other"]
    assert sorted(queue.deleted) == ["m1", "m4"]
    assert queue.hidden == [("m2", 8.0), ("m3", 8.0)]


def test_an_unreadable_message_is_left_for_the_dead_letter_queue() -> None:
    queue = MemoryQueue([message(1, "a"), message(2, "a", "later"), message(3, "b", "other")])
    api, _ = handled(queue)
    assert (api.created, queue.deleted) == (["other"], ["m3"])
    assert [one for one, _ in queue.hidden] == ["m1", "m2"]


def raw(number: int, *keys: str | None) -> Message:
    """Return S3's own notification of some objects; None is a record that cannot be read."""
    records = [
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "logs"}, "object": {"key": key}}} if key else {}
        for key in keys
    ]
    return Message(id=f"m{number}", receipt="r", body=json.dumps({"Records": records}), group=f"g{number}", receives=1)


def counted(queue: MemoryQueue, reason: str) -> float:
    assert queue.intake is not None
    value = queue.intake._metrics.registry.get_sample_value("logscan_messages_rejected_total", {"reason": reason})
    return value or 0


def test_one_bad_record_spoils_only_itself() -> None:
    queue = MemoryQueue([raw(1, "x", None, "y"), raw(2, "z")])
    api, _ = handled(queue)
    assert (sorted(api.created), queue.deleted, queue.hidden) == (["x", "y", "z"], ["m2"], [("m1", 1.0)])
    assert (counted(queue, "partly-malformed"), counted(queue, "malformed")) == (1, 0)


def test_what_is_understood_and_not_wanted_is_counted_and_deleted() -> None:
    test_event = Message(id="m1", receipt="r", body='{"Event": "s3:TestEvent"}', group="a", receives=1)
    queue = MemoryQueue([test_event, message(2, "b", "folder/")])
    api, _ = handled(queue)
    assert queue.intake is not None
    assert (api.created, queue.deleted) == ([], ["m1", "m2"])
    assert queue.intake._metrics.registry.get_sample_value("logscan_messages_ignored_total") == 2


def test_what_nobody_foresaw_is_left_and_the_others_go_on() -> None:
    queue = MemoryQueue([message(1, "a", "odd"), message(2, "b", "other")], [message(3, "c", "later")])
    api, _ = handled(queue, {"odd": ZeroDivisionError("odd")})
    assert (api.created, queue.deleted, queue.hidden) == (["other", "later"], ["m2", "m3"], [("m1", 2.0)])
    assert counted(queue, "unforeseen") == 1


def test_nested_json_is_left_for_the_dead_letter_queue() -> None:
    nested = Message(id="m1", receipt="r", body="[" * 100_000, group="a", receives=1)
    queue = MemoryQueue([nested, message(2, "b", "other")])
    assert handled(queue)[0].created == ["other"]
    assert (queue.deleted, counted(queue, "malformed")) == (["m2"], 1)


def test_in_an_outage_messages_go_back_at_once_and_none_is_received() -> None:
    """A receive call may be under way meanwhile, and no other follows; afterwards one message shows what is next."""
    queue = MemoryQueue([message(1, "a", "x"), message(2, "b", "y")], [], [message(1, "a", "x", 2)], [])
    down = ApiError(500, "InternalError", "failed calling webhook")
    api, view = MemoryApi({"x": down, "y": down, TRIAL_NAME: down}), synced_view()
    view.policies.take(DEFAULT)
    rounds: list[int] = []
    receive, hide, put_back = queue.receive, queue.hide, asyncio.Semaphore(0)

    async def long_poll(most: int) -> list[Message]:
        if len(queue.asked) == 1:
            for _ in range(2):
                await put_back.acquire()
        return await receive(most)

    async def noticed(messages: list[Message], seconds: float) -> list[str]:
        put_back.release()
        return await hide(messages, seconds)

    def recover_in_the_fifth_round() -> None:
        rounds.append(len(queue.asked))
        if len(rounds) == 5:
            assert intake._circuit.problem is not None
            api.refusals.clear()

    queue.receive, queue.hide = long_poll, noticed  # type: ignore[method-assign]
    intake = intake_of(queue, api, view, recover_in_the_fifth_round)
    asyncio.run(asyncio.wait_for(intake.run(), 20))
    assert queue.hidden == [("m1", 0.0), ("m2", 0.0)]
    assert rounds[2:5] == [2, 2, 2], "nothing is received meanwhile"
    assert (api.created, queue.deleted, queue.asked) == (["x"], ["m1"], [10, 10, 1, 2])
    assert (counted(queue, "outage"), intake._circuit.problem) == (2, None)


class SlowApi(MemoryApi):
    """An API server that answers when it is let to."""

    def __init__(self) -> None:
        super().__init__({})
        self.go = asyncio.Event()

    async def request(self, *arguments: Any, **more: Any) -> Object:
        """Wait, then answer."""
        await self.go.wait()
        return await super().request(*arguments, **more)


def test_messages_are_received_while_others_are_handled() -> None:
    """The API server answers nobody before all are received; the end of the intake waits for it."""
    queue, api, view = MemoryQueue([message(1, "a", "x")], [message(2, "b", "y")], []), SlowApi(), synced_view()
    view.policies.take(DEFAULT)
    receive = queue.receive

    async def answer_after_the_last(most: int) -> list[Message]:
        messages = await receive(most)
        if not queue.batches:
            api.go.set()
        return messages

    queue.receive = answer_after_the_last  # type: ignore[method-assign]
    asyncio.run(asyncio.wait_for(intake_of(queue, api, view).run(), 20))
    assert (sorted(api.created), sorted(queue.deleted)) == (["x", "y"], ["m1", "m2"])


def test_no_more_than_some_tens_of_messages_are_in_hand() -> None:
    tens = [[message(n, f"g{n}", f"k{n}") for n in range(first, first + 10)] for first in range(0, 100, 10)]
    queue, api, view, most = MemoryQueue(*tens), SlowApi(), synced_view(), list[int]()
    view.policies.take(DEFAULT)

    def answer_when_nothing_more_is_received() -> None:
        most.append(intake._handled.count)
        if most[-1] == MOST_HANDLED:
            api.go.set()

    intake = intake_of(queue, api, view, answer_when_nothing_more_is_received)
    asyncio.run(asyncio.wait_for(intake.run(), 20))
    assert max(most) == MOST_HANDLED
    assert (len(api.created), len(queue.deleted)) == (100, 100)


@pytest.mark.parametrize(
    ("allowed", "handled", "room", "expected"),
    [
        (10, 0, 1000, 10),
        (10, 30, 1000, 10),
        (10, 31, 1000, 0),  # too many in hand
        (10, 9, 9, 0),  # these may make as many LogScans as may be unfinished
        (10, 8, 9, 10),
        (1, 0, 1000, 1),
        (1, 1, 1000, 0),  # what becomes of that one is not known yet
        (8, 1, 1000, 0),
        (0, 0, 1000, 0),
    ],
)
def test_how_many_messages_are_received(allowed: int, handled: int, room: int, expected: int) -> None:
    assert to_receive(allowed, handled, room) == expected


def test_who_no_longer_leads_puts_its_messages_back_for_the_next() -> None:
    queue = MemoryQueue([message(1, "a", "x")])
    handled(queue, {"x": NotLeadingError()})
    assert (queue.deleted, queue.hidden) == ([], [("m1", 0.0)])


def test_nothing_is_received_before_there_is_a_policy() -> None:
    queue, api, view = MemoryQueue([message(1, "a", "x")]), MemoryApi({}), synced_view()
    problems: list[str | None] = []

    def install_in_the_second_round() -> None:
        problems.append(intake.problem)
        if len(problems) == 2:
            view.policies.take(DEFAULT)

    intake = intake_of(queue, api, view, install_in_the_second_round)
    asyncio.run(asyncio.wait_for(intake.run(), 20))
    assert problems == [None, "there is no LogScanPolicy in logscan: messages wait in the queue"]
    assert (api.created, queue.deleted, intake.problem) == (["x"], ["m1"], None)


def test_suspended_scans_and_those_of_other_namespaces_do_not_stop_the_intake() -> None:
    view = synced_view()
    view.policies.take(DEFAULT)
    for number in range(SETTINGS.max_unfinished):
        view.scans.take(scan_body(f"held-{number}", suspend=True))
        view.scans.take(in_namespace(scan_body(f"theirs-{number}"), "team-a"))
    queue, api = MemoryQueue([message(1, "a", "x")]), MemoryApi({})
    intake = intake_of(queue, api, view)
    asyncio.run(asyncio.wait_for(intake.run(), 20))
    assert (api.created, intake.pause) == (["x"], None)


def test_a_backlog_pauses_the_intake_and_says_so() -> None:
    view, pauses = synced_view(), list[str | None]()
    view.policies.take(DEFAULT)
    for number in range(SETTINGS.max_unfinished):
        view.scans.take(scan_body(f"waits-{number}"))

    def finish_one_in_the_second_round() -> None:
        pauses.append(intake.pause)
        if len(pauses) == 2:
            view.scans.take(newer(scan_body("waits-0", status={"phase": "Succeeded"})))

    queue, api, began = MemoryQueue([message(1, "a", "x")]), MemoryApi({}), stamp_now()
    intake = intake_of(queue, api, view, finish_one_in_the_second_round)
    asyncio.run(asyncio.wait_for(intake.run(), 20))
    assert pauses[0] is None
    said = re.fullmatch(r"(.*) \(since (.*)\)", str(pauses[1]))
    assert said is not None
    why, since = said.groups()
    assert why == "paused: 1000 LogScans in logscan are unfinished, and maxUnfinished is 1000"
    assert began <= since <= stamp_now()
    assert (api.created, intake.pause) == (["x"], None)


async def test_an_error_of_the_heartbeat_ends_nothing() -> None:
    """A queue that breaks in a way that nobody foresaw still gets the next heartbeat."""
    queue = MemoryQueue([])
    beats = asyncio.Event()
    calls = 0

    async def hide(messages: list[Message], seconds: float) -> list[str]:
        nonlocal calls
        calls += 1
        if calls == 2:
            beats.set()
        raise RuntimeError("no such thing")

    queue.hide = hide  # type: ignore[method-assign]
    intake = intake_of(queue, MemoryApi({}), synced_view(), visibility_seconds=0.03)
    beat = asyncio.create_task(intake._handling._keep_hidden([message(1, "a", "x")]))
    await asyncio.wait_for(beats.wait(), 20)
    assert not beat.done()
    beat.cancel()


def test_a_message_that_arrives_as_the_last_policy_goes_waits_for_the_next() -> None:
    queue, view = MemoryQueue([message(1, "a", "x")]), synced_view()
    view.policies.take(DEFAULT)
    receive = queue.receive

    async def policy_deleted_meanwhile(most: int) -> list[Message]:
        messages = await receive(most)
        view.policies.drop(DEFAULT)
        return messages

    queue.receive = policy_deleted_meanwhile  # type: ignore[method-assign]
    asyncio.run(asyncio.wait_for(intake_of(queue, MemoryApi({}), view).run(), 20))
    assert (queue.deleted, queue.hidden) == ([], [("m1", 2.0)])
    assert counted(queue, "undecided") == 1


def test_a_fault_of_sqs_is_ridden_out() -> None:
    fault = AwsError("the service is not available", "ServiceUnavailable")
    queue = MemoryQueue(fault, [message(1, "a", "x")])
    assert handled(queue)[0].created == ["x"]
