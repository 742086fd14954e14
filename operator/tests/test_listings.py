"""How listed keys become pages, and pages parts."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logscan_api.logscans import LogScanSpec
from logscan_api.policies import LogScanPolicySpec
from logscan_api.requests import MAX_VARIABLE_BYTES
from logscan_operator.listings import PAGE_PARTS, Listed, Page, Pager, wanted

NOW = datetime(2026, 11, 24, tzinfo=UTC)
RULES = {"packs": ["generic"]}


def policies(**specs: Any) -> dict[str, LogScanPolicySpec]:
    return {name: LogScanPolicySpec.model_validate({"rules": RULES, **spec}) for name, spec in specs.items()}


ALL = policies(all={})


def spec_of(rules: Any = None, **s3: Any) -> LogScanSpec:
    facts = {"source": {"s3": {"bucket": "logs", "prefix": "a", **s3}}}
    return LogScanSpec.model_validate(facts | ({"rules": rules} if rules else {}))


def entry(key: str, size: int = 1, modified: datetime = NOW) -> Listed:
    return Listed(key, size, modified)


def pages(
    entries: list[Listed], spec: LogScanSpec, chosen: dict[str, LogScanPolicySpec] = ALL, room: int | None = None
) -> list[Page]:
    """Return the pages that a listing becomes."""
    found, rest = [Pager(spec, chosen, NOW, None, room)], list(entries)
    while rest:
        if found[-1].take(rest[0]):
            rest.pop(0)
        elif found[-1].page.complete:
            break
        else:
            found.append(Pager(spec, chosen, NOW, found[-1].page.through, room))
    return [pager.page for pager in found]


def keys(page: Page) -> list[list[str]]:
    return [[found.key for found in part.objects] for part in page.parts.values()]


def test_a_page_ends_with_the_objects_or_the_bytes_of_a_part() -> None:
    entries = [entry(f"a{n}", size) for n, size in enumerate([5, 5, 1, 90, 3, 3, 3, 3])]
    found = pages(entries, spec_of(pageObjects=3, pageBytes="10"))
    assert [keys(page) for page in found] == [[["a0", "a1"]], [["a2"]], [["a3"]], [["a4", "a5", "a6"]], [["a7"]]]
    assert [(page.after, page.through) for page in found[:2]] == [(None, "a1"), ("a1", "a2")]
    assert [part.bytes for part in found[2].parts.values()] == [90], "a larger object is alone"


def test_the_objects_of_a_part_are_under_the_same_policies() -> None:
    chosen = policies(
        all={"combine": True, "priority": 1},
        json={"match": {"keys": ["**.json"]}},
        other={"match": {"keys": ["**.txt"]}, "priority": 2},
    )
    (page,) = pages([entry(key) for key in ("a.json", "a.log", "a.txt", "b.json", "b.log")], spec_of(), chosen)
    assert page.parts.keys() == {("all", "json"), ("all",), ("other",)}
    assert keys(page) == [["a.json", "b.json"], ["a.log", "b.log"], ["a.txt"]]
    (page,) = pages([entry(key) for key in ("a.json", "a.log")], spec_of(RULES), chosen)
    assert page.parts.keys() == {("all",)}, "with rules of its own, no others are combined"


def test_a_page_has_few_parts_however_many_policies_there_are() -> None:
    chosen = policies(**{f"p{n}": {"match": {"keys": [f"a{n:02}*"]}} for n in range(20)})
    found = pages([entry(f"a{n % 20:02}-{n}") for n in range(20)], spec_of(), chosen)
    assert {len(page.parts) for page in found} == {PAGE_PARTS}


def test_long_keys_leave_room_in_the_job() -> None:
    from random import Random

    chance = Random(1)  # keys that cannot be compressed
    entries = [entry("a" + "".join(chance.choices("0123456789abcdef!*'()-_.", k=1000))) for _ in range(400)]
    found = pages(sorted(entries), spec_of(pageObjects=1000))
    assert max(sum(len(key) for part in keys(page) for key in part) for page in found) < MAX_VARIABLE_BYTES
    assert sum(page.to_scan for page in found) == 400


@pytest.mark.parametrize(
    ("fields", "listed", "is_wanted"),
    [
        ({}, entry("a.log"), True),
        ({}, entry("a/"), False),
        ({}, entry("a.log", 0), False),
        ({"include": ["a*", "b*"]}, entry("b.log"), True),
        ({"include": ["a*"]}, entry("b.log"), False),
        ({"exclude": ["**/x"]}, entry("a/x"), False),
        ({"modifiedAfter": "2026-11-24T00:00:01Z"}, entry("a.log"), False),
        ({"modifiedAfter": "2026-11-24T00:00:00Z"}, entry("a.log"), True),
        ({"modifiedBefore": "2026-11-24T00:00:00Z"}, entry("a.log"), False),
        ({"modifiedBefore": "2026-11-24T00:00:01+00:00"}, entry("a.log"), True),
        ({}, entry("a.log", 1, NOW.replace(minute=2)), False),
        ({"modifiedBefore": "2030-11-24T00:00:00Z"}, entry("a.log", 1, NOW.replace(minute=2)), True),
    ],
)
def test_what_is_asked_for(fields: dict[str, Any], listed: Listed, is_wanted: bool) -> None:
    assert wanted(spec_of(**fields).source.s3, NOW)(listed) is is_wanted


def test_a_limit_ends_the_listing_only_if_there_is_more() -> None:
    entries = [entry(f"a{n}") for n in range(4)]
    (page,) = pages(entries, spec_of(maxObjects=4), room=4)
    assert (page.to_scan, page.capped) == (4, False)
    (page,) = pages(entries, spec_of(maxObjects=3), room=3)
    assert (page.to_scan, page.capped, page.complete) == (3, True, True)


@given(
    st.lists(st.tuples(st.sampled_from([".json", ".log", ".tmp", "/"]), st.integers(0, 9)), max_size=40),
    st.integers(1, 4),
    st.integers(1, 20),
)
def test_no_key_is_lost_or_in_two_parts(endings: list[tuple[str, int]], most: int, size: int) -> None:
    chosen = policies(json={"match": {"keys": ["**.json"]}}, log={"match": {"keys": ["**.log"]}, "action": "Ignore"})
    entries = [entry(f"a{n:03}{ending}", length) for n, (ending, length) in enumerate(endings)]
    found = pages(entries, spec_of(pageObjects=most, pageBytes=str(size)), chosen)
    scanned = [key for page in found for part in keys(page) for key in part]
    asked = [one for one in entries if one.size and not one.key.endswith("/")]
    assert sorted(scanned) == [one.key for one in asked if one.key.endswith(".json")]
    assert sum(page.ignored for page in found) == sum(one.key.endswith(".log") for one in asked)
    assert sum(page.unmatched for page in found) == sum(one.key.endswith(".tmp") for one in asked)
    assert sum(page.keys for page in found) == len(entries)
    for page in found:
        assert all(len(part.objects) <= most for part in page.parts.values())
        assert all(part.bytes <= size or len(part.objects) == 1 for part in page.parts.values())
