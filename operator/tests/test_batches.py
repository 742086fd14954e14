"""Uploads under a policy with `batch`: what becomes of their messages while they wait for others, and after."""

import asyncio
import json
from typing import Any

from memory import MemoryApi, MemoryQueue, intake_of, message
from objects import synced_view

from logscan_operator.aws import Message
from logscan_operator.circuit import TRIAL_NAME
from logscan_operator.errors import ApiError, NotLeadingError
from logscan_operator.items import Object, Scan
from logscan_operator.view import View

SMALL = {"size": 10}
SLOW = 300  # seconds that only an object that fills the list, or the end of the intake, can cut short


def policy(name: str = "small", keys: str = "**", **batch: Any) -> Object:
    spec = {"match": {"keys": [keys]}, "rules": {"packs": ["generic"]}, "batch": {"maxSeconds": SLOW, **batch}}
    return {"metadata": {"namespace": "logscan", "name": name, "resourceVersion": "1"}, "spec": spec}


def run(
    queue: MemoryQueue, *policies: Object, refusals: dict[str, Exception] | None = None, **settings: Any
) -> tuple[MemoryApi, View]:
    api, view = MemoryApi(refusals or {}), synced_view()
    for found in policies or [policy()]:
        view.policies.take(found)
    asyncio.run(asyncio.wait_for(intake_of(queue, api, view, **settings).run(), 20))
    return api, view


def small(number: int, key: str, **facts: Any) -> Message:
    return message(number, f"g{number}", key, **{**SMALL, **facts})


def test_objects_of_several_receives_become_one_scan() -> None:
    queue = MemoryQueue([small(1, "a"), small(2, "b")], [small(3, "c")])
    api, view = run(queue)
    assert api.created == ["a b c"]
    assert sorted(queue.deleted) == ["m1", "m2", "m3"]
    (scan,) = view.scans.values()
    assert (scan.objects, scan.by_hand, scan.key[1].startswith("batch-")) == (3, False, True)


def test_a_message_is_deleted_only_when_its_scan_is_stored() -> None:
    queue, api, view = MemoryQueue([small(1, "a")], [small(2, "b")], []), MemoryApi({}), synced_view()
    view.policies.take(policy(maxObjects=2))
    deleted: list[list[str]] = []
    receive = queue.receive

    async def look(most: int) -> list[Message]:
        await asyncio.sleep(0)
        deleted.append(list(queue.deleted))
        return await receive(most)

    queue.receive = look  # type: ignore[method-assign]
    asyncio.run(asyncio.wait_for(intake_of(queue, api, view).run(), 20))
    assert (api.created, sorted(queue.deleted)) == (["a b"], ["m1", "m2"])
    assert deleted[:2] == [[], []]


def test_a_full_list_waits_for_nothing() -> None:
    queue = MemoryQueue([small(n, f"k{n}") for n in range(5)])
    api, _ = run(queue, policy(maxObjects=2))
    assert sorted(api.created) == ["k0 k1", "k2 k3", "k4"]


def test_a_list_is_stored_when_its_time_is_over() -> None:
    """The queue gives nothing more until the LogScan is there."""
    queue, api, view = MemoryQueue([small(1, "a")], []), MemoryApi({}), synced_view()
    view.policies.take(policy(maxSeconds=1))
    receive, stored = queue.receive, asyncio.Event()
    request = api.request

    async def noticed(*arguments: Any, **more: Any) -> Object:
        answer = await request(*arguments, **more)
        stored.set()
        return answer

    async def only_then(most: int) -> list[Message]:
        if len(queue.batches) == 1:
            await stored.wait()
        return await receive(most)

    queue.receive, api.request = only_then, noticed  # type: ignore[method-assign]
    asyncio.run(asyncio.wait_for(intake_of(queue, api, view).run(), 20))
    assert (api.created, queue.deleted) == (["a"], ["m1"])


def test_large_objects_and_those_of_unknown_size_go_alone() -> None:
    unknown = message(3, "g3", "unknown")
    queue = MemoryQueue([small(1, "a"), small(2, "large", size=100), unknown, small(4, "b")])
    api, _ = run(queue, policy(largest="100"))
    assert sorted(api.created) == ["a b", "large", "unknown"]


