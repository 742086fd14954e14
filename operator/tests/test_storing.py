"""An object is scanned, whoever has the name of its LogScan; a second delivery makes no second one."""

import asyncio
from typing import Any

import pytest
from memory import DEFAULT, MemoryApi, MemoryQueue, intake_of, message
from objects import synced_view

from logscan_api.events import read_message
from logscan_api.policies import LogScanPolicySpec
from logscan_api.rules import RuleSelection
from logscan_operator.deciding import decide
from logscan_operator.items import Object
from logscan_operator.storing import NAMES

POLICY_SPEC = LogScanPolicySpec(rules=RuleSelection(packs=["generic"]))


def unscanned(namespace: str, content: str, sequencer: str | None) -> None:
    """Know of no earlier scan."""


def squatter(**spec: Any) -> Object:
    """Return a LogScan that somebody else made under the name that the intake gives to the object of a message."""
    wanted = decide(read_message(message(1, "a", "x").body).events[0], {"p": POLICY_SPEC}, None, "logscan", unscanned)
    assert isinstance(wanted, dict)
    return {**wanted, "spec": {**wanted["spec"], **spec}}


OTHER = {"s3": {"bucket": "logs", "key": "benign", "etag": "1"}}


@pytest.mark.parametrize(
    "spec",
    [
        {"source": OTHER},
        {"limits": {"maxBytes": 1}},
        {"rules": {"packs": ["etcd"]}},
        {"notify": {"email": {"to": ["a@b.c"]}}},
        {"timeoutSeconds": 10},
    ],
)
def test_an_object_is_scanned_though_another_logscan_has_its_name(spec: Object) -> None:
    there = squatter(**spec)
    queue, api, view = MemoryQueue([message(1, "a", "x")]), MemoryApi({}, there), synced_view()
    view.policies.take(DEFAULT)
    asyncio.run(asyncio.wait_for(intake_of(queue, api, view).run(), 20))
    assert (api.created, queue.deleted) == (["x"], ["m1"])
    name = there["metadata"]["name"]
    assert set(api.stored) == {name, f"{name}-2"}
    again = MemoryQueue([message(1, "a", "x")])
    asyncio.run(asyncio.wait_for(intake_of(again, api, view).run(), 20))
    assert (api.created, again.deleted) == (["x"], ["m1"]), "a second delivery made a third one"


def test_one_that_lacks_the_label_is_another_one_too() -> None:
    there = squatter()
    there["metadata"] = {**there["metadata"], "labels": {}}
    queue, api, view = MemoryQueue([message(1, "a", "x")]), MemoryApi({}, there), synced_view()
    view.policies.take(DEFAULT)
    asyncio.run(asyncio.wait_for(intake_of(queue, api, view).run(), 20))
    assert api.created == ["x"]


@pytest.mark.parametrize("spec", [{}, {"suspend": True}, {"cancel": True}, {"priority": 9, "retry": "x"}])
def test_what_a_person_may_change_later_makes_it_no_other_scan(spec: Object) -> None:
    queue, api, view = MemoryQueue([message(1, "a", "x")]), MemoryApi({}, squatter(**spec)), synced_view()
    view.policies.take(DEFAULT)
    asyncio.run(asyncio.wait_for(intake_of(queue, api, view).run(), 20))
    assert (api.created, queue.deleted) == ([], ["m1"])


def test_names_that_are_all_taken_put_the_message_off() -> None:
    there = squatter(source=OTHER)
    name = there["metadata"]["name"]
    taken = [{**there, "metadata": {**there["metadata"], "name": f"{name}-{n}"}} for n in range(2, NAMES + 2)]
    queue, api, view = MemoryQueue([message(1, "a", "x")]), MemoryApi({}, there, *taken), synced_view()
    view.policies.take(DEFAULT)
    asyncio.run(asyncio.wait_for(intake_of(queue, api, view).run(), 20))
    assert (api.created, queue.deleted, queue.hidden) == ([], [], [("m1", 2.0)])
