"""The statuses of policies and rule sets: whether their rules can be used (`rulechecks`), and how scans are doing."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from logscan_api.policies import LogScanPolicyStatus, ScanCounts
from logscan_api.rulesets import LogScanRuleSetStatus
from logscan_api.statuses import Phase
from logscan_operator import paths
from logscan_operator.checking import Item, Rests, Retry, conditions, due
from logscan_operator.errors import KubeError
from logscan_operator.items import Key, Policy, RuleSet
from logscan_operator.kube import JSON_MERGE
from logscan_operator.leases import FencedApi
from logscan_operator.resolving import named
from logscan_operator.rulechecks import TIMED_OUT, TOO_SLOW, Verdict, check, check_set
from logscan_operator.statuses import utc_now
from logscan_operator.view import Table, View

PERIOD_SECONDS = 2.0
COUNTS_EVERY_SECONDS = 10.0

log = logging.getLogger("logscan.policychecks")


Judge = Callable[[Item, Mapping[str, RuleSet]], Awaitable[Verdict]]
State = tuple[tuple[str, object], ...]


async def judged(item: Item, rule_sets: Mapping[str, RuleSet]) -> Verdict:
    """Return whether the rules of a policy or rule set can be used, by the engine in a process of its own.

    Args:
        item: The policy or rule set.
        rule_sets: The rule sets of its namespace, by name.
    """
    return await (check_set(item.spec) if isinstance(item, RuleSet) else check(item.spec, rule_sets=rule_sets))


def state_of_sets(item: Item, rule_sets: Mapping[str, RuleSet]) -> State:
    """Return what a check of a policy depends on beside the policy: the rule sets that it names, as they are now."""
    if isinstance(item, RuleSet) or item.spec is None:
        return ()
    found = [(name, rule_sets.get(name)) for name in named(item.spec.rules)]
    return tuple((name, one and (one.generation, one.problem)) for name, one in found)


def count_scans(view: View) -> dict[Key, ScanCounts]:
    """Return the numbers of scans by policy."""
    fields = {Phase.RUNNING: "running", Phase.SUCCEEDED: "succeeded", Phase.FAILED: "failed"}
    counts: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for scan in view.scans.values():
        if scan.status.policy is not None and scan.status.phase is not Phase.CANCELLED:
            kind = fields.get(scan.status.phase, "queued") if scan.status.phase else "queued"
            counts[scan.key[0], scan.status.policy][kind] += 1
    return {key: ScanCounts(**numbers) for key, numbers in counts.items()}


def checked(policy: Policy, verdict: Verdict, now: datetime) -> LogScanPolicyStatus:
    """Return a policy's status after its rules were checked."""
    said = {"observed_generation": policy.generation, "conditions": conditions(policy, verdict, now)}
    return policy.status.model_copy(update=said)


def checked_set(found: RuleSet, verdict: Verdict, now: datetime) -> LogScanRuleSetStatus:
    """Return a rule set's status after its rules were checked."""
    return LogScanRuleSetStatus(
        observed_generation=found.generation,
        rules=len(found.spec.rules) if found.spec is not None else None,
        compiled=verdict.compiled,
        conditions=conditions(found, verdict, now),
    )


class PolicyChecks:
    """Keeps the status of all policies and rule sets up to date, until cancelled."""

    def __init__(self, view: View, api: FencedApi, alive: Callable[[], None], judge: Judge = judged) -> None:
        """Check nothing yet.

        Args:
            view: What is known.
            api: Where statuses are written.
            alive: Called whenever the loop makes progress.
            judge: Returns the verdict on the rules of a policy or rule set.
        """
        self._judge = judge
        self._view = view
        self._api = api
        self._alive = alive
        self._counted_at = 0.0
        self._retries: dict[str, Retry] = {}
        self._states: dict[str, State] = {}
        self._rests = Rests()

    async def run(self) -> None:
        """Check the rules of what is new or changed at once and failed checks again, count scans now and then."""
        while True:
            items: list[Item] = [*self._view.rule_sets_in_sight(), *self._view.policies_in_sight()]
            for item in items:
                self._alive()
                clock = asyncio.get_running_loop().time()
                resting = self._rests.resting(item.key[0], clock)
                if not resting and (due(item, self._retries.get(_path(item)), clock) or self._outdated(item)):
                    await self._check(item)
            known = {_path(item) for table in (self._view.rule_sets, self._view.policies) for item in table.values()}
            self._retries = {path: retry for path, retry in self._retries.items() if path in known}
            self._states = {path: state for path, state in self._states.items() if path in known}
            self._alive()
            clock = asyncio.get_running_loop().time()
            if clock - self._counted_at > COUNTS_EVERY_SECONDS:
                self._counted_at = clock
                await self._count()
            await asyncio.sleep(PERIOD_SECONDS)

    def _outdated(self, item: Item) -> bool:
        """Return whether a rule set that a policy names has changed since the policy was checked."""
        return state_of_sets(item, self._view.rule_sets_in(item.key[0])) != self._states.get(_path(item), ())

    async def _check(self, item: Item) -> None:
        sets, path = self._view.rule_sets_in(item.key[0]), _path(item)
        self._states[path] = state_of_sets(item, sets)
        verdict = await self._judge(item, sets)
        self._rests.note(item.key[0], verdict in (TOO_SLOW, TIMED_OUT), asyncio.get_running_loop().time())
        now = utc_now()
        status = checked_set(item, verdict, now) if isinstance(item, RuleSet) else checked(item, verdict, now)
        written = await self._write(item, status)
        earlier = self._retries.pop(path, None)
        if verdict.status == "Unknown":
            log.warning("%s", verdict.message, extra={"object": item.key[1], "namespace": item.key[0]})
        if verdict.status == "Unknown" or not written:
            clock = asyncio.get_running_loop().time()
            self._retries[path] = Retry.after(earlier, item.generation, clock)

    async def _count(self) -> None:
        counts = count_scans(self._view)
        for policy in self._view.policies_in_sight():
            now = counts.get(policy.key, ScanCounts())
            if policy.status.scans != now and policy.status.observed_generation == policy.generation:
                await self._write(policy, policy.status.model_copy(update={"scans": now}))

    async def _write(self, item: Item, status: LogScanPolicyStatus | LogScanRuleSetStatus) -> bool:
        """Write a status; return whether it was."""
        table: Table[Any] = self._view.rule_sets if isinstance(item, RuleSet) else self._view.policies
        try:
            body = await self._api.request(
                "PATCH", f"{_path(item)}/status", {"status": status.wire()}, content_type=JSON_MERGE
            )
            table.take(body)
        except KubeError as error:
            facts = {"object": item.key[1], "namespace": item.key[0]}
            log.warning("the status of a %s was not written: %s", table.kind, error, extra=facts)
            return False
        return True


def _path(item: Item) -> str:
    folder = paths.rule_sets if isinstance(item, RuleSet) else paths.policies
    return f"{folder(item.key[0])}/{item.key[1]}"
