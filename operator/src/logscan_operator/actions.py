"""What the plan may ask for, as plain data: the executor carries it out."""

from dataclasses import dataclass

from logscan_api.statuses import LogScanStatus
from logscan_operator.items import Scan
from logscan_operator.scanjobs import ScanJob


@dataclass(frozen=True)
class CreateJob:
    """Create the Job of an attempt and say so in the status."""

    scan: Scan
    attempt: int


@dataclass(frozen=True)
class SuspendJob:
    """Suspend a Job, or let it go on."""

    scan: Scan
    job: ScanJob
    suspend: bool


@dataclass(frozen=True)
class CheckPending:
    """Find out why a Job's pod does not start; if it is `late`, or never can, that ends the attempt."""

    scan: Scan
    job: ScanJob
    late: bool


@dataclass(frozen=True)
class Collect:
    """Find out how an attempt ended, and say so in the status. Without a Job: it has vanished."""

    scan: Scan
    job: ScanJob | None


@dataclass(frozen=True)
class WriteStatus:
    """Write a status. A note changes nothing that the plan depends on: it may be left out, and never delays others."""

    scan: Scan
    status: LogScanStatus
    note: bool = False


@dataclass(frozen=True)
class Stop:
    """Delete the Job, if there is one, and write the status that follows."""

    scan: Scan
    job: ScanJob | None
    status: LogScanStatus


@dataclass(frozen=True)
class DeleteScan:
    """Delete a LogScan whose time is up."""

    scan: Scan


Action = CreateJob | SuspendJob | CheckPending | Collect | WriteStatus | Stop | DeleteScan
