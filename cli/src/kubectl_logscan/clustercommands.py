"""The commands about LogScans in the cluster."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubectl_logscan import output
from kubectl_logscan.errors import NotFoundError, UsageError
from kubectl_logscan.explaining import explain
from kubectl_logscan.options import AllNamespaces, Context, Kubeconfig, Name, Namespace, Output, TableName, cluster
from kubectl_logscan.output import Format
from kubectl_logscan.pastscans import Past, span
from logscan_api.results import ScanResult
from logscan_api.rules import Severity
from logscan_api.statuses import ResultRef

if TYPE_CHECKING:
    from kubectl_logscan.cluster import Cluster

Object = dict[str, Any]
DOCUMENTS = (Format.JSON, Format.YAML)
HEAD = ("NAME", "PHASE", "MATCHED", "LINES", "SEVERITY", "INCOMPLETE")
WIDE_HEAD = (*HEAD, "REASON", "BUCKET", "OBJECT", "CREATED")

CLOCK_SKEW = timedelta(minutes=5)  # rows have the time of a node
PAST_HEAD = ("FINISHED", "STATUS", "MATCHED", "LINES", "SEVERITY", "PARTIAL", "BUCKET", "OBJECT")
PAST_FIELDS = (
    "finished_at",
    "status",
    "matched_lines",
    "lines",
    "worst_severity",
    "partial",
    "bucket",
    "key",
    "pk",
    "sk",
)


def list_scans(
    severity: Annotated[Severity | None, typer.Option(help="Only scans that found this severity or worse.")] = None,
    phase: Annotated[str | None, typer.Option(help="Only scans in this phase, such as Failed.")] = None,
    bucket: Annotated[str | None, typer.Option(help="Only scans of this bucket.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Scans that ended in this time, such as 24h or 7d, from the table."),
    ] = None,
    table: TableName = None,
    output_format: Output = Format.TABLE,
    all_namespaces: AllNamespaces = False,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """List LogScans, the newest first; with --since, also those that are gone.

    With --since this needs credentials of AWS with dynamodb:Query for the indexes of the table.
    """
    place = cluster(kubeconfig, context, namespace, all_namespaces)
    if since is not None:
        if phase is not None:
            raise UsageError("--phase is of LogScans, and --since lists rows of the table: use one of them")
        now = datetime.now(UTC)
        until = now + CLOCK_SKEW
        _list_past(place, Past(now - span(since), until, severity, bucket, place.namespace), table, output_format)
        return
    found = place.scans()
    found = [scan for scan in found if _wanted(scan, severity, phase, bucket)]
    found.sort(key=lambda scan: str(scan["metadata"]["creationTimestamp"]), reverse=True)
    if output_format in DOCUMENTS:
        output.show_document(found, output_format)
        return
    wide = output_format is not Format.TABLE
    space = ("NAMESPACE",) if all_namespaces else ()
    rows = [[*([scan["metadata"]["namespace"]] if space else []), *_row(scan, wide)] for scan in found]
    if not rows and output_format is not Format.CSV:
        typer.echo("no LogScans found: try -A for all namespaces, or fewer conditions", err=True)
        return
    output.show_rows((*space, *(WIDE_HEAD if wide else HEAD)), rows, output_format)


def _list_past(place: "Cluster", wanted: Past, table: str | None, output_format: Format) -> None:
    from kubectl_logscan.rows import Rows, table_of  # late, as the cluster

    found = Rows().past(table or table_of(place.scans()), wanted)
    if output_format in DOCUMENTS:
        output.show_document([{name: row.get(name) for name in PAST_FIELDS} for row in found], output_format)
        return
    if not found and output_format is not Format.CSV:
        typer.echo("no scans found: try -A for all namespaces, a longer --since, or fewer conditions", err=True)
        return
    names = PAST_FIELDS if output_format is not Format.TABLE else PAST_FIELDS[: len(PAST_HEAD)]
    head = (*PAST_HEAD, "PK", "SK")[: len(names)]
    output.show_rows(head, [[row.get(name) for name in names] for row in found], output_format)


def why(
    name: Name,
    output_format: Output = Format.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Explain why a LogScan waits, failed or is in another phase, and what to do."""
    found = explain(cluster(kubeconfig, context, namespace).scan(name))
    facts = vars(found)
    if output_format in DOCUMENTS:
        output.show_document(facts, output_format)
    elif output_format is Format.CSV:
        output.show_rows(tuple(facts), [list(facts.values())], output_format)
    else:
        labels = ("phase", "reason", "message", "operator does", "what to do")
        output.show_facts(list(zip(labels, facts.values(), strict=True)))


