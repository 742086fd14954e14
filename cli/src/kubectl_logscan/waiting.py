"""What `scan --wait` shows meanwhile: a bar in a terminal, and otherwise a line for each change."""

from types import TracebackType
from typing import Any, Self

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from kubectl_logscan import output
from logscan_api.text import printable


def share(status: dict[str, Any]) -> tuple[int, int] | None:
    """Return how much of a scan is done, and of how much; None if that is not known.

    Args:
        status: The status of a LogScan: it counts the objects of a list, and estimates a prefix in percent.
    """
    listing, objects = status.get("listing") or {}, status.get("objects") or {}
    if (percent := listing.get("percent")) is not None:
        return percent, 100
    if total := objects.get("total"):
        ended = sum(objects.get(name) or 0 for name in ("done", "skipped", "failed"))
        return min(ended, total), total
    return None


class Waiting:
    """Shows on standard error how far a scan is, and takes the bar away at the end."""

    def __init__(self, name: str) -> None:
        """Show nothing yet.

        Args:
            name: The LogScan.
        """
        console = output.error_console()
        self._live = console.is_terminal
        self._last = ""
        # The text gives way in a narrow terminal, not the bar.
        text = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True))
        bar = (BarColumn(bar_width=12), TaskProgressColumn(), TimeElapsedColumn())
        self._progress = Progress(
            SpinnerColumn(), text, *bar, console=console, transient=True, expand=True, disable=not self._live
        )
        self._task = self._progress.add_task(printable(name), total=None)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Take the bar away."""
        self._progress.stop()

    def say(self, text: str, status: dict[str, Any]) -> None:
        """Show a state and how far it is; a line of its own if output goes elsewhere, unless it is the last one."""
        done, total = share(status) or (0, None)
        if self._live:
            self._progress.update(self._task, description=text, completed=done, total=total)
        elif text != self._last:
            typer.echo(text, err=True)
        self._last = text
