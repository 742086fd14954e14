"""Follows LogScans until they finish: with a table on a terminal, else with a line for each change."""

import time
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.live import Live
from rich.table import Table

from logscan_local.stack.errors import StackError
from logscan_local.stack.kubectl import Kubectl, Object

POLL_SECONDS = 0.3
FINISHED = ("Succeeded", "Failed", "Cancelled")
STYLES = {"Succeeded": "green", "Failed": "red", "Running": "yellow"}

Scans = dict[str, Object | None]


class Watcher:
    """Follows LogScans and shows them."""

    def __init__(self, kubectl: Kubectl, console: Console) -> None:
        """Take the cluster, and the console for the output."""
        self._kubectl = kubectl
        self._console = console
        self._printed: dict[str, str] = {}

    def until_finished(self, wanted: Mapping[str, Callable[[Object], bool]], seconds: float) -> dict[str, Object]:
        """Return the LogScans once all are finished.

        Args:
            wanted: For each label of the caller, which LogScan to follow; the newest, if several match.
            seconds: How long to wait.

        Raises:
            StackError: Some did not finish in time; with their last messages.
        """
        deadline = time.monotonic() + seconds
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                items = self._kubectl.get("logscans")["items"]
                scans = {label: _newest(items, matches) for label, matches in wanted.items()}
                if self._console.is_terminal:
                    live.update(_table(scans), refresh=True)
                else:
                    self._print(scans)
                if all(_phase(scan) in FINISHED for scan in scans.values()):
                    return {label: scan for label, scan in scans.items() if scan}
                if time.monotonic() > deadline:
                    raise StackError(_late(scans, seconds))
                time.sleep(POLL_SECONDS)

    def _print(self, scans: Scans) -> None:
        for label, scan in scans.items():
            state = _state(scan)
            if self._printed.get(label) != state:
                self._printed[label] = state
                self._console.print(f"  {_name(label, scan)}: {state}", markup=False, soft_wrap=True)


def _newest(items: list[Object], matches: Callable[[Object], bool]) -> Object | None:
    found = [item for item in items if matches(item)]
    return max(found, key=lambda item: str(item["metadata"].get("creationTimestamp", "")), default=None)


def _table(scans: Scans) -> Table:
    table = Table("LogScan", "Phase", "Message", box=None, pad_edge=False)
    for label, scan in scans.items():
        phase = _phase(scan)
        message = (scan or {}).get("status", {}).get("message", "")
        table.add_row(_name(label, scan), f"[{STYLES.get(phase, 'dim')}]{phase}[/]", message)
    return table


def _late(scans: Scans, seconds: float) -> str:
    late = {label: scan for label, scan in scans.items() if _phase(scan) not in FINISHED}
    lines = "".join(f"\n  {_name(label, scan)}: {_state(scan)}" for label, scan in late.items())
    lost = any(scan is None for scan in late.values())
    hint = " and `kubectl logs deployment/logscan-operator`" if lost else ""
    return f"not finished after {seconds:.0f} s, see `kubectl describe logscan`{hint}:{lines}"


def _name(label: str, scan: Object | None) -> str:
    return label if scan is None else str(scan["metadata"]["name"])


def _phase(scan: Object | None) -> str:
    return "not created yet" if scan is None else str(scan.get("status", {}).get("phase", "Pending"))


def _state(scan: Object | None) -> str:
    message = (scan or {}).get("status", {}).get("message", "")
    return f"{_phase(scan)}{': ' + message if message else ''}"
