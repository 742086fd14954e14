"""The commands that scan, and that show earlier scans of an object."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kubectl_logscan import clusterscans, localscans, output
from kubectl_logscan.errors import Exit, UsageError
from kubectl_logscan.locations import SCHEME, source_of
from kubectl_logscan.options import Context, Kubeconfig, Namespace, Output, TableName, cluster
from kubectl_logscan.output import Format
from logscan_api.rules import Severity

FilePath = Annotated[
    str,
    typer.Argument(metavar="FILE", help="A log, also compressed or in an archive; - for stdin; or s3://BUCKET/KEY."),
]
RulesPath = Annotated[
    Path | None, typer.Option(metavar="FILE", help="YAML with packs, inline and records, as in a LogScan's spec.")
]
Packs = Annotated[
    list[str] | None, typer.Option(help="Rule pack, may be repeated (default: levels; in S3, those of the policy).")
]
FailOn = Annotated[
    Severity | None, typer.Option(help="Exit with 1 if a line of this severity or worse is found, for CI.")
]
Wait = Annotated[bool, typer.Option("--wait", help="With s3://: wait until the scan has ended.")]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds that --wait waits at most.")]
Address = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="s3://BUCKET/KEY, or s3://BUCKET/PREFIX* for a prefix.")
]


def scan(
    file: FilePath,
    rules: RulesPath = None,
    pack: Packs = None,
    fail_on: FailOn = None,
    wait: Wait = False,
    timeout: Timeout = 3600,
    output_format: Output = Format.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Scan a file of this machine as a Job in the cluster would, or create a LogScan for an object in S3."""
    if rules is not None and pack:
        raise UsageError("use either --rules or --pack: a rules file may name packs too")
    if not file.startswith(SCHEME):
        found = localscans.scan_file(file, rules, pack or [], output_format)
        _end(found["bySeverity"], found["incomplete"], fail_on)
        return
    if fail_on is not None and not wait:
        raise UsageError("--fail-on needs --wait for an object in S3: add --wait")
    place = cluster(kubeconfig, context, namespace)
    name = clusterscans.create(place, source_of(file), None if rules is None else str(rules), pack or [])
    typer.echo(f"LogScan {name} is created: `kubectl logscan results {name}` shows what it finds")
    if wait:
        summary: dict[str, Any] = clusterscans.wait(place, name, timeout).get("summary") or {}
        typer.echo(f"{summary.get('matchedLines')} of {summary.get('lines')} lines matched")
        _end(summary.get("bySeverity") or {}, summary.get("incomplete") or [], fail_on)


def history(
    address: Address,
    table: TableName = None,
    output_format: Output = Format.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Show all scans of an object, also those whose LogScans are gone.

    This needs credentials of AWS with dynamodb:Query for the table.
    """
    from kubectl_logscan.rows import Rows, table_of  # late, as the cluster

    source, place = source_of(address), cluster(kubeconfig, context, namespace)
    results = Rows().of_object(table or table_of(place.scans()), source, str(place.namespace))
    if output_format in (Format.JSON, Format.YAML):
        output.show_document([result.wire() for result in results], output_format)
        return
    if not results and output_format is not Format.CSV:
        typer.echo(f"no scan of {address} in the namespace {place.namespace}: -n chooses another one", err=True)
        return
    rows = [
        [r.finished_at, r.matched_lines, r.lines, r.worst_severity, r.incomplete_text, r.version_id, r.scan]
        for r in results
    ]
    output.show_rows(
        ("FINISHED", "MATCHED", "LINES", "SEVERITY", "INCOMPLETE", "VERSION", "LOGSCAN"), rows, output_format
    )


def verdict(by_severity: dict[str, int], incomplete: list[Any], fail_on: Severity) -> Exit:
    """Return how a scan with `--fail-on` ends: what was found counts before what was not read."""
    known = {str(severity): severity.rank for severity in Severity}
    # A severity that a newer version added may be worse than all that are known.
    if any(lines and known.get(word, len(known)) >= fail_on.rank for word, lines in by_severity.items()):
        return Exit.FOUND
    return Exit.INCOMPLETE if incomplete else Exit.OK


def _end(by_severity: dict[str, int], incomplete: list[Any], fail_on: Severity | None) -> None:
    code = Exit.OK if fail_on is None else verdict(by_severity, incomplete, fail_on)
    if code:
        raise typer.Exit(code)
