"""The page on troubleshooting explains the reason of every Event; those of failures have a page that is generated."""

import ast
import re
from functools import cache
from itertools import product
from pathlib import Path

from objects import scan_body

from logscan_api.exitcodes import Reason
from logscan_api.statuses import LogScanStatus, Phase
from logscan_operator import announcer, events
from logscan_operator.items import Scan

PAGE = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting.md"


@cache
def explained(section: str) -> frozenset[str]:
    """Return the words in the tables of a section of the page."""
    (text,) = re.findall(
        rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return frozenset(word for row in re.findall(r"^\|.*", text, re.MULTILINE) for word in re.findall(r"`(\w+)`", row))


def literals(module: Path, call: str, argument: int) -> set[str]:
    """Return the texts that a module gives as an argument of calls of a function."""
    calls = [node for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    given = [
        node.args[argument]
        for node in calls
        if isinstance(node.func, ast.Name) and node.func.id == call and len(node.args) > argument
    ]
    return {str(text.value) for text in given if isinstance(text, ast.Constant)}


def test_every_reason_of_an_event_is_explained() -> None:
    made_by_hand = Scan.parse(scan_body())
    found = literals(Path(events.__file__), "build", 2)
    assert "LeftOut" in found
    for phase, reason, retry in product(Phase, Reason, (None, "2026-11-26T10:00:00Z")):
        after = LogScanStatus.model_validate({"phase": phase, "reason": str(reason), "retryTime": retry})
        if phase in reason.phases:
            _, word = events.worth_reporting(made_by_hand, after) or ("", "Retrying")
            found.add(word)
    assert {"Retrying", "RunsAgain", "JobCreated", "Succeeded"} <= found
    found.add(announcer.NOT_NOTIFIED)
    failures = {str(reason) for reason in Reason if Phase.FAILED in reason.phases}
    assert found - failures <= explained("Events")
