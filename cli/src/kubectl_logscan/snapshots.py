"""What waits and what runs at a moment, and how it is shown: pure, for `top`."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kubectl_logscan.output import PHASE_STYLES
from kubectl_logscan.waiting import share
from logscan_api.statuses import Phase
from logscan_api.text import printable

RATE_SECONDS = 60.0
SHOWN_PHASES = (Phase.PENDING, Phase.QUEUED, Phase.RUNNING, Phase.SUSPENDED, Phase.SUCCEEDED, Phase.FAILED)
BAR_COLUMNS = 10
WIDE_COLUMNS = 80  # with fewer, the column of objects is left out


@dataclass(frozen=True)
class Running:
    """A scan that runs.

    Attributes:
        name: The LogScan.
        object: What it scans.
        seconds: How long it has run.
        done: How much is done, and of how much; None if that is not known.
    """

    name: str
    object: str
    seconds: float
    done: tuple[int, int] | None


@dataclass(frozen=True)
class Snapshot:
    """What waits and what runs.

    Attributes:
        at: The time.
        queue: What is known of the queue, in words; empty if nothing is.
        phases: LogScans by phase.
        running: Those that run, the oldest first.
        ended: How many ended in the last minute.
    """

    at: datetime
    queue: str
    phases: dict[str, int]
    running: list[Running]
    ended: int


def taken(scans: list[dict[str, Any]], queue: str, now: datetime) -> Snapshot:
    """Return what LogScans tell.

    Args:
        scans: The LogScans.
        queue: What is known of the queue.
        now: The time.
    """
    statuses = [(scan, scan.get("status") or {}) for scan in scans]
    running = [
        Running(
            name=scan["metadata"]["name"],
            object=str(status.get("object") or scan["spec"]["source"]["s3"].get("key") or ""),
            seconds=_age(status.get("startTime"), now),
            done=share(status),
        )
        for scan, status in statuses
        if status.get("phase") == Phase.RUNNING
    ]
    ended = [s for _, s in statuses if s.get("completionTime") and _age(s["completionTime"], now) <= RATE_SECONDS]
    phases = Counter(str(status.get("phase") or Phase.PENDING) for _, status in statuses)
    return Snapshot(now, queue, dict(phases), sorted(running, key=lambda r: -r.seconds), len(ended))


def shown(found: Snapshot, columns: int, rows: int) -> RenderableType:
    """Return a snapshot in the room that there is.

    Args:
        found: The snapshot.
        columns: Width of the terminal.
        rows: Its height; scans that run and have no room are counted.
    """
    counts = Text()
    for phase in SHOWN_PHASES:
        counts.append(f"{phase.value} ", style="dim")
        counts.append(f"{found.phases.get(phase, 0)}  ", style=PHASE_STYLES.get(phase, ""))
    head = Text(f"{found.at:%H:%M:%S}  {found.ended} scans ended in the last minute")
    queue = Text(printable(found.queue or "the queue is not known"))
    room = max(1, rows - 8)
    parts: list[RenderableType] = [head, queue, counts, Text(), _table(found.running[:room], columns)]
    if len(found.running) > room:
        parts.append(Text(f"and {len(found.running) - room} more", style="dim"))
    return Group(*parts)


def _table(running: list[Running], columns: int) -> RenderableType:
    if not running:
        return Text("no scan runs", style="dim")
    wide = columns >= WIDE_COLUMNS
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table.add_column("RUNNING", no_wrap=True, overflow="ellipsis", ratio=2)
    if wide:
        table.add_column("OBJECT", no_wrap=True, overflow="ellipsis", ratio=2)
    table.add_column("FOR", no_wrap=True, justify="right", min_width=7)
    table.add_column("DONE", no_wrap=True, min_width=BAR_COLUMNS)
    for scan in running:
        done, total = scan.done or (0, 0)
        bar: RenderableType = ProgressBar(total, done, width=BAR_COLUMNS) if scan.done else Text("…")
        names = [printable(scan.name), *([printable(scan.object)] if wide else [])]
        table.add_row(*(Text(name) for name in names), f"{scan.seconds:.0f} s", bar)
    return table


def _age(moment: str | None, now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(moment)).total_seconds()) if moment else 0.0
