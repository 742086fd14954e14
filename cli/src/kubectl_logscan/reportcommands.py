"""The command that fetches the report of a scan."""

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from kubectl_logscan.errors import NotFoundError, UsageError
from kubectl_logscan.options import Context, Kubeconfig, Name, Namespace, cluster
from logscan_api.text import printable


class ReportFormat(StrEnum):
    """What is fetched."""

    JSONL = "jsonl"
    CSV = "csv"
    HTML = "html"
    SARIF = "sarif"
    OCSF = "ocsf"

    @property
    def field(self) -> str:
        """Return the field of `status.result` with the address of the file."""
        return "htmlReportUri" if self is ReportFormat.HTML else "reportUri"


def report(
    name: Name,
    report_format: Annotated[
        ReportFormat,
        typer.Option(
            "--format", help="Findings as JSON Lines, CSV, SARIF 2.1.0 or OCSF 1.8.0, or the page for people."
        ),
    ] = ReportFormat.JSONL,
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there (default: to stdout).")] = None,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Fetch the report of a LogScan: what each rule found, line by line, or the page for people.

    This needs credentials of AWS with s3:GetObject for the reports bucket.
    """
    if report_format is ReportFormat.HTML and file is None and sys.stdout.isatty():
        raise UsageError(f"a page is for a browser: write it with --file {name}.html")
    scan = cluster(kubeconfig, context, namespace).scan(name)
    content = _content(scan, _address(name, scan.get("status") or {}, report_format), report_format)
    if file is not None:
        _write(file, content)
        typer.echo(f"the report of {name} is in {printable(str(file))}")
    elif sys.stdout.isatty():
        for line in content:
            typer.echo(printable(line.decode("utf-8", "replace").rstrip("\n")))
    else:
        sys.stdout.buffer.writelines(content)


def _address(name: str, status: dict[str, Any], chosen: ReportFormat) -> str:
    """Return where a LogScan's report is."""
    if "result" not in status:
        phase = status.get("phase", "Pending")
        raise NotFoundError(f"{name} has no result, its phase is {phase}: `kubectl logscan why {name}` explains it")
    address = status["result"].get(chosen.field)
    if address is None:
        raise NotFoundError(f"{name} has no report: set reportsBucket in the chart, and scan again")
    return str(address)


def _content(scan: dict[str, Any], address: str, chosen: ReportFormat) -> Iterator[bytes]:
    from kubectl_logscan import findings, ocsf, reports, sarif  # late, as the cluster

    content = reports.read(address)
    if chosen is ReportFormat.HTML:
        return reports.chunks(content, address)
    lines = reports.lines(content, address)
    if chosen is ReportFormat.JSONL:
        return lines
    if chosen is ReportFormat.CSV:
        return reports.as_csv(lines, address)
    scanned = findings.Scanned.of(scan)
    found = findings.read(lines, scanned, address)
    return sarif.document(found, scanned) if chosen is ReportFormat.SARIF else ocsf.events(found, scanned)


def _write(path: Path, content: Iterable[bytes]) -> None:
    try:
        with path.open("wb") as out:
            out.writelines(content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}: choose another file") from error
