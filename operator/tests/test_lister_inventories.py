"""What becomes of a LogScan whose keys come from a list of S3 Inventory, whatever is killed when."""

import asyncio
from typing import Any

import pytest
from backfillworld import KILLS, POLICIES, RULES, MemoryBucket, World, run
from hypothesis import given, settings
from hypothesis import strategies as st
from inventoryworld import MANIFEST, inventory, row_of
from objects import SETTINGS


def listed(files: list[list[str]], **s3: Any) -> World:
    """Return a world whose keys come from an inventory, not from a listing."""
    bucket = MemoryBucket({})
    bucket.objects.objects = inventory(files)
    return World(bucket, POLICIES, s3={"inventory": {"manifestKey": MANIFEST}, **s3})


def test_an_inventory_is_scanned_like_a_listing_and_bad_rows_are_counted() -> None:
    wanted = ["app/z.log", "app/a b+ü.json", "app/m.log"]
    files = [
        [row_of("app/z.log"), "bad", row_of("app/b.bak"), row_of("db/x.log"), row_of("app/z.log")],
        [row_of("app/a b+ü.json"), row_of("app/c.tmp"), row_of("theirs", bucket="theirs"), row_of("app/m.log")],
    ]
    world = listed(files, pageObjects=2)
    run(world)
    assert world.scanned == dict.fromkeys(wanted, 1)
    status = world.status
    assert (status["phase"], world.bucket.calls) == ("Succeeded", 0), status
    assert status["summary"]["incomplete"] == [{"reason": "UnreadableRows"}]
    assert "2 rows of the inventory cannot be read" in status["message"]
    listing = status["listing"]
    assert [listing[name] for name in ("unreadable", "unmatched", "ignored", "objects")] == [2, 1, 1, 5]
    assert (status["objects"]["progress"], listing["percent"]) == ("5/5", 100)


def test_without_a_prefix_the_whole_inventory_is_scanned() -> None:
    world = listed([[row_of("app/a.log"), row_of("db/b.log")]], prefix=None)
    policy = {"metadata": {"namespace": "logscan", "name": "every"}, "spec": {"rules": RULES}}
    world.cluster.put("/apis/logscan.dev/v1alpha1/namespaces/logscan/logscanpolicies/every", policy)
    world.restart()
    run(world)
    assert sorted(world.scanned) == ["app/a.log", "db/b.log"]
    assert world.status["object"] == "*"


@pytest.mark.parametrize(
    ("objects", "reason", "words"),
    [
        ({}, "ObjectNotFound", MANIFEST),
        ({MANIFEST: b"{}"}, "InvalidInventory", "is no manifest of S3 Inventory"),
        (inventory([[]]), "ObjectNotFound", f"the inventory {MANIFEST} has no object under s3://logs/app/"),
    ],
)
def test_an_inventory_that_cannot_be_used_fails_it(objects: dict[str, bytes], reason: str, words: str) -> None:
    world = listed([])
    world.bucket.objects.objects = objects
    run(world)
    assert (world.status["phase"], world.status["reason"]) == ("Failed", reason)
    assert words in world.status["message"]


def test_a_file_that_is_damaged_in_the_middle_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was listed before is scanned and counted; the rest waits until the file is as the manifest says."""
    monkeypatch.setattr("logscan_operator.lister.FIRST_SECONDS", 0.0)
    world = listed([[row_of(f"app/{n}.log") for n in range(3)], [row_of("app/x.log")]], pageObjects=3)
    files = world.bucket.objects.objects
    name = "lists/logs/daily/data/1.csv.gz"
    good = files[name]
    files[name] = good[:-1] + b"x"

    async def wait_for_the_file() -> None:
        for _ in range(4):
            await world.round()
            for scan in world.running():
                world.finish(scan)
        assert (world.status["phase"], world.status["reason"]) == ("Queued", "InvalidInventory"), world.status
        assert f"s3://logs/{name} does not have the MD5" in world.status["message"]
        assert world.status["objects"]["done"] == 3
        files[name] = good

    run(world, wait_for_the_file)
    assert world.scanned == {f"app/{n}.log": 1 for n in (0, 1, 2, "x")}


def test_a_namespace_may_only_read_inventories_in_its_buckets() -> None:
    world = listed([[row_of("app/a.log")]], inventory={"bucket": "theirs", "manifestKey": MANIFEST})
    world.lister._settings = SETTINGS.model_copy(update={"allowed_buckets": {"logscan": ["logs"]}})
    run(world)
    assert (world.status["reason"], world.bucket.objects.reads) == ("NotAllowed", 0)
    assert "source.s3.inventory.bucket" in world.status["message"]


@settings(deadline=None, max_examples=100)
@given(
    files=st.lists(st.lists(st.sampled_from([".log", ".json", ".bak", ".tmp", "bad"]), max_size=8), max_size=3),
    size=st.integers(1, 4),
    kills=KILLS,
    ends=st.randoms(use_true_random=False),
)
def test_each_row_of_an_inventory_is_scanned_and_counted_once_whatever_is_killed_when(
    files: list[list[str]], size: int, kills: list[Any], ends: Any
) -> None:
    number = iter(range(99, 0, -1))  # in no order that S3 would list
    rows = [[word if word == "bad" else f"app/{next(number):02}{word}" for word in file] for file in files]
    world = listed([[key if key == "bad" else row_of(key) for key in file] for file in rows], pageObjects=size)

    async def go_on() -> None:
        for at, after in kills:
            world.cluster.kill_in, world.cluster.kills_after = at, after
            for _ in range(ends.randrange(1, 6)):
                await world.round()
                for scan in world.running():
                    world.finish(scan)
        world.cluster.kill_in = None
        await world.until_rest()

    asyncio.run(go_on())
    keys = [key for file in rows for key in file]
    assert world.scanned == {key: 1 for key in keys if key.endswith((".log", ".json"))}
    if not keys:
        assert world.status["reason"] == "ObjectNotFound"
        return
    listing = world.status["listing"]
    assert listing["keys"] == len(keys)
    assert listing.get("unreadable", 0) == keys.count("bad")
    assert listing["unmatched"] == sum(key.endswith(".tmp") for key in keys)
