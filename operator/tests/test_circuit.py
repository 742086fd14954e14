"""For whom LogScans are refused, found out by a dry run."""

from typing import Any, cast

import pytest

from logscan_operator.circuit import TRIAL_NAME, Circuit, Verdict
from logscan_operator.errors import ApiError, KubeError, NoAnswerError, NotLeadingError
from logscan_operator.items import Object
from logscan_operator.metrics import Metrics

DOWN = ApiError(500, "InternalError", 'failed calling webhook "x"')
QUOTA = ApiError(403, "Forbidden", "exceeded quota: q")
DENIED = ApiError(403, "Forbidden", "namespace logscan may not scan private")
INVALID = ApiError(422, "Invalid", "spec.source.s3.key: Too long")


def manifest(name: str) -> Object:
    return {"metadata": {"name": name}, "spec": {"source": {"s3": {"bucket": "logs", "key": name}}}}


class Server:
    """The part of the API server that a trial meets: what it says to the dry run of each LogScan by name."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.everyone: Exception | None = None
        self.refused: dict[str, Exception] = {}
        self.tried: list[str] = []
        self.led = True

    def holds(self) -> bool:
        """Return whether this process leads."""
        return self.led

    async def request(
        self, method: str, path: str, body: Object | None = None, query: dict[str, str] | None = None
    ) -> Object:
        """Answer a list of what is stored, or a dry run."""
        if body is None:
            assert (method, query) == ("GET", {"labelSelector": "logscan.dev/identity", "limit": "1"})
            labels = {"logscan.dev/identity": "x"}
            return {"items": [{"metadata": {"name": n, "labels": labels}, "spec": {}} for n in self.stored[:1]]}
        assert query == {"dryRun": "All"}, "a trial must store nothing"
        name = body["metadata"]["name"]
        self.tried.append(name)
        problem = self.everyone or self.refused.get(name)
        if problem:
            raise problem
        if name in self.stored:
            raise ApiError(409, "AlreadyExists", "")
        return body


class World:
    """A circuit, its server and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.server = Server()
        self.metrics = Metrics(1)
        self.circuit = Circuit(cast("Any", self.server), "logscan", self.metrics, lambda: self.now)

    def blocked(self) -> bool:
        """Return what the metric says."""
        return self.metrics.registry.get_sample_value("logscan_intake_blocked") == 1


@pytest.mark.parametrize("error", [DOWN, QUOTA, NoAnswerError("refused")])
async def test_while_it_is_everyone_nothing_is_received_until_a_trial_is_accepted(error: KubeError) -> None:
    world = World()
    world.server.everyone = error
    assert await world.circuit.allowance() == 10
    assert await world.circuit.judge("a", error) is Verdict.EVERYONE
    assert world.blocked()
    assert world.circuit.problem
    for _ in range(20):
        world.now += 1
        assert await world.circuit.allowance() == 0
    tried = len(world.server.tried)
    assert tried < 8, "trials become rarer"
    world.server.everyone = None
    world.now += 60
    assert await world.circuit.allowance() == 1
    assert not world.blocked()
    assert world.circuit.problem is None


@pytest.mark.parametrize("error", [DENIED, INVALID, DOWN])
async def test_one_that_is_refused_alone_stops_nobody(error: KubeError) -> None:
    world = World()
    world.circuit.stored(manifest("good"))
    for _ in range(9):
        assert await world.circuit.judge("poison", error) is Verdict.ONE
        assert await world.circuit.allowance() == 10
    assert (set(world.server.tried), world.blocked()) == ({"good"}, False)


async def test_a_trial_is_of_what_was_accepted_or_is_stored_or_made_up() -> None:
    world = World()
    await world.circuit.judge("a", INVALID)
    world.server.stored = ["old"]
    await world.circuit.judge("a", INVALID)
    world.circuit.stored(manifest("new"))
    await world.circuit.judge("a", INVALID)
    assert world.server.tried == [TRIAL_NAME, "old", "new"]


async def test_when_the_trial_itself_is_denied_one_message_tells() -> None:
    """With allowedBuckets the made-up bucket may be denied as well."""
    world = World()
    world.server.everyone = DENIED
    assert await world.circuit.judge("poison", DENIED) is Verdict.UNCLEAR
    assert await world.circuit.allowance() == 0
    world.now = 2
    assert await world.circuit.allowance() == 1
    assert await world.circuit.judge("poison", DENIED) is Verdict.UNCLEAR
    world.now = 6
    assert await world.circuit.allowance() == 1
    world.circuit.stored(manifest("good"))
    world.server.everyone, world.server.refused = None, {"poison": DENIED}
    assert await world.circuit.allowance() == 2
    assert await world.circuit.judge("poison", DENIED) is Verdict.ONE


async def test_what_was_accepted_once_and_is_denied_now_does_not_hold_others_back_for_ever() -> None:
    world = World()
    world.circuit.stored(manifest("withdrawn"))
    world.server.refused = {"withdrawn": DENIED}
    assert await world.circuit.judge("poison", DENIED) is Verdict.UNCLEAR
    world.now = 2
    assert await world.circuit.allowance() == 1
    world.circuit.stored(manifest("good"))
    assert await world.circuit.judge("poison", DENIED) is Verdict.ONE


async def test_a_server_that_only_fails_to_store_is_noticed() -> None:
    """Etcd out of space: the dry run of everything is accepted."""
    world = World()
    full = ApiError(500, "", "etcdserver: mvcc: database space exceeded")
    for name in "abc":
        assert not world.blocked()
        await world.circuit.judge(name, full)
    assert world.blocked()


async def test_while_it_is_open_nothing_is_tried_for_each_message() -> None:
    world = World()
    world.server.everyone = DOWN
    for name in "abcdefghij":
        assert await world.circuit.judge(name, DOWN) is Verdict.EVERYONE
    assert len(world.server.tried) == 1


async def test_without_the_lease_nothing_is_received() -> None:
    world = World()
    world.server.led = False
    assert await world.circuit.allowance() == 0
    world.server.led = True
    assert await world.circuit.allowance() == 10


async def test_a_trial_by_a_process_that_no_longer_leads_is_no_verdict_on_the_object() -> None:
    """Its message goes back at once, for the process that leads now."""
    world = World()
    world.server.everyone = NotLeadingError()
    assert await world.circuit.judge("a", DENIED) is Verdict.EVERYONE
