"""What becomes of a LogScan of a prefix, step by step, and whatever is killed when."""

import asyncio
from typing import Any

import pytest
from backfillworld import KILLS, LINES, POLICIES, MemoryBucket, World, run
from hypothesis import given, settings
from hypothesis import strategies as st
from objects import NOW, SETTINGS

from logscan_api.statuses import Phase
from logscan_operator.assuming import NOT_ASSUMED
from logscan_operator.errors import ApiError, AwsError

ROLE = "arn:aws:iam::444455556666:role/logscan-reads-logs"


def keys(number: int, *endings: str) -> dict[str, int]:
    """Return keys with sizes, the endings in turn."""
    return {f"app/{n:04}{endings[n % len(endings)]}": n + 1 for n in range(number)}


def test_all_keys_are_scanned_once_and_the_sum_is_in_the_status() -> None:
    found = keys(20, ".log", ".json", ".bak", ".tmp")
    world = World(MemoryBucket(found | {"app/empty": 0, "app/folder/": 9, "other": 1}), POLICIES, s3={"pageObjects": 4})
    run(world)
    wanted = {key for key in found if key.endswith((".log", ".json"))}
    assert world.scanned == dict.fromkeys(wanted, 1)
    status = world.status
    assert (status["phase"], status["reason"]) == ("Succeeded", "Completed")
    counts = {name: status["objects"][name] for name in ("total", "done", "skipped", "failed", "progress")}
    assert counts == {"total": 20, "done": 10, "skipped": 10, "failed": 0, "progress": "20/20"}
    assert (status["listing"]["unmatched"], status["listing"]["ignored"]) == (5, 5)
    assert "5 skipped, which no LogScanPolicy matches; 5 skipped, which a LogScanPolicy ignores" in status["message"]
    assert (status["summary"]["lines"], status["summary"]["matchedLines"]) == (10 * LINES, 10)
    assert status["summary"]["topRules"] == [{"rule": "err", "severity": "error", "lines": 10}]
    assert (status["listing"]["percent"], status["listing"]["bytesDone"]) == (100, sum(found[key] for key in wanted))
    assert "children" not in status["listing"]


def test_a_page_is_divided_by_policy_and_a_few_work_at_a_time() -> None:
    world = World(MemoryBucket(keys(40, ".log", ".json")), POLICIES, s3={"pageObjects": 5, "parallelism": 3})

    async def some_rounds() -> None:
        for _ in range(6):
            await world.round()
        assert len(world.children()) == 4, "two pages of two policies; the third waits for one to end"
        for child in world.children():
            endings = {found["key"][-5:] for found in child["spec"]["source"]["s3"]["objects"]}
            assert len({ending == ".json" for ending in endings}) == 1
        world.finish(world.running()[0])
        world.finish(world.running()[0])
        await world.round()
        assert len(world.status["listing"]["children"]) == 4

    run(world, some_rounds)
    assert world.status["objects"]["done"] == 40


def test_rules_and_all_else_of_the_logscan_apply_to_its_parts() -> None:
    spec = {"rules": {"inline": [{"name": "x", "pattern": "X"}]}, "limits": {"maxBytes": 7}, "attempts": 2}
    world = World(MemoryBucket(keys(4, ".tmp")), POLICIES, priority=5, job={"labels": {"team": "a"}}, **spec)

    async def one_round() -> None:
        await world.round()
        (child,) = world.children()
        assert {name: child["spec"][name] for name in spec} == spec
        assert (child["spec"]["priority"], child["spec"]["job"]) == (-95, {"labels": {"team": "a"}})
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == ("uid-p", True)
        assert "logscan.dev/identity" not in child["metadata"]["labels"]

    run(world, one_round)
    assert world.status["objects"]["done"] == 4, "with rules of its own it needs no policy"


def test_globs_times_and_a_limit_choose_the_objects() -> None:
    bucket = MemoryBucket(keys(30, ".log", ".json"))
    bucket.modified = {"app/0000.log": NOW, "app/0002.log": NOW, "app/0028.log": NOW.replace(year=2030)}
    s3 = {"include": ["app/00*"], "exclude": ["**/*.json"], "modifiedAfter": "2026-10-01T00:00:00Z"}
    world = World(bucket, POLICIES, s3={**s3, "modifiedBefore": "2026-11-20T00:00:00Z", "maxObjects": 5})
    run(world)
    assert sorted(world.scanned) == [f"app/{n:04}.log" for n in (4, 6, 8, 10, 12)]
    assert world.status["summary"]["incomplete"] == [{"reason": "MaxObjects"}]
    everything = World(bucket, POLICIES)
    run(everything)
    assert "app/0028.log" not in everything.scanned, "it was written after the scan began"


