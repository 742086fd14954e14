"""Leader election: who may acquire the Lease, for how long it is valid, and that nobody else writes."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from objects import SETTINGS, job, job_body, scan_body, view_of

from logscan_operator.errors import ApiError, KubeError, NoAnswerError, NotLeadingError
from logscan_operator.items import Object
from logscan_operator.leases import FencedApi, Leadership, Observation, held_by, may_acquire
from logscan_operator.metrics import Metrics
from logscan_operator.writer import Writer

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
HELD = {"holderIdentity": "a", "leaseDurationSeconds": 15}


@pytest.mark.parametrize(
    ("spec", "identity", "unchanged", "may"),
    [
        ({}, "b", 0, True),
        ({"holderIdentity": ""}, "b", 0, True),
        ({"holderIdentity": None}, "b", 0, True),
        (HELD, "a", 0, True),
        (HELD, "b", 14.9, False),
        (HELD, "b", 15, True),
        ({"holderIdentity": "a"}, "b", 9.9, False),
        ({"holderIdentity": "a"}, "b", 10, True),
    ],
)
def test_who_may_acquire_the_lease(spec: Object, identity: str, unchanged: float, may: bool) -> None:
    assert may_acquire(spec, identity, unchanged, default_seconds=10) is may


def test_a_lease_is_observed_from_when_its_version_was_first_read() -> None:
    first = Observation().updated("1", 5.0)
    assert first.updated("1", 9.0) == first == Observation("1", 5.0)
    assert first.updated("2", 9.0) == Observation("2", 9.0)


def test_a_renewal_keeps_the_time_of_acquisition() -> None:
    lease: Object = {"metadata": {"name": "l", "resourceVersion": "7"}, "spec": {}}
    acquired = held_by("a", lease, 15, NOW)
    assert acquired["metadata"]["resourceVersion"] == "7", "the write is a compare-and-swap"
    assert acquired["spec"]["acquireTime"] == acquired["spec"]["renewTime"] == "2026-11-26T12:00:00.000000Z"
    renewed = held_by("a", acquired, 15, NOW.replace(hour=13))
    assert (renewed["spec"]["acquireTime"][11:13], renewed["spec"]["renewTime"][11:13]) == ("12", "13")
    assert renewed["spec"]["leaseTransitions"] == 1
    assert held_by("b", renewed, 15, NOW)["spec"]["leaseTransitions"] == 2
    assert lease["spec"] == {}, "what was read is not changed"


class Store:
    """The API server's part: one Lease, with versions."""

    def __init__(self) -> None:
        self.lease: Object | None = None
        self.version = 0
        self.fault: KubeError | None = None
        self.interfere: str | None = None
        self.written = 0

    async def request(self, method: str, path: str, body: Object | None = None, *_: Any, **__: Any) -> Object:
        """Answer a request for the Lease, and refuse what an API server would."""
        if self.fault is not None:
            raise self.fault
        if method == "GET":
            if self.lease is None:
                raise ApiError(404, "NotFound", "")
            read = {"metadata": {**self.lease["metadata"]}, "spec": {**self.lease["spec"]}}
            if self.interfere:
                self.put(self.interfere)
            return read
        assert body is not None
        if method == "POST" and self.lease is not None:
            raise ApiError(409, "AlreadyExists", "")
        if method == "PUT" and body["metadata"]["resourceVersion"] != str(self.version):
            raise ApiError(409, "Conflict", "")
        self.put(body["spec"]["holderIdentity"], body)
        return body

    def put(self, holder: str, body: Object | None = None) -> None:
        """Store the Lease as held by somebody."""
        self.version += 1
        self.written += 1
        spec = (body or {"spec": {"leaseDurationSeconds": 15}})["spec"]
        metadata = {"name": "logscan-operator", "resourceVersion": str(self.version)}
        self.lease = {"metadata": metadata, "spec": {**spec, "holderIdentity": holder}}

    @property
    def holder(self) -> str | None:
        """Return who holds the Lease."""
        return self.lease["spec"]["holderIdentity"] if self.lease else None