def results(
    name: Name,
    output_format: Output = Format.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Show what a LogScan found: counts by rule, times, samples, and what was not read.

    The whole result is a row in DynamoDB: this needs credentials of AWS with dynamodb:GetItem for the table.
    """
    from kubectl_logscan.rows import Rows  # late, as the cluster

    scan = cluster(kubeconfig, context, namespace).scan(name)
    status = scan.get("status") or {}
    if "listing" in status:
        raise NotFoundError(
            f"{name} is of a prefix and has no row: its status has the sum ({status.get('message', '')}); "
            "`kubectl logscan history s3://BUCKET/KEY` shows what was found in an object"
        )
    if "result" not in status:
        phase = status.get("phase", "Pending")
        raise NotFoundError(f"{name} has no result, its phase is {phase}: `kubectl logscan why {name}` explains it")
    result = Rows().result(ResultRef.model_validate(status["result"]))
    if output_format in DOCUMENTS:
        output.show_document(result.wire(), output_format)
        return
    rules = [[r.rule, r.severity, r.lines] for r in result.top_rules(len(result.by_rule))]
    if output_format is Format.CSV:
        output.show_rows(("RULE", "SEVERITY", "LINES"), rules, output_format)
        return
    _show_result(result, rules, wide=output_format is Format.WIDE)


def _show_result(result: ScanResult, rules: list[list[object]], wide: bool) -> None:
    output.show_facts(
        [
            ("object", result.uri),
            ("version", result.version_id),
            ("matched", f"{result.matched_lines} of {result.lines} lines, {result.decompressed_bytes} bytes"),
            ("worst severity", result.worst_severity or "none"),
            ("first match", result.first_match_at),
            ("last match", result.last_match_at),
            ("incomplete", result.incomplete_text),
            ("report", result.report_uri),
        ]
    )
    if rules:
        typer.echo()
        output.show_rows(("RULE", "SEVERITY", "LINES"), rules, Format.TABLE)
    if result.samples:
        typer.echo()
        rows: list[list[object]] = []
        for sample in result.samples:
            around = [*(sample.before or []), sample.text, *(sample.after or [])] if wide else [sample.text]
            rows += [[sample.rule if n == 0 else "", sample.line if n == 0 else "", t] for n, t in enumerate(around)]
        output.show_rows(("RULE", "LINE", "SAMPLE"), rows, Format.TABLE)


def retry(name: Name, namespace: Namespace = None, context: Context = None, kubeconfig: Kubeconfig = None) -> None:
    """Run a finished LogScan again."""
    found = cluster(kubeconfig, context, namespace)
    if found.scan(name)["spec"].get("cancel"):
        raise UsageError(f"{name} is cancelled for good: delete it and create it again, or use another name")
    found.change(name, {"retry": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")})
    typer.echo(f"{name} runs again once it has ended: `kubectl logscan why {name}` shows how far it is")


def suspend(name: Name, namespace: Namespace = None, context: Context = None, kubeconfig: Kubeconfig = None) -> None:
    """Suspend a LogScan: a running Job is stopped and starts over after `resume`."""
    cluster(kubeconfig, context, namespace).change(name, {"suspend": True})
    typer.echo(f"{name} is suspended: `kubectl logscan resume {name}` continues it")


def resume(name: Name, namespace: Namespace = None, context: Context = None, kubeconfig: Kubeconfig = None) -> None:
    """Resume a suspended LogScan."""
    cluster(kubeconfig, context, namespace).change(name, {"suspend": False})
    typer.echo(f"{name} is resumed")


def cancel(name: Name, namespace: Namespace = None, context: Context = None, kubeconfig: Kubeconfig = None) -> None:
    """Cancel a LogScan for good and delete its Job."""
    cluster(kubeconfig, context, namespace).change(name, {"cancel": True})
    typer.echo(f"{name} is cancelled")


def _wanted(scan: Object, severity: Severity | None, phase: str | None, bucket: str | None) -> bool:
    """Return whether a LogScan fulfills the conditions of a list."""
    status = scan.get("status") or {}
    worst = (status.get("summary") or {}).get("worstSeverity")
    return (
        (severity is None or (worst in list(Severity) and Severity(worst).rank >= severity.rank))
        and (phase is None or str(status.get("phase", "Pending")).lower() == phase.lower())
        and (bucket is None or scan["spec"]["source"]["s3"]["bucket"] == bucket)
    )


def _row(scan: Object, wide: bool) -> list[Any]:
    status, meta = scan.get("status") or {}, scan["metadata"]
    summary: Object = status.get("summary") or {}
    incomplete = (summary.get("incomplete") or [{}])[0].get("reason")
    counts = [summary.get("matchedLines"), summary.get("lines"), summary.get("worstSeverity"), incomplete]
    row = [meta["name"], status.get("phase", "Pending"), *counts]
    if wide:
        source = scan["spec"]["source"]["s3"]
        row += [status.get("reason"), source["bucket"], source.get("key") or status.get("object")]
        row.append(meta["creationTimestamp"])
    return row