def test_what_fails_is_counted_with_its_reason() -> None:
    world = World(MemoryBucket(keys(9, ".log")), POLICIES, s3={"pageObjects": 3})

    async def some_fail() -> None:
        for _ in range(4):
            await world.round()
        first, second, third = world.running()
        world.finish(first, failed=1)
        world.finish(second, Phase.FAILED)
        world.finish(third)

    run(world, some_fail)
    status = world.status
    assert {name: status["objects"][name] for name in ("done", "failed")} == {"done": 5, "failed": 4}
    assert status["objects"]["failures"] == [{"key": "app/0003.log", "reason": "JobFailed"}]
    assert (status["phase"], status["summary"]["incomplete"]) == ("Succeeded", [{"reason": "ObjectsFailed"}])


def test_if_nothing_can_be_read_it_fails() -> None:
    world = World(MemoryBucket(keys(2, ".log")), POLICIES)

    async def fail() -> None:
        await world.round()
        world.finish(world.running()[0], Phase.FAILED)

    run(world, fail)
    assert (world.status["phase"], world.status["reason"]) == ("Failed", "JobFailed")


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (AwsError("no", "NoSuchBucket"), "ObjectNotFound"),
        (AwsError("no", "AccessDenied"), "AccessDenied"),
        (AwsError("no", NOT_ASSUMED), "RoleNotAssumed"),
    ],
)
def test_a_bucket_that_cannot_be_listed_at_all_fails_it(problem: AwsError, reason: str) -> None:
    bucket = MemoryBucket(keys(2, ".log"))
    bucket.problems = [problem]
    world = World(bucket, POLICIES)
    run(world)
    assert (world.status["phase"], world.status["reason"]) == ("Failed", reason)


def test_no_key_at_all_is_a_mistake_and_none_that_is_asked_for_is_not() -> None:
    world = World(MemoryBucket({}), POLICIES)
    run(world)
    assert (world.status["phase"], world.status["reason"]) == ("Failed", "ObjectNotFound")
    world = World(MemoryBucket(keys(2, ".log")), POLICIES, s3={"include": ["none"]})
    run(world)
    assert (world.status["phase"], world.status["objects"]["progress"]) == ("Succeeded", "0/0")


def test_a_bucket_that_fails_in_the_middle_is_listed_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logscan_operator.lister.FIRST_SECONDS", 0.0)
    world = World(MemoryBucket(keys(12, ".log")), POLICIES, s3={"pageObjects": 3, "parallelism": 1})

    async def fail() -> None:
        await world.round()
        world.finish(world.running()[0])
        world.bucket.problems = [AwsError("AccessDenied for now", "AccessDenied") for _ in range(3)]
        await world.round()
        assert (world.status["phase"], world.status["reason"]) == ("Queued", "Backoff")
        assert world.status["objects"]["done"] == 3, "what was found is written all the same"

    run(world, fail)
    assert (world.status["phase"], world.status["objects"]["done"]) == ("Succeeded", 12)


def test_suspend_and_resume_and_cancel_act_on_all() -> None:
    world = World(MemoryBucket(keys(12, ".log")), POLICIES, s3={"pageObjects": 3, "parallelism": 2})

    async def steps() -> None:
        for _ in range(3):
            await world.round()
        assert len(world.running()) == 2
        world.change(suspend=True)
        assert world.running() == []
        await world.round()
        assert world.status["phase"] == "Suspended"
        world.change(suspend=False)
        assert len(world.running()) == 2
        await world.round()
        assert world.status["phase"] == "Running"
        world.finish(world.running()[0])
        world.change(cancel=True)
        assert world.running() == []

    run(world, steps)
    assert (world.status["phase"], "children" in world.status["listing"]) == ("Cancelled", False)


def test_another_run_starts_over_and_counts_anew() -> None:
    world = World(MemoryBucket(keys(6, ".log")), POLICIES, s3={"pageObjects": 3})
    run(world)
    world.change(retry="again")
    run(world)
    assert world.scanned == dict.fromkeys(keys(6, ".log"), 2)
    assert (world.status["objects"]["done"], world.status["lastHandledRetry"]) == (6, "again")
    assert world.status["listing"]["keys"] == 6


def test_a_part_that_somebody_deletes_is_counted_as_failed() -> None:
    world = World(MemoryBucket(keys(6, ".log")), POLICIES, s3={"pageObjects": 3})

    async def delete_one() -> None:
        for _ in range(3):
            await world.round()
        gone = world.running()[0]
        del world.cluster.objects[f"/apis/logscan.dev/v1alpha1/namespaces/logscan/logscans/{gone.key[1]}"]
        world.view.scans.forget(gone.key)

    run(world, delete_one)
    assert (world.status["objects"]["done"], world.status["objects"]["failed"]) == (3, 3)


