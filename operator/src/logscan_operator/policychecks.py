"""What a LogScanPolicy shows: whether its rules compile, and how its scans are doing.

Rules are compiled by the scanner itself, in a process of its own: what compiles here runs there, and an expression
that takes all memory takes down neither the operator nor the other policies.
"""

import asyncio
import json
import logging
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

import aiohttp

from logscan_api.policies import LogScanPolicyStatus, PolicyAction, ScanCounts
from logscan_api.statuses import Condition, Phase
from logscan_operator import paths
from logscan_operator.items import Key, Policy
from logscan_operator.kube import JSON_MERGE, ApiError
from logscan_operator.leases import FencedApi
from logscan_operator.statuses import stamp, utc_now
from logscan_operator.view import View

CHECKER = (sys.executable, "-m", "logscan_scanner", "--check")
CHECK_SECONDS = 60
PERIOD_SECONDS = 2.0
COUNTS_EVERY_SECONDS = 10.0

log = logging.getLogger("logscan.policychecks")


def count_scans(view: View) -> dict[Key, ScanCounts]:
    """Return the numbers of scans by policy."""
    fields = {Phase.RUNNING: "running", Phase.SUCCEEDED: "succeeded", Phase.FAILED: "failed"}
    counts: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for scan in view.scans.values():
        if scan.status.policy is not None and scan.status.phase is not Phase.CANCELLED:
            kind = fields.get(scan.status.phase, "queued") if scan.status.phase else "queued"
            counts[scan.key[0], scan.status.policy][kind] += 1
    return {key: ScanCounts(**numbers) for key, numbers in counts.items()}


def checked(policy: Policy, problem: str | None, now: datetime) -> LogScanPolicyStatus:
    """Return a policy's status after its rules were compiled.

    Args:
        policy: The policy.
        problem: Why they cannot be, or None.
        now: The time.
    """
    status, reason = ("True", "RulesCompiled") if problem is None else ("False", "InvalidRule")
    old = next((c for c in policy.status.conditions or [] if c.type == "Ready"), None)
    condition = Condition(
        type="Ready",
        status=status,
        reason=reason,
        message=(problem or "all rules compile")[:1024],
        last_transition_time=old.last_transition_time if old and old.status == status else stamp(now),
        observed_generation=policy.generation,
    )
    return policy.status.model_copy(update={"observed_generation": policy.generation, "conditions": [condition]})


async def compile_problem(policy: Policy) -> str | None:
    """Return why a policy's rules cannot be compiled, or None if they can."""
    if policy.spec is None:
        return "the spec cannot be read by this version"
    if policy.spec.action is PolicyAction.IGNORE or policy.spec.rules is None:
        return None
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*CHECKER, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            output, _ = await process.communicate(json.dumps(policy.spec.rules.wire()).encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        return f"the rules do not compile within {CHECK_SECONDS} s: split them into several policies"
    if process.returncode == 0:
        return None
    try:
        return str(json.loads(output)["problem"])
    except (ValueError, KeyError):
        return f"the rules cannot be compiled: the scanner ended with {process.returncode}"


class PolicyChecks:
    """Keeps the status of all policies up to date, until cancelled."""

    def __init__(self, view: View, api: FencedApi, alive: Callable[[], None]) -> None:
        """Prepare.

        Args:
            view: What is known.
            api: Where statuses are written.
            alive: Called whenever the loop makes progress.
        """
        self._view = view
        self._api = api
        self._alive = alive
        self._counted_at = 0.0

    async def run(self) -> None:
        """Compile the rules of new and changed policies at once, count scans now and then."""
        while True:
            self._alive()
            for policy in self._view.policies_in_sight():
                if policy.status.observed_generation != policy.generation:
                    await self._write(policy, checked(policy, await compile_problem(policy), utc_now()))
            clock = asyncio.get_running_loop().time()
            if clock - self._counted_at > COUNTS_EVERY_SECONDS:
                self._counted_at = clock
                await self._count()
            await asyncio.sleep(PERIOD_SECONDS)

    async def _count(self) -> None:
        counts = count_scans(self._view)
        for policy in self._view.policies_in_sight():
            now = counts.get(policy.key, ScanCounts())
            if policy.status.scans != now and policy.status.observed_generation == policy.generation:
                await self._write(policy, policy.status.model_copy(update={"scans": now}))

    async def _write(self, policy: Policy, status: LogScanPolicyStatus) -> None:
        namespace, name = policy.key
        path = f"{paths.policies(namespace)}/{name}/status"
        try:
            body = await self._api.request("PATCH", path, {"status": status.wire()}, content_type=JSON_MERGE)
            self._view.policies.take(body)
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            log.warning("the status of a policy was not written: %s", error, extra={"policy": name})
