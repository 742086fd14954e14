"""The pace at which LogScans of prefixes are carried forward. A round takes 100 s."""

from backfillworld import POLICIES, MemoryBucket, World, run
from objects import scan_body

from logscan_operator import paths

KEYS = {f"app/{number}.log": 1 for number in range(6)}
PAGES = {"pageObjects": 2}


def test_pages_wait_for_their_turns_and_nothing_else_does() -> None:
    world = World(MemoryBucket(KEYS), POLICIES, pace=2 / 250, s3=PAGES)

    async def some_rounds() -> None:
        await world.round()
        world.finish(world.running()[0])
        await world.round()
        assert (world.status["phase"], world.status["objects"]["done"]) == ("Running", 2)
        await world.round()
        assert not world.children(), "what has ended is counted and deleted while the next page waits"
        await world.round()
        assert len(world.children()) == 1
        assert world.status["listing"]["pages"] == 2
        await world.round()
        world.change(cancel=True)
        await world.round()
        assert world.status["phase"] == "Cancelled", "whoever waits can be cancelled"

    run(world, some_rounds)
    assert world.scanned == {"app/0.log": 1, "app/1.log": 1}


def test_a_pace_delays_and_loses_nothing() -> None:
    world = World(MemoryBucket(KEYS), POLICIES, pace=2 / 350, s3=PAGES)
    run(world)
    assert world.scanned == dict.fromkeys(KEYS, 1)


def test_a_prefix_that_waits_for_its_first_turn_says_so() -> None:
    world = World(MemoryBucket(KEYS), POLICIES, pace=2 / 250, s3=PAGES)
    other = paths.scans("logscan", "q")
    source = {"s3": {"bucket": "logs", "prefix": "app/", **PAGES}}
    world.view.scans.take(world.cluster.put(other, scan_body("q", source=source)))

    async def some_rounds() -> None:
        await world.round()
        status = world.cluster.objects[other]["status"]
        assert (status["phase"], status["reason"]) == ("Queued", "BackfillLimit")
        assert "backfillObjectsPerSecond" in status["message"]
        for _ in range(3):
            await world.round()
        status = world.cluster.objects[other]["status"]
        assert (status["phase"], status["listing"]["pages"]) == ("Running", 1)

    run(world, some_rounds)
