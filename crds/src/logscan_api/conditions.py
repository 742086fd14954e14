"""The conditions of LogScans, policies and rule sets: what each type says, and why rules can or cannot be used.

The operator's statuses and the tables in docs/reasons.md follow from it.
"""

from enum import StrEnum
from typing import Literal

from logscan_api.meanings import Explained


class ConditionType(Explained):
    """A condition of a LogScan, and what it means if it is true."""

    READY = "Ready", "The scan succeeded, or was cancelled: it is in the state that its spec asks for."
    RECONCILING = "Reconciling", "The operator works on the scan, or the scan waits. Left out otherwise."
    STALLED = "Stalled", "The scan failed, and nothing happens until somebody changes its spec. Left out otherwise."
    ADMITTED = "Admitted", "The scan has a slot; for a scan of a prefix: its LogScans may be created."
    JOB_CREATED = "JobCreated", "The Job of the latest attempt was created."
    COMPLETE = "Complete", "The scan succeeded. Set when the scan has ended, as `Failed` is."
    FAILED = "Failed", "The scan failed."
    PARTIAL = "Partial", "The scan succeeded, but part of the input was not read or not counted. Left out otherwise."


class RuleReason(StrEnum):
    """Why the rules of a policy or rule set can or cannot be used: the reason of its condition `Ready`.

    Attributes:
        status: The status of `Ready` with this reason.
        advice: What to do about it, for the documentation.
    """

    status: Literal["True", "False", "Unknown"]
    advice: str

    def __new__(
        cls, word: str, status: Literal["True", "False", "Unknown"] = "Unknown", advice: str = ""
    ) -> "RuleReason":
        """Return a member with its word, its status and its advice; the defaults are for type checkers."""
        reason = str.__new__(cls, word)
        reason._value_ = word
        reason.status = status
        reason.advice = advice
        return reason

    COMPILED = (
        "RulesCompiled",
        "True",
        "Nothing. If the message names slow rules, [make them faster](rules.md#what-an-expression-may-be).",
    )
    INVALID_RULE = (
        "InvalidRule",
        "False",
        "Correct the rule that the message names. If the rules take too long to compile, split them into several "
        "policies or rule sets. Until then, scans with these rules fail.",
    )
    RULE_SET_NOT_READY = (
        "RuleSetNotReady",
        "False",
        "The message names the LogScanRuleSet: create it, or correct its rules or tests. Meanwhile, scans with these "
        "rules wait.",
    )
    TEST_FAILED = (
        "TestFailed",
        "False",
        "Correct the rule of the rule set, or the line beside it, that the message names.",
    )
    INVALID_SPEC = (
        "InvalidSpec",
        "False",
        "This version of the operator cannot read the spec. Upgrade the operator, or correct the policy or rule set.",
    )
    CHECK_FAILED = (
        "CheckFailed",
        "Unknown",
        "Nothing: the check itself failed, for example for lack of memory, and is repeated. Meanwhile, the rules are "
        "used unchecked.",
    )
