"""Whether rules compile and do what their tests say: asked of the engine in a process of its own.

What compiles there compiles in the scanner, and an expression that takes all memory or time takes down neither the
operator nor the other policies. Only the engine's own verdict says something about the rules. When the check itself
fails (the process cannot start, is killed, or is starved on a busy machine), the rules are neither good nor bad: the
policy or rule set stays in use and the check is repeated.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from logscan_api import UnknownPackError
from logscan_api.conditions import RuleReason
from logscan_api.packs import resolve_rules
from logscan_api.policies import LogScanPolicySpec, PolicyAction
from logscan_api.rules import Rule
from logscan_api.rulesets import LogScanRuleSetSpec
from logscan_operator.items import RuleSet
from logscan_operator.resolving import named, unready

CHECKER = (sys.executable, "-m", "logscan_engine")
SHOWN_TESTS = 5
CHECK_SECONDS = 40  # above the 10 s of CPU time that the engine allows itself, for a node without CPU to spare


@dataclass(frozen=True)
class Verdict:
    """What the condition `Ready` of a policy or rule set says.

    Attributes:
        reason: The condition's reason, from which its status follows.
        message: For a person: what is wrong and with which rule.
    """

    reason: RuleReason
    message: str

    @property
    def status(self) -> Literal["True", "False", "Unknown"]:
        """Return the condition's status."""
        return self.reason.status

    @property
    def final(self) -> bool:
        """Return whether the rules cannot be used until somebody changes them."""
        return self.status == "False" and self.reason is not RuleReason.RULE_SET_NOT_READY

    @property
    def compiled(self) -> bool | None:
        """Return whether the rules compile; None if that is not known."""
        known = {RuleReason.COMPILED: True, RuleReason.TEST_FAILED: True, RuleReason.INVALID_RULE: False}
        return known.get(self.reason)


COMPILED = Verdict(RuleReason.COMPILED, "all rules compile")


# Not "undecided": the same rules would take as long again. Whoever changes them gets another check, but not at once.
TOO_SLOW = Verdict(
    RuleReason.INVALID_RULE,
    "the rules take too much CPU time to compile: split them into several policies or rule sets",
)


def compiled(slow: Mapping[str, float]) -> Verdict:
    """Return the verdict on rules that compile.

    Args:
        slow: The slow rules, and the seconds of CPU time that each adds to the scan of 1 GB.
    """
    if not slow:
        return COMPILED
    costs = ", ".join(f"{name} ({seconds:g} s)" for name, seconds in slow.items())
    return Verdict(
        RuleReason.COMPILED,
        f"{COMPILED.message}; these are slow, as no text that their matches share is rare, with the CPU time that each "
        f"adds to the scan of 1 GB: {costs}",
    )


def invalid(problem: str) -> Verdict:
    """Return the verdict on rules that cannot be used."""
    return Verdict(RuleReason.INVALID_RULE, problem)


def failed(tests: Sequence[str]) -> Verdict:
    """Return the verdict on rules that compile but do not do what their tests say."""
    more = len(tests) - SHOWN_TESTS
    shown = [*tests[:SHOWN_TESTS], *([f"and {more} more"] if more > 0 else [])]
    return Verdict(RuleReason.TEST_FAILED, "; ".join(shown))


def undecided(cause: str) -> Verdict:
    """Return the verdict when the check failed and says nothing about the rules."""
    return Verdict(RuleReason.CHECK_FAILED, f"the rules could not be checked and are used unchecked: {cause}")


UNREADABLE = Verdict(RuleReason.INVALID_SPEC, "the spec cannot be read by this version of the operator")
TIMED_OUT = undecided(f"the check did not end within {CHECK_SECONDS} s")


def judge(code: int, output: bytes, errors: bytes) -> Verdict:
    """Return what the end of the engine's process means.

    Args:
        code: Its exit code; the negative number of the signal that ended it.
        output: Its standard output.
        errors: Its standard error.
    """
    if code == -signal.SIGXCPU:
        return TOO_SLOW
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return undecided(f"the check was ended by {name}, perhaps for lack of memory")
    lines = errors.decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it printed no error")
    if code > 0:
        return undecided(f"the check ended with code {code}: {last}")
    try:
        answer = json.loads(output)
        problem, slow, tests = answer["problem"], answer["slow"], answer["failed"]
        verdict = invalid(str(problem)) if problem is not None else failed(tests) if tests else compiled(slow)
    except (ValueError, TypeError, KeyError, AttributeError):
        return undecided(f"the check printed no verdict: {output[:100].decode(errors='replace')!r}")
    return verdict


async def check(
    spec: LogScanPolicySpec | None, checker: Sequence[str] = CHECKER, rule_sets: Mapping[str, RuleSet] | None = None
) -> Verdict:
    """Return whether the rules of a policy can be used.

    Args:
        spec: The policy's spec; None if it cannot be read.
        checker: The command that reads rules and prints a verdict.
        rule_sets: The rule sets of its namespace, by name.
    """
    if spec is None:
        return UNREADABLE
    if spec.action is PolicyAction.IGNORE or spec.rules is None:
        return COMPILED
    rule_sets = rule_sets or {}
    missing = unready([spec.rules], rule_sets)
    if missing is not None:
        return Verdict(RuleReason.RULE_SET_NOT_READY, f"{missing}; scans wait for it")
    try:
        expressions = resolve_rules(spec.rules, {name: rule_sets[name].rules for name in named(spec.rules)})
        if spec.records is not None and spec.records.start is not None:
            expressions.append(Rule.model_construct(name="start of records", pattern=spec.records.start))
    except UnknownPackError as error:
        return invalid(str(error))
    return await _ask([rule.for_engine() for rule in expressions], checker)


async def check_set(spec: LogScanRuleSetSpec | None, checker: Sequence[str] = CHECKER) -> Verdict:
    """Return whether the rules of a rule set compile, and find in the lines beside them what they should.

    Args:
        spec: The set's spec; None if it cannot be read.
        checker: The command that reads rules and prints a verdict.
    """
    if spec is None:
        return UNREADABLE
    lines = ({"matches": found.matches or [], "ignores": found.ignores or []} for found in spec.rules)
    return await _ask([found.for_engine() | tests for found, tests in zip(spec.rules, lines, strict=True)], checker)


async def _ask(rules: list[dict[str, Any]], checker: Sequence[str]) -> Verdict:
    """Return the verdict of the engine, in a process of its own, on rules in its form."""
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(*checker, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as error:
        return undecided(f"the check did not start: {error}")
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            output, errors = await process.communicate(json.dumps(rules).encode())
    except TimeoutError:
        return TIMED_OUT
    finally:
        if process.returncode is None:  # it took too long, or the operator stops
            process.kill()
            await process.wait()
    return judge(process.returncode or 0, output, errors)
