"""`python -m logscan_engine`: rules on standard input, a verdict on standard output.

The input is a list in JSON, of objects with the fields of `Rule`, and with the lists of lines `matches` and `ignores`
that test it. The verdict is one line of JSON: `{"problem": null, "slow": {}, "failed": []}` when every rule compiles
and passes its tests. `problem` says what is wrong with a rule, `slow` names the slow rules, with the seconds of CPU
time that each adds to the scan of 1 GB of an ordinary log, and `failed` says which tests fail. The exit code is 0 in
all cases. A process that SIGXCPU ends had rules that take longer than `CPU_SECONDS` to compile; any other end, such as
by a lack of memory, says nothing about the rules.
"""

import json
import os
import resource
import sys

from logscan_engine import InvalidRuleError, Rule, RuleSet
from logscan_engine.linetests import failures

CPU_SECONDS = 10  # 300 ordinary rules take well under one
DATA_BYTES = 256 * 1024 * 1024


def verdict_on(text: str) -> dict[str, object]:
    """Return what is to be said of rules.

    Args:
        text: The rules in JSON.
    """
    try:
        entries = json.loads(text)
        tests = [(fields.pop("matches", []), fields.pop("ignores", [])) for fields in entries]
        rules = [Rule(**fields) for fields in entries]
        costs = RuleSet(rules).costs()
        failed = [
            failure
            for rule, lines in zip(rules, tests, strict=True)
            if any(lines)
            for failure in failures(rule, *lines)
        ]
    except (TypeError, ValueError, AttributeError, InvalidRuleError) as error:
        return {"problem": str(error), "slow": {}, "failed": []}
    slow = {rules[position].name: round(seconds, 1) for position, seconds in costs}
    return {"problem": None, "slow": slow, "failed": failed}


def _limit(kind: int, most: int, grace: int = 0) -> None:
    """Limit this process, unless it is limited further already."""
    _soft, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY or hard > most + grace:
        resource.setrlimit(kind, (most, most + grace))


def main() -> None:
    """Print the verdict, within limits of CPU time and memory that protect the other processes of the container."""
    os.nice(10)
    _limit(resource.RLIMIT_CORE, 0)
    # SIGXCPU first: the kernel's SIGKILL after it does not name the reason.
    _limit(resource.RLIMIT_CPU, CPU_SECONDS, grace=5)
    _limit(resource.RLIMIT_DATA, DATA_BYTES)
    sys.stdout.write(json.dumps(verdict_on(sys.stdin.read())) + "\n")


if __name__ == "__main__":
    main()