def test_policies_and_buckets_are_kept_apart() -> None:
    queue = MemoryQueue(
        [small(1, "x/a"), small(2, "y/a"), small(3, "x/b"), small(4, "x/c", bucket="others"), small(5, "y/b")]
    )
    api, view = run(queue, policy("x", "x/**"), policy("y", "y/**"))
    assert sorted(api.created) == ["x/a x/b", "x/c", "y/a y/b"]
    assert all(isinstance(scan, Scan) and scan.spec is not None for scan in view.scans.values())


def test_the_newest_version_of_a_key_is_scanned_and_both_messages_are_done() -> None:
    queue = MemoryQueue([small(1, "a", sequencer="02"), small(2, "b"), small(3, "a", sequencer="01")])
    api, _ = run(queue)
    (stored,) = api.stored.values()
    assert [(o["key"], o.get("sequencer")) for o in stored["spec"]["source"]["s3"]["objects"]] == [
        ("a", "02"),
        ("b", None),
    ]
    assert sorted(queue.deleted) == ["m1", "m2", "m3"]


def test_the_same_messages_make_the_same_scan() -> None:
    """As after a process that died between storing the LogScan and deleting the messages."""
    messages = [small(1, "a"), small(2, "b")]
    api, view = MemoryApi({}), synced_view()
    view.policies.take(policy())
    for order in (messages, messages[::-1]):
        queue = MemoryQueue(order)
        asyncio.run(asyncio.wait_for(intake_of(queue, api, view).run(), 20))
        assert sorted(queue.deleted) == ["m1", "m2"]
    assert len(api.stored) >= 1
    assert len({name for name in api.stored if not name.endswith("-2")}) == 1


def test_one_object_that_is_refused_keeps_no_other_from_its_scan() -> None:
    refused = ApiError(422, "Invalid", "spec.source.s3.objects[1].key: no")
    queue = MemoryQueue([small(1, "a"), small(2, "bad", receives=3), small(3, "c")])
    api, _ = run(queue, refusals={"bad": refused})
    assert (sorted(api.created), sorted(queue.deleted)) == (["a", "c"], ["m1", "m3"])
    assert queue.hidden == [("m2", 8.0)]


def test_in_an_outage_all_messages_go_back_at_once() -> None:
    down = ApiError(500, "InternalError", "failed calling webhook")
    queue = MemoryQueue([small(1, "a"), small(2, "b")])
    api, _ = run(queue, refusals={"a": down, TRIAL_NAME: down})
    assert (api.created, queue.deleted) == ([], [])
    assert sorted(queue.hidden) == [("m1", 0.0), ("m2", 0.0)]


def test_who_no_longer_leads_puts_all_messages_back() -> None:
    queue = MemoryQueue([small(1, "a"), small(2, "b")])
    run(queue, refusals={"a": NotLeadingError()})
    assert sorted(queue.hidden) == [("m1", 0.0), ("m2", 0.0)]


def test_a_message_of_several_objects_is_done_when_all_are_stored() -> None:
    records = [
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "logs"}, "object": {"key": key, "size": size}}}
        for key, size in (("a", 1), ("b", 2), ("large", 1 << 40))
    ]
    body = json.dumps({"Records": records})
    queue = MemoryQueue([Message(id="m1", receipt="r", body=body, group="g", receives=1)])
    api, _ = run(queue)
    assert (sorted(api.created), queue.deleted) == (["a b", "large"], ["m1"])


def test_messages_that_wait_are_kept_hidden() -> None:
    """The queue gives nothing more until the message in hand was hidden again."""
    queue, view = MemoryQueue([small(1, "a")], []), synced_view()
    view.policies.take(policy())
    receive, beat = queue.receive, asyncio.Event()

    async def hide(messages: list[Message], seconds: float) -> list[str]:
        queue.hidden += [(found.id, seconds) for found in messages]
        beat.set()
        return []

    async def only_then(most: int) -> list[Message]:
        if len(queue.batches) == 1:
            await beat.wait()
        return await receive(most)

    queue.receive, queue.hide = only_then, hide  # type: ignore[method-assign]
    asyncio.run(asyncio.wait_for(intake_of(queue, MemoryApi({}), view, visibility_seconds=0.03).run(), 20))
    assert queue.hidden[0] == ("m1", 0.03)
    assert queue.deleted == ["m1"]
