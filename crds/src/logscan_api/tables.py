"""Tables of the documentation that follow from the code.

`python -m logscan_api.tables PAGE...` writes them into pages, between the comments `<!-- table NAME -->` and
`<!-- end -->`; `--check` reports pages that are out of date.
"""

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from logscan_api.conditions import ConditionType, RuleReason
from logscan_api.exitcodes import ExitCode, Reason
from logscan_api.framing import Framing
from logscan_api.generated import settle
from logscan_api.incomplete import IncompleteReason
from logscan_api.logscans import COLUMNS
from logscan_api.notify import ChannelType
from logscan_api.packs import Pack, load_pack, pack_names
from logscan_api.rules import Severity
from logscan_api.statuses import Phase

_TABLE = re.compile(r"(?s)(<!-- table ([a-z-]+) -->\n).*?(<!-- end -->\n)")


def reasons() -> str:
    """Return the reasons of each phase, with what to do; those with the same advice share a row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for phase in Phase:
        for reason in Reason:
            if phase in reason.phases:
                rows.setdefault((str(phase), reason.advice), []).append(f"`{reason}`")
    return _rows(("phase", "reasons", "what to do"), [(p, ", ".join(words), a) for (p, a), words in rows.items()])


def conditions() -> str:
    """Return the conditions of a LogScan."""
    return _rows(("condition", "`True` means"), [(f"`{kind}`", kind.meaning) for kind in ConditionType])


def rule_reasons() -> str:
    """Return the reasons of the condition `Ready` of policies and rule sets, with what to do."""
    rows = [(reason.status, f"`{reason}`", reason.advice) for reason in RuleReason]
    return _rows(("`Ready`", "reason", "what to do"), rows)


def exit_codes() -> str:
    """Return the exit codes of the scanner."""
    rows = [
        (str(int(code)), f"`{code.reason}`", "no" if code.permanent or not code else "yes", code.meaning)
        for code in ExitCode
    ]
    return _rows(("code", "reason", "retried", "meaning"), rows)


def packs() -> str:
    """Return the shipped rule packs, with the rules of each, worst first."""
    found = [load_pack(name) for name in pack_names()]
    return _rows(("pack", "for", "rules"), [(f"`{pack.name}`", pack.description, _found_by(pack)) for pack in found])


def _found_by(pack: Pack) -> str:
    severities = sorted(Severity, key=lambda severity: severity.rank, reverse=True)
    names = {s: [packed.rule.name for packed in pack.rules if packed.rule.severity is s] for s in severities}
    return "; ".join(f"{severity}: {', '.join(rules)}" for severity, rules in names.items() if rules)


def channels() -> str:
    """Return the ways to notify."""
    rows = [(f"`{kind}`", f"`{kind.needs}`", kind.meaning) for kind in ChannelType]
    return _rows(("type", "needs", "what is sent"), rows)


def incomplete() -> str:
    """Return the reasons for which a scan is incomplete."""
    return _rows(("reason", "meaning"), [(f"`{reason}`", reason.meaning) for reason in IncompleteReason])


def framings() -> str:
    """Return the ways to divide a log into records."""
    return _rows(("framing", "a record is"), [(f"`{framing}`", framing.meaning) for framing in Framing])


def columns() -> str:
    """Return the columns of `kubectl get logscans`."""
    rows = [
        (column["name"].upper(), "`-o wide`" if column.get("priority") else "", f"`{column['jsonPath'][1:]}`")
        for column in COLUMNS
    ]
    return _rows(("column", "only with", "field"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "reasons": reasons,
    "conditions": conditions,
    "rule-reasons": rule_reasons,
    "exit-codes": exit_codes,
    "packs": packs,
    "channels": channels,
    "incomplete": incomplete,
    "framings": framings,
    "columns": columns,
}


def _rows(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ("---",) * len(head), *rows))


def rewritten(page: str) -> str:
    """Return a page with its tables written again.

    Raises:
        KeyError: It asks for a table that there is not.
    """
    return _TABLE.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", page)


def main(arguments: list[str]) -> int:
    """Write the tables of pages, or with `--check` report those that are out of date (exit 1)."""
    pages = [Path(argument) for argument in arguments if argument != "--check"]
    wanted = {page: rewritten(page.read_text(encoding="utf-8")) for page in pages}
    return settle(wanted, "--check" in arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
