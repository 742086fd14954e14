"""Scans in the cluster: created, and followed until they end."""

from typing import TYPE_CHECKING, Any

from kubectl_logscan.errors import ScanFailedError, UsageError
from kubectl_logscan.following import follow
from kubectl_logscan.waiting import Waiting
from logscan_api.sources import S3Source
from logscan_api.statuses import Phase
from logscan_api.text import printable
from logscan_scanner.errors import ScanError
from logscan_scanner.localfile import selection_in

if TYPE_CHECKING:
    from kubectl_logscan.cluster import Cluster

ENDED = [phase for phase in Phase if phase.finished]


def create(found: "Cluster", source: S3Source, rules: str | None, packs: list[str]) -> str:
    """Create a LogScan and return its name.

    Args:
        found: The cluster.
        source: What to scan.
        rules: A file of rules; without rules and packs, those of the matching LogScanPolicy run.
        packs: Names of rule packs.

    Raises:
        UsageError: The rules cannot be read.
        ClusterError: The API server did not answer, or refused.
    """
    spec: dict[str, Any] = {"source": {"s3": source.wire()}}
    if packs:
        spec["rules"] = {"packs": packs}
    if rules is not None:
        try:
            selection = selection_in(rules).wire()
        except ScanError as error:
            raise UsageError(str(error)) from error
        records = selection.pop("records", None)
        spec |= {"rules": selection, **({"records": records} if records else {})}
    name: str = found.create("cli-", spec)["metadata"]["name"]
    return name


def wait(found: "Cluster", name: str, seconds: float) -> dict[str, Any]:
    """Return the status of a LogScan once it has succeeded, and show how far it is until then.

    Args:
        found: The cluster.
        name: The LogScan.
        seconds: How long to wait.

    Raises:
        ScanFailedError: It failed, was cancelled, or did not end in time.
        NotFoundError: It was deleted.
        ClusterError: The API server refused, or did not answer until the time was over.
    """
    text = name
    with Waiting(name) as shown:
        for scan in follow(found, name, seconds):
            status: dict[str, Any] = scan.get("status") or {}
            phase, text = status.get("phase"), _state(name, status)
            if phase == Phase.SUCCEEDED:
                return status
            if phase in ENDED:
                raise ScanFailedError(f"{text}: `kubectl logscan why {name}` says what to do")
            shown.say(text, status)
    message = f"not ended after {seconds:.0f} seconds, {text}"
    raise ScanFailedError(f"{message}: wait longer with --timeout, or see `kubectl logscan why {name}`")


def _state(name: str, status: dict[str, Any]) -> str:
    return printable(f"{name} is {status.get('phase', 'Pending')}: {status.get('message', '')}")
