"""What a policy's `Ready` says: the engine's verdict, and never a fault of the check as one of the rules."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from objects import NOW, stamp, synced_view

from logscan_api.policies import LogScanPolicySpec, LogScanPolicyStatus
from logscan_api.statuses import Condition
from logscan_local.testkit.waiting import eventually
from logscan_operator.checking import MAX_RETRY_SECONDS, Item, Rests, Retry, due
from logscan_operator.items import Key, Object, Policy
from logscan_operator.policychecks import PolicyChecks, checked
from logscan_operator.rulechecks import COMPILED, TOO_SLOW, Verdict, check, invalid, judge, undecided

GOOD = LogScanPolicySpec.model_validate({"rules": {"inline": [{"name": "good", "pattern": "x"}]}})
BAD = LogScanPolicySpec.model_validate({"rules": {"inline": [{"name": "broken", "pattern": "("}]}})


def policy(generation: int = 2, observed: int | None = None, ready: Verdict | None = None) -> Policy:
    conditions = None
    if ready is not None:
        conditions = [
            Condition(type="Ready", status=ready.status, reason=ready.reason, message="m", last_transition_time=stamp())
        ]
    status = LogScanPolicyStatus(observed_generation=observed, conditions=conditions)
    return Policy(("logscan", "p"), 1, generation, GOOD, status)


def runs(pid: Path) -> bool:
    """Return whether the process that wrote its number into a file runs."""
    number = pid.read_text().strip() if pid.exists() else ""
    return bool(number) and Path("/proc", number).exists()


async def test_the_engine_itself_judges_rules() -> None:
    assert await check(GOOD) == COMPILED
    verdict = await check(BAD)
    assert (verdict.status, verdict.reason) == ("False", "InvalidRule")
    assert verdict.message.startswith("rule 'broken': ")
    assert "parenthesis" in verdict.message


async def test_the_start_of_records_is_an_expression_too() -> None:
    records = {"framing": "Multiline", "start": "("}
    verdict = await check(LogScanPolicySpec.model_validate({"rules": {"packs": ["etcd"]}, "records": records}))
    assert (verdict.status, verdict.reason) == ("False", "InvalidRule")
    assert verdict.message.startswith("rule 'start of records': ")


async def test_a_rule_that_looks_at_every_line_is_named_with_its_cost() -> None:
    rules = {"inline": [{"name": "fine", "pattern": "x"}, {"name": "costly", "pattern": r"\b\w{64,128}\b"}]}
    verdict = await check(LogScanPolicySpec.model_validate({"rules": rules}))
    assert (verdict.status, verdict.reason) == ("True", "RulesCompiled")
    assert verdict.message.endswith(": costly (1.4 s)")


async def test_an_unknown_pack_is_named() -> None:
    verdict = await check(LogScanPolicySpec.model_validate({"rules": {"packs": ["nosuch"]}}))
    assert (verdict.status, verdict.reason) == ("False", "InvalidRule")
    assert "nosuch" in verdict.message


async def test_rules_that_would_take_all_memory_are_bad() -> None:
    patterns = [f"x{number:02}((a{{1,30}}b){{1,30}}c){{1,30}}d" for number in range(40)]
    rules = [{"name": f"r{number}", "pattern": pattern} for number, pattern in enumerate(patterns)]
    verdict = await check(LogScanPolicySpec.model_validate({"rules": {"inline": rules}}))
    assert (verdict.status, verdict.reason) == ("False", "InvalidRule")
    assert "remove rules or repetitions" in verdict.message


async def test_what_has_no_rules_to_check_needs_no_engine() -> None:
    for spec in ({"action": "Ignore"}, {}):
        assert await check(LogScanPolicySpec.model_validate(spec), ["/nowhere"]) == COMPILED
    unreadable = await check(None)
    assert (unreadable.status, unreadable.reason) == ("False", "InvalidSpec")


PROGRAMS = {
    "no such module": ([sys.executable, "-m", "logscan_nowhere"], "code 1: .*No module named logscan_nowhere"),
    "killed": (["/bin/sh", "-c", "kill -9 $$"], "ended by SIGKILL"),
    "crashed": (["/bin/sh", "-c", "kill -SEGV $$"], "ended by SIGSEGV"),
    "silent": (["/bin/true"], "no verdict: ''"),
    "garbage": (["/bin/echo", "{"], "no verdict: '{"),
    "other JSON": (["/bin/echo", "[1]"], "no verdict"),
    "closes its input": ([sys.executable, "-c", "import os; os.close(0); raise SystemExit(3)"], "code 3: it printed"),
}


@pytest.mark.parametrize(("command", "words"), PROGRAMS.values(), ids=PROGRAMS)
async def test_a_check_that_fails_says_nothing_about_the_rules(command: list[str], words: str) -> None:
    for spec in (GOOD, BAD):
        verdict = await check(spec, command)
        assert (verdict.status, verdict.reason) == ("Unknown", "CheckFailed")
        with pytest.raises(AssertionError, match=words):
            raise AssertionError(verdict.message)


async def test_a_missing_program_says_nothing_about_the_rules() -> None:
    verdict = await check(BAD, ["/nowhere/python", "-m", "logscan_engine"])
    assert (verdict.status, verdict.reason) == ("Unknown", "CheckFailed")
    assert "/nowhere/python" in verdict.message


async def test_a_check_that_takes_too_long_is_ended_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("logscan_operator.rulechecks.CHECK_SECONDS", 0.5)
    pid = tmp_path / "pid"
    verdict = await check(BAD, ["/bin/sh", "-c", f"echo $$ > {pid}; exec sleep 600"])
    assert (verdict.status, verdict.reason) == ("Unknown", "CheckFailed")
    assert not runs(pid)


async def test_a_cancelled_check_leaves_no_process_behind(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    checking = asyncio.create_task(check(BAD, ["/bin/sh", "-c", f"echo $$ > {pid}; exec sleep 600"]))
    await asyncio.to_thread(eventually, lambda: runs(pid), 30, "the process")
    checking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checking
    assert not runs(pid)


def test_a_limit_of_time_that_the_rules_exceed_is_theirs() -> None:
    assert judge(-signal.SIGXCPU, b"", b"").reason == "InvalidRule"
    assert judge(0, b'{"problem": null, "slow": {}, "failed": []}\n', b"some warning") == COMPILED
    assert judge(0, b'{"problem": "rule x", "slow": {}, "failed": []}\n', b"") == invalid("rule x")
    assert judge(-200, b"", b"").reason == "CheckFailed"


def test_the_condition_changes_its_time_with_its_status_only() -> None:
    first = checked(policy(), undecided("no memory"), NOW).conditions
    assert first is not None
    assert (first[0].status, first[0].reason, first[0].observed_generation) == ("Unknown", "CheckFailed", 2)
    assert "used unchecked: no memory" in first[0].message
    old = policy(observed=1, ready=COMPILED)
    same, other = checked(old, COMPILED, NOW.replace(year=2030)), checked(old, invalid("x"), NOW.replace(year=2030))
    assert same.conditions is not None
    assert other.conditions is not None
    assert same.conditions[0].last_transition_time == stamp()
    assert other.conditions[0].last_transition_time.startswith("2030")
    assert other.observed_generation == 2
    long = checked(old, invalid("x" * 5000), NOW)
    assert long.conditions is not None
    assert len(long.conditions[0].message) == 1024


def test_checks_that_failed_are_repeated_ever_more_rarely() -> None:
    retry = Retry.after(None, 2, 100)
    assert retry.at == 110
    pauses = []
    for _ in range(10):
        retry = Retry.after(retry, 2, 0)
        pauses.append(retry.at)
    assert pauses[:3] == [20, 40, 80]
    assert pauses[-1] == MAX_RETRY_SECONDS
    assert Retry.after(retry, 3, 0).failures == 1  # the rules changed


@pytest.mark.parametrize(
    ("found", "retry", "expected"),
    [
        (policy(2, None), None, True),
        (policy(2, 1, COMPILED), None, True),
        (policy(2, 2, COMPILED), None, False),
        (policy(2, 2, invalid("x")), None, False),
        (policy(2, 2, undecided("x")), None, True),  # the operator started over and knows of no retry
        (policy(2, 2, undecided("x")), Retry(2, 1, 200), False),
        (policy(2, 2, undecided("x")), Retry(2, 1, 100), True),
        (policy(2, 1, undecided("x")), Retry(1, 9, 900), True),  # the rules changed: at once
        (policy(2, 1, COMPILED), Retry(2, 1, 200), False),  # the status could not be written
    ],
)
def test_when_a_check_is_due(found: Policy, retry: Retry | None, expected: bool) -> None:
    assert due(found, retry, 150) is expected


def test_a_namespace_whose_rules_take_too_long_waits_longer_each_time_and_no_other_does() -> None:
    rests, clock = Rests(), 100.0
    pauses = []
    for _ in range(9):
        rests.note("team-a", True, clock)
        assert not rests.resting("team-b", clock)
        until = next(clock + n for n in range(10_000) if not rests.resting("team-a", clock + n))
        pauses.append(until - clock)
        clock = until
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    rests.note("team-a", False, clock)
    rests.note("team-a", True, clock)
    assert not rests.resting("team-a", clock + 10)


async def test_slow_policies_of_one_namespace_keep_no_other_from_its_check_and_the_loop_alive() -> None:
    """The second slow policy is left for later, and the loop makes progress before each check."""
    view = synced_view()
    slow = {"rules": {"inline": [{"name": "slow", "pattern": "x"}]}}
    for namespace, name in (("team-a", "a"), ("team-a", "b"), ("team-b", "c")):
        metadata = {"namespace": namespace, "name": name, "resourceVersion": "1", "generation": 1}
        view.policies.take({"metadata": metadata, "spec": slow})
    written: list[Key] = []
    ticks = 0
    done = asyncio.Event()

    def alive() -> None:
        nonlocal ticks
        ticks += 1

    class Api:
        async def request(self, method: str, path: str, body: Object, content_type: str) -> Object:
            namespace, name = path.split("/")[5], path.split("/")[7]
            written.append((namespace, name))
            if namespace == "team-b":
                done.set()
            known = view.policies[namespace, name]
            metadata = {
                "namespace": namespace,
                "name": name,
                "resourceVersion": str(known.version + 1),
                "generation": 1,
            }
            return {"metadata": metadata, "spec": slow, **body}

    async def too_slow(item: Item, _: Any) -> Verdict:
        return TOO_SLOW if item.key[0] == "team-a" else COMPILED

    checks = PolicyChecks(view, cast("Any", Api()), alive, judge=too_slow)
    running = asyncio.create_task(checks.run())
    await asyncio.wait_for(done.wait(), 20)
    running.cancel()
    assert list(dict.fromkeys(written)) == [("team-a", "a"), ("team-b", "c")], "the second slow one had its turn"
    assert ticks >= 3