def test_a_part_that_the_view_lost_sight_of_is_found_again() -> None:
    world = World(MemoryBucket(keys(3, ".log")), POLICIES)

    async def forget() -> None:
        await world.round()
        world.view.scans.forget(world.running()[0].key)

    run(world, forget)
    assert world.status["objects"]["done"] == 3


def test_what_is_refused_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logscan_operator.lister.FIRST_SECONDS", 0.0)
    world = World(MemoryBucket(keys(3, ".log")), POLICIES)

    async def refuse() -> None:
        path = "/apis/logscan.dev/v1alpha1/namespaces/logscan/logscans"
        world.cluster.refusals["POST", path] = ApiError(403, "Forbidden", "exceeded quota: count/logscans")
        await world.round()
        assert (world.status["phase"], world.status["reason"]) == ("Queued", "QuotaExceeded")
        world.cluster.refusals.clear()

    run(world, refuse)
    assert world.status["objects"]["done"] == 3


def test_a_namespace_may_only_list_its_buckets() -> None:
    world = World(MemoryBucket(keys(3, ".log")), POLICIES)
    world.lister._settings = SETTINGS.model_copy(update={"allowed_buckets": {"logscan": ["mine"]}})
    run(world)
    assert (world.status["reason"], world.bucket.calls) == ("NotAllowed", 0)


def test_keys_are_listed_in_the_role_of_the_logscan_and_its_parts_have_it_too() -> None:
    world = World(MemoryBucket(keys(3, ".log")), POLICIES, roleArn=ROLE)
    world.lister._settings = SETTINGS.model_copy(update={"allowed_roles": {"logscan": [ROLE]}})

    async def look_at_parts() -> None:
        await world.round()
        assert [child["spec"]["roleArn"] for child in world.children()] == [ROLE]

    run(world, look_at_parts)
    assert {role.arguments["ExternalId"] for role in world.bucket.roles if role} == {"logscan:logscan"}
    assert None not in world.bucket.roles


@pytest.mark.parametrize("of_policy", [False, True])
def test_nothing_is_listed_in_a_role_that_is_not_listed_in_the_settings(of_policy: bool) -> None:
    policies = {"all": {**POLICIES["all"], "roleArn": ROLE}} if of_policy else POLICIES
    world = World(MemoryBucket(keys(3, ".log")), policies, **({} if of_policy else {"roleArn": ROLE}))
    run(world)
    assert (world.status["reason"], world.bucket.roles) == ("NotAllowed", [])
    assert "allowedRoles" in world.status["message"]


ENDINGS = st.lists(st.sampled_from([".log", ".json", ".bak", ".tmp"]), min_size=1, max_size=4)


@settings(deadline=None, max_examples=200)
@given(
    number=st.integers(0, 24),
    endings=ENDINGS,
    size=st.integers(1, 5),
    parallelism=st.integers(1, 4),
    kills=KILLS,
    late=st.lists(st.integers(0, 240), max_size=4),
    ends=st.randoms(use_true_random=False),
)
def test_each_key_is_scanned_and_counted_once_whatever_is_killed_when(
    number: int, endings: list[str], size: int, parallelism: int, kills: list[Any], late: list[int], ends: Any
) -> None:
    """Kills come before or after any request; keys come while it lists; LogScans end in any order, or fail."""
    bucket = MemoryBucket(keys(number, *endings), page=4)
    world = World(bucket, POLICIES, s3={"pageObjects": size, "parallelism": parallelism})

    async def go_on() -> None:
        for at, after in kills:
            world.cluster.kill_in, world.cluster.kills_after = at, after
            for _ in range(ends.randrange(1, 6)):
                await step()
            if late:
                bucket.keys[f"app/{late.pop():04}-late.log"] = 1
        world.cluster.kill_in = None
        for _ in range(300):
            await step()
            if world.at_rest:
                return
        raise AssertionError(f"no end: {world.status}")

    async def step() -> None:
        await world.round()
        for scan in world.running():
            if ends.random() < 0.6:
                world.finish(scan, ends.choice([Phase.SUCCEEDED] * 4 + [Phase.FAILED]))

    asyncio.run(go_on())
    assert set(world.scanned.values()) <= {1}, "a key was scanned twice"
    if not bucket.keys:
        assert world.status["reason"] == "ObjectNotFound"
        return
    counts, listing = world.status["objects"], world.status["listing"]
    assert counts["done"] == len(world.scanned)
    assert counts["done"] + counts["skipped"] + counts["failed"] == counts["total"] == listing["objects"]
    assert counts["skipped"] == listing["unmatched"] + listing["ignored"]
    expected = keys(number, *endings)
    listed = {key for key in bucket.keys if key.endswith((".log", ".json"))}
    assert set(world.scanned) <= listed
    assert counts["done"] + counts["failed"] >= len([key for key in expected if key.endswith((".log", ".json"))])
    if "summary" in world.status:
        assert world.status["summary"]["matchedLines"] == counts["done"]