class Clock:
    """A monotonic clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0
        self._moved = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Move on, and let others work."""
        self.now += seconds
        self.slept += 1
        self._moved.set()
        await asyncio.sleep(0)

    async def reached(self, moment: float) -> None:
        """Return once it is that late."""
        while self.now < moment:
            await self._moved.wait()
            self._moved.clear()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def process(store: Store, clock: Clock, identity: str) -> Leadership:
    return Leadership(
        cast("Any", store), "logscan", identity, 15, lambda: None, clock=lambda: clock.now, sleep=clock.sleep
    )


async def test_the_first_process_leads_for_two_thirds_of_the_lease(clock: Clock) -> None:
    store = Store()
    leader = process(store, clock, "a")
    assert not leader.holds()
    await leader.acquire()
    assert (store.holder, leader.holds()) == ("a", True)
    clock.now += 9.9
    assert leader.holds()
    clock.now += 0.2
    assert not leader.holds()


async def test_a_standby_waits_for_the_whole_lease_of_a_silent_leader(clock: Clock) -> None:
    store, began = Store(), clock.now
    store.put("a")
    standby = process(store, clock, "b")
    await standby.acquire()
    assert store.holder == "b"
    assert 15 <= clock.now - began <= 15 + 15 / 7 + 0.001


async def test_a_standby_acquires_a_released_lease_at_its_next_try(clock: Clock) -> None:
    store = Store()
    leader, standby = process(store, clock, "a"), process(store, clock, "b")
    await leader.acquire()
    await leader.release()
    assert (store.holder, leader.holds()) == ("", False)
    await standby.acquire()
    assert (store.holder, clock.slept) == ("b", 0)


async def test_who_does_not_lead_releases_nothing(clock: Clock) -> None:
    store = Store()
    store.put("a")
    await process(store, clock, "b").release()
    assert (store.holder, store.written) == ("a", 1)


async def test_of_two_processes_that_write_at_once_one_leads(clock: Clock) -> None:
    store = Store()
    store.put("")
    store.interfere = "b"  # it writes between our read and our write
    leader = process(store, clock, "a")
    assert not await leader._attempt()
    assert (store.holder, leader.holds()) == ("b", False)


async def test_a_leader_that_cannot_renew_stops_before_the_lease_expires(clock: Clock) -> None:
    store = Store()
    leader = process(store, clock, "a")
    await leader.acquire()
    store.fault, began = NoAnswerError("away"), clock.now
    await leader.keep()
    assert not leader.holds()
    assert 10 <= clock.now - began < 15


async def test_a_leader_stops_as_soon_as_another_process_holds_the_lease(clock: Clock) -> None:
    store = Store()
    leader = process(store, clock, "a")
    await leader.acquire()
    store.put("b")
    await leader.keep()
    assert (clock.slept, leader.holds()) == (1, False)


async def test_a_leader_that_renews_goes_on(clock: Clock) -> None:
    store = Store()
    leader = process(store, clock, "a")
    await leader.acquire()
    keeping = asyncio.create_task(leader.keep())
    async with asyncio.timeout(10):
        await clock.reached(1000)
    assert (keeping.done(), leader.holds()) == (False, True)
    keeping.cancel()


class Recorder:
    """An API server that records what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def request(self, method: str, *_: Any) -> Object:
        """Record a request and answer nothing."""
        self.asked.append(method)
        return {}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_only_the_leader_writes(method: str) -> None:
    api, leads = Recorder(), [False]
    fenced = FencedApi(cast("Any", api), lambda: leads[0])
    with pytest.raises(NotLeadingError):
        await fenced.request(method, "/x")
    await fenced.request("GET", "/x")
    leads[0] = True
    await fenced.request(method, "/x")
    assert api.asked == ["GET", method]


async def test_a_delete_that_was_not_sent_is_not_reported_as_done() -> None:
    view, api = view_of(scan_body("a"), job_body("a")), Recorder()
    writer = Writer(view, FencedApi(cast("Any", api), lambda: False), SETTINGS, Metrics(1))
    with pytest.raises(NotLeadingError) as caught:
        await writer.delete_job(job("a"))
    assert len(view.jobs) == 1
    assert not isinstance(caught.value, ApiError), "no answer of the API server: there was none"
    assert api.asked == []
