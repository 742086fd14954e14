"""LogScans followed until they end: a table that updates in place on a terminal, a line per change elsewhere."""

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
        """Prepare.

        Args:
            kubectl: The cluster.
            console: Where to show them.
        """
        self._kubectl = kubectl
        self._console = console
        self._told: dict[str, str] = {}

    def until_finished(self, wanted: Mapping[str, Callable[[Object], bool]], seconds: float) -> dict[str, Object]:
        """Return LogScans once all are finished.

        Args:
            wanted: By a label of the caller's, which LogScan is meant; the newest, if several are.
            seconds: How long to wait at the most.

        Raises:
            StackError: Some were not finished in time; with what they wait for.
        """
        deadline = time.monotonic() + seconds
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                items = self._kubectl.get("logscans")["items"]
                scans = {label: _newest(items, matches) for label, matches in wanted.items()}
                if self._console.is_terminal:
                    live.update(_table(scans), refresh=True)
                else:
                    self._tell(scans)
                if all(_phase(scan) in FINISHED for scan in scans.values()):
                    return {label: scan for label, scan in scans.items() if scan}
                if time.monotonic() > deadline:
                    raise StackError(_late(scans, seconds))
                time.sleep(POLL_SECONDS)

    def _tell(self, scans: Scans) -> None:
        for label, scan in scans.items():
            words = _words(scan)
            if self._told.get(label) != words:
                self._told[label] = words
                self._console.print(f"  {_name(label, scan)}: {words}", markup=False, soft_wrap=True)


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
    lines = "".join(f"\n  {_name(label, scan)}: {_words(scan)}" for label, scan in late.items())
    lost = any(scan is None for scan in late.values())
    hint = "; `kubectl logs deployment/logscan-operator` tells of messages" if lost else ""
    return f"not finished after {seconds:.0f} s (`kubectl describe logscan` tells more{hint}):{lines}"


def _name(label: str, scan: Object | None) -> str:
    return label if scan is None else str(scan["metadata"]["name"])


def _phase(scan: Object | None) -> str:
    return "on its way" if scan is None else str(scan.get("status", {}).get("phase", "Pending"))


def _words(scan: Object | None) -> str:
    message = (scan or {}).get("status", {}).get("message", "")
    return f"{_phase(scan)}{': ' + message if message else ''}"
