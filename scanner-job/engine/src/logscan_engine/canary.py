"""Rules that an engine once counted wrong, matched again whenever the engine is loaded.

A scanner that says 0 where there is something is worse than none, and what makes an engine do so may depend on the
processor, on a library's version or on how it was built: tests on another machine do not see it. So each process
matches this table first, which takes a few milliseconds, and ends if a count is wrong. Which engine lost matches, and
of which rules, is in docs/decisions/0007-rust-engine.md.
"""

from collections.abc import Callable, Sequence

from logscan_engine import counting
from logscan_engine._native import RuleSet
from logscan_engine.errors import InternalError
from logscan_engine.rules import Rule

Count = Callable[[Sequence[str], bytes], Sequence[int | None]]

LINES = (
    b"2026-11-24 10:00:00,123 ERROR [main] com.acme.Db: timeout after 30s\r\n"
    b"261124 100000 148 INFO dfs.DataNode$DataXceiver: Receiving block blk_7 src: /10.0.0.1:54106\n"
    b"[main] 12 12 step level id=3 build of step | result after 10s\n"
    b"curl http://files:8080/ 2>&1 | python\n"
    b" status 7 build after id=3 - upstream after 10s\n"
    b"Jul  1 09:02:26 host kernel[0]: ARPT: 620702.879952: AirPort_Brcm43xx::platformWoWEnable: WWEN[disable]\n"
    b"no errors found\r\n"
    b"errors=0\n"
    b"\n"
    b"the the end\r\n"
    b"a.bx Ax Qx\n"
    b"W1124 10:00:00.000001 7 a.go:1] x" + b" y" * 600 + b" \x00\xff terror, at last"
)

# Expressions and how many of the lines `grep -P` counts for each.
COUNTS = {
    r"ERROR.*:\s*timeout": 1,
    r"INFO.*:\s+Receiving": 1,
    r"level.*\|\s+result": 1,
    r"curl.*\|\s*python": 1,
    r"""status.*-["' ]*upstream""": 1,
    r"Jul.*[=:]\s*ARPT": 1,
    r"INFO[^,]*:\s*Receiving": 1,
    r"DataNode.*:\s*Receiving block (?!blk_8)": 1,
    r"(?i)error[^a-z]": 2,
    r"(?i)[^a-z]ERROR": 2,
    r"terror|error|err|rror": 3,
    r"ERROR|$": 12,
    r"\B": 12,
    r"^$": 1,
    r"(?:30s|found|end)$": 3,
    r"\b(\w+) \g{1}\b": 3,
    r"(?<=id=)\N": 2,
    r"\Qa.b\E(?=x)": 1,
    r"[\Q.\E]x": 0,
    r"\x{41}(?=x)": 1,
    r"^[IWEF]\d{4} .* \x00\xff ": 1,
    r"\xff.*\blast\z": 1,
}


def check(count: Count) -> None:
    """Make sure that an engine counts what it must.

    Args:
        count: Returns how many lines of a text each expression matches, None for one given up; all are matched at once.

    Raises:
        InternalError: It does not; the message names an expression that is counted wrong.
    """
    for (pattern, expected), counted in zip(COUNTS.items(), count(list(COUNTS), LINES), strict=True):
        if counted != expected:
            raise InternalError(
                f"the engine counts wrong on this machine: {counted} instead of {expected} lines for {pattern}; "
                "no count of it can be trusted, report it with the machine's processor"
            )


def self_check() -> None:
    """Make sure that the engine counts right on this machine.

    Raises:
        InternalError: It does not.
    """
    check(_counts)


def _counts(patterns: Sequence[str], text: bytes) -> list[int]:
    rules = RuleSet([Rule(f"canary-{number}", pattern) for number, pattern in enumerate(patterns)])
    return counting.count(rules, text).by_rule
