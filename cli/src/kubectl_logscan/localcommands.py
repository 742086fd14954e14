"""The command that scans a file of this machine: the scanner's own code, and no cluster."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kubectl_logscan import output
from kubectl_logscan.errors import CliError, Exit, NotFoundError, UsageError
from kubectl_logscan.options import Output
from kubectl_logscan.output import Format
from logscan_api import UnknownPackError
from logscan_api.exitcodes import ExitCode
from logscan_api.framing import Records
from logscan_api.packs import resolve_rules
from logscan_api.rules import Rule, RuleSelection, Severity
from logscan_scanner.errors import ScanError
from logscan_scanner.localfile import rules_in, scan_with

DEFAULT_PACKS = ("levels",)


def scan(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A log, also compressed or in an archive; - for stdin.")],
    rules: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML with packs, inline and records, as in a LogScan's spec.")
    ] = None,
    pack: Annotated[list[str] | None, typer.Option(help="Rule pack, may be repeated (default: levels).")] = None,
    fail_on: Annotated[
        Severity | None, typer.Option(help="Exit with 1 if a line of this severity or worse is found, for CI.")
    ] = None,
    output_format: Output = Format.TABLE,
) -> None:
    """Scan a file of this machine, as a Job in the cluster would scan it."""
    if file.startswith("s3://"):
        raise UsageError(f"scan reads local files: copy it first, `aws s3 cp {file} - | kubectl logscan scan -`")
    chosen, records = _rules(rules, pack)
    severities = {rule.name: rule.severity for rule in chosen}
    try:
        found: dict[str, Any] = scan_with(file, chosen, records)
    except ScanError as error:
        raise _as_error(error) from error
    _show(found, severities, output_format)
    if fail_on is not None:
        code = verdict(found, fail_on)
        if code:
            raise typer.Exit(code)


def verdict(found: dict[str, Any], fail_on: Severity) -> Exit:
    """Return how a scan with `--fail-on` ends: what was found counts before what was not read."""
    if any(lines for severity, lines in found["bySeverity"].items() if Severity(severity).rank >= fail_on.rank):
        return Exit.FOUND
    return Exit.INCOMPLETE if found["incomplete"] else Exit.OK


def _rules(path: Path | None, packs: list[str] | None) -> tuple[list[Rule], Records]:
    """Return the rules that the options choose, and how the log is divided."""
    if path is not None and packs:
        raise UsageError("use either --rules or --pack: a rules file may name packs too")
    try:
        if path is not None:
            return rules_in(str(path))
        return resolve_rules(RuleSelection(packs=[*(packs or DEFAULT_PACKS)])), Records()
    except ScanError as error:
        raise UsageError(str(error)) from error
    except UnknownPackError as error:
        raise UsageError(str(error)) from error
    except ValueError as error:
        raise UsageError(f"--pack: name at most 8 packs, of those that `rules list` shows: {packs}") from error


def _as_error(error: ScanError) -> CliError:
    """Return the error of a command for one of the scanner."""
    if error.code is ExitCode.OBJECT_NOT_FOUND:
        return NotFoundError(str(error))
    return UsageError(str(error))


def _show(found: dict[str, Any], severities: dict[str, Severity], chosen: Format) -> None:
    if chosen in (Format.JSON, Format.YAML):
        output.show_document(found, chosen)
        return
    counts = sorted(((-lines, name) for name, lines in found["byRule"].items() if lines))
    rows = [[name, severities[name], -lines] for lines, name in counts]
    if chosen is Format.CSV:
        output.show_rows(("RULE", "SEVERITY", "LINES"), rows, chosen)
        return
    times = [found.get("firstMatch"), found.get("lastMatch")]
    missing = ", ".join(filter(None, (f"{p['reason']} {p.get('message', '')}".strip() for p in found["incomplete"])))
    output.show_facts(
        [
            ("matched", f"{found['matchedLines']} of {found['lines']} lines"),
            ("first match", times[0]),
            ("last match", times[1]),
            ("incomplete", missing),
            ("slow rules", ", ".join(found["slowRules"]) if chosen is Format.WIDE else None),
        ]
    )
    if rows:
        typer.echo()
        output.show_rows(("RULE", "SEVERITY", "LINES"), rows, Format.TABLE)
    samples = [[s["rule"], s["line"], s["text"]] for s in found["samples"]]
    if samples:
        typer.echo()
        output.show_rows(("RULE", "LINE", "SAMPLE"), samples, Format.TABLE)
