"""LogScans followed until they end: a table that updates in place on a terminal, a line per change elsewhere."""

import time

from rich.console import Console
from rich.live import Live
from rich.table import Table

from logscan_local.cluster import Kubectl, Object
from logscan_local.errors import StackError

POLL_SECONDS = 0.3
FINISHED = ("Succeeded", "Failed", "Cancelled")
STYLES = {"Succeeded": "green", "Failed": "red", "Running": "yellow"}


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

    def until_finished(self, names: list[str], seconds: float) -> dict[str, Object]:
        """Return the LogScans once all are finished.

        Raises:
            StackError: Some were not finished in time; with what they wait for.
        """
        deadline = time.monotonic() + seconds
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                found = {s["metadata"]["name"]: s for s in self._kubectl.get("logscans")["items"]}
                scans = {name: found.get(name) for name in names}
                if self._console.is_terminal:
                    live.update(_table(scans), refresh=True)
                else:
                    self._tell(scans)
                if all(_phase(scan) in FINISHED for scan in scans.values()):
                    return {name: scan for name, scan in scans.items() if scan}
                if time.monotonic() > deadline:
                    late = {name: _words(scan) for name, scan in scans.items() if _phase(scan) not in FINISHED}
                    raise StackError(f"not finished after {seconds:.0f} s: {late}; see `kubectl describe logscan`")
                time.sleep(POLL_SECONDS)

    def _tell(self, scans: dict[str, Object | None]) -> None:
        for name, scan in scans.items():
            words = _words(scan)
            if self._told.get(name) != words:
                self._told[name] = words
                self._console.print(f"  {name}: {words}", markup=False, soft_wrap=True)


def _table(scans: dict[str, Object | None]) -> Table:
    table = Table("LogScan", "Phase", "Message", box=None, pad_edge=False)
    for name, scan in scans.items():
        phase = _phase(scan)
        message = (scan or {}).get("status", {}).get("message", "")
        table.add_row(name, f"[{STYLES.get(phase, 'dim')}]{phase}[/]", message)
    return table


def _phase(scan: Object | None) -> str:
    return "on its way" if scan is None else str(scan.get("status", {}).get("phase", "Pending"))


def _words(scan: Object | None) -> str:
    message = (scan or {}).get("status", {}).get("message", "")
    return f"{_phase(scan)}{': ' + message if message else ''}"
