"""Who goes first: limits, aging, fairness, and that nobody starves."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from objects import NOW, SETTINGS, scan_body

from logscan_api.exitcodes import Reason
from logscan_operator.admission import Candidate, Usage, admit, rank
from logscan_operator.items import Scan
from logscan_operator.parents import Parent
from logscan_operator.settings import Settings

POLICY = ("logscan", "narrow")


def candidate(name: str, age: float = 10, namespace: str = "logscan", policy: Any = None, **spec: Any) -> Candidate:
    body = scan_body(name, age, **spec)
    body["metadata"]["namespace"] = namespace
    return Candidate(Scan.parse(body), None, policy)


def with_limits(**limits: Any) -> Settings:
    return SETTINGS.model_copy(update=limits)


def chosen(candidates: list[Candidate], usage: Usage | None = None, **limits: Any) -> list[str]:
    first, _ = admit(candidates, usage or Usage(), {POLICY: 1}, with_limits(**limits), NOW)
    return [c.scan.key[1] for c in first]


def test_equal_scans_go_by_namespace_in_turn_then_by_age() -> None:
    many = [candidate(f"a{n}", 50 - n, "a") for n in range(4)] + [candidate(f"b{n}", 20 - n, "b") for n in range(2)]
    assert chosen(many, max_concurrent=4) == ["a0", "b0", "a1", "b1"]


def test_a_namespace_that_runs_much_already_comes_later() -> None:
    usage = Usage()
    for _ in range(3):
        usage.add("a", None)
    many = [candidate("a0", 50, "a"), candidate("b0", 1, "b"), candidate("b1", 1, "b")]
    assert chosen(many, usage, max_concurrent=5) == ["b0", "b1"]


def test_a_priority_ranks_within_a_namespace_and_gets_nobody_ahead_of_another() -> None:
    usage = Usage()
    usage.add("a", None)
    greedy = [candidate(f"a{n}", 500 - n, "a", priority=1000) for n in range(9)]
    modest = candidate("b0", 1, "b", priority=-1000)
    assert chosen([*greedy, modest], usage, max_concurrent=2) == ["b0"]
    assert chosen([*greedy, modest], max_concurrent=3) == ["a0", "b0", "a1"]
    assert chosen([candidate("low", 90), candidate("high", 5, priority=5)], max_concurrent=1) == ["high"]


def test_among_namespaces_with_as_many_jobs_the_highest_rank_goes_first_and_waiting_adds_to_it() -> None:
    assert chosen([candidate("a0", priority=2), candidate("b0", 5, "b")], max_concurrent=1) == ["a0"]
    old = candidate("old", age=3 * SETTINGS.aging_seconds)
    assert chosen([old, candidate("new", 0, priority=2)], max_concurrent=1) == ["old"]


def test_each_limit_holds_and_is_named() -> None:
    many = [candidate(f"p{n}", 50, policy=POLICY) for n in range(3)] + [candidate(f"a{n}") for n in range(3)]
    first, waiting = admit(
        many, Usage(), {POLICY: 1}, with_limits(max_concurrent=9, max_concurrent_per_namespace=3), NOW
    )
    assert len(first) == 3
    assert sum(c.policy == POLICY for c in first) == 1
    assert {reason for _, reason in waiting} == {Reason.NAMESPACE_LIMIT}
    _, held = admit(many, Usage(), {POLICY: 1}, with_limits(max_concurrent=9), NOW)
    assert {(c.policy, reason) for c, reason in held} == {(POLICY, Reason.POLICY_LIMIT)}
    _, full = admit(many, Usage(total=9), {POLICY: 1}, with_limits(max_concurrent=9), NOW)
    assert {reason for _, reason in full} == {Reason.CONCURRENCY_LIMIT}


CANDIDATES = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from("ab"), st.booleans(), st.integers(-3, 3)), max_size=12
)


@given(CANDIDATES, st.integers(1, 6), st.integers(1, 4), st.randoms())
def test_no_limit_is_ever_exceeded_and_order_of_input_means_nothing(
    facts: list[tuple[int, str, bool, int]], most: int, per_namespace: int, chance: Any
) -> None:
    limits = {("a", "p"): 1, ("b", "p"): 2}
    many = [
        candidate(f"s{n}", age, space, (space, "p") if limited else None, priority=priority)
        for n, (age, space, limited, priority) in enumerate(facts)
    ]
    use = with_limits(max_concurrent=most, max_concurrent_per_namespace=per_namespace)
    usage = Usage()
    first, waiting = admit(many, usage, limits, use, NOW)
    shuffled = list(many)
    chance.shuffle(shuffled)
    assert admit(shuffled, Usage(), limits, use, NOW)[0] == first
    assert usage.total == len(first) <= most
    assert all(count <= per_namespace for count in usage.by_namespace.values())
    assert all(count <= limits[policy] for policy, count in usage.by_policy.items())
    assert len(first) + len(waiting) == len(many)


@settings(max_examples=30)
@given(st.integers(1, 20), st.integers(1, 4))
def test_nobody_starves_however_many_urgent_scans_keep_coming(priority: int, slots: int) -> None:
    """The least scan goes within (priority + 2) agings, though urgent ones fill every slot in every round."""
    created = NOW - timedelta(seconds=0)
    least = candidate("least", 0)
    for round_number in range(priority + 3):
        now = created + timedelta(seconds=round_number * SETTINGS.aging_seconds)
        urgent = []
        for n in range(slots):
            body = scan_body(f"u{round_number}-{n}", -round_number * SETTINGS.aging_seconds, priority=priority)
            urgent.append(Candidate(Scan.parse(body), None, None))
        first, _ = admit([least, *urgent], Usage(), {}, with_limits(max_concurrent=slots), now)
        if least in first:
            return
    raise AssertionError("it never went")


def test_rank() -> None:
    scan = candidate("x", 125, priority=3).scan
    assert rank(scan, timedelta(seconds=60), NOW) == 5


def part(name: str, age: float = 10) -> Candidate:
    """Return a candidate that works for a prefix, with the priority of such."""
    made = candidate(name, age, priority=-100)
    return made._replace(scan=replace(made.scan, parent=Parent("p", "uid-p", 1)))


def test_jobs_for_prefixes_have_a_share_and_uploads_come_first() -> None:
    parts = [part(f"p{number}", 50) for number in range(6)]
    assert len(chosen(parts, max_concurrent=6)) == 3
    assert len(chosen(parts, max_concurrent=6, backfill_share=1.0)) == 6
    assert chosen(parts, max_concurrent=1) == ["p0"], "one at least"
    uploads = [candidate(f"u{number}", 1) for number in range(5)]
    assert chosen([*parts, *uploads], max_concurrent=6) == [*(f"u{number}" for number in range(5)), "p0"]
    usage = Usage()
    for _ in range(3):
        usage.add("logscan", None, backfill=True)
    assert chosen([*parts, *uploads], usage, max_concurrent=6) == ["u0", "u1", "u2"]
    _, waiting = admit(parts, usage, {}, with_limits(max_concurrent=6), NOW)
    assert {reason for _, reason in waiting} == {Reason.BACKFILL_LIMIT}
