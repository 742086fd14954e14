"""`python -m logscan_engine`: rules on standard input, as `spec.rules` has them in JSON; a verdict on standard output.

The verdict is one line of JSON: `{"problem": null}` when every rule compiles, else what is wrong with them. The exit
code is 0 in both cases. A process that SIGXCPU ends had rules that take longer than `CPU_SECONDS` to compile; any other
end, such as by a lack of memory, says nothing about the rules.
"""

import json
import resource
import sys

from pydantic import ValidationError

from logscan_api import UnknownPackError
from logscan_api.packs import resolve_rules
from logscan_api.rules import RuleSelection
from logscan_engine.compiling import compile_rules
from logscan_engine.errors import InvalidRuleError

CPU_SECONDS = 60
DATA_BYTES = 256 * 1024 * 1024


def problem_of(text: str) -> str | None:
    """Return what is wrong with rules, or None if they can be used.

    Args:
        text: `spec.rules` in JSON.
    """
    try:
        compile_rules(resolve_rules(RuleSelection.model_validate_json(text)))
    except (ValidationError, UnknownPackError, InvalidRuleError) as error:
        return str(error)
    return None


def _limit(kind: int, most: int, grace: int = 0) -> None:
    """Limit this process, unless it is limited further already."""
    _soft, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY or hard > most + grace:
        resource.setrlimit(kind, (most, most + grace))


def main() -> None:
    """Print the verdict, within bounds of CPU time and memory that spare whoever shares the container."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, CPU_SECONDS, grace=5)  # SIGXCPU first: the kernel's SIGKILL after it tells less
    _limit(resource.RLIMIT_DATA, DATA_BYTES)
    sys.stdout.write(json.dumps({"problem": problem_of(sys.stdin.read())}) + "\n")


if __name__ == "__main__":
    main()
