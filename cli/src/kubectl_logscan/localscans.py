"""A file of this machine scanned by the scanner's own code."""

from pathlib import Path
from typing import Any

import typer

from kubectl_logscan import output
from kubectl_logscan.errors import CliError, NotFoundError, UsageError
from kubectl_logscan.output import Format
from logscan_api import UnknownPackError
from logscan_api.exitcodes import ExitCode
from logscan_api.framing import Records
from logscan_api.packs import resolve_rules
from logscan_api.rules import Rule, RuleSelection, Severity
from logscan_scanner.errors import ScanError
from logscan_scanner.localfile import rules_in, scan_with

DEFAULT_PACKS = ("levels",)


def scan_file(file: str, rules: Path | None, packs: list[str], chosen: Format) -> dict[str, Any]:
    """Scan a file, show what was found, and return it.

    Args:
        file: The file, or `-` for standard input.
        rules: A file of rules.
        packs: Names of rule packs.
        chosen: How to print.

    Raises:
        UsageError: A rule is wrong, or the file is not a log.
        NotFoundError: The file cannot be read.
    """
    found_rules, records = _rules(rules, packs)
    try:
        found: dict[str, Any] = scan_with(file, found_rules, records)
    except ScanError as error:
        raise _as_error(error) from error
    _show(found, {rule.name: rule.severity for rule in found_rules}, chosen)
    return found


def _rules(path: Path | None, packs: list[str]) -> tuple[list[Rule], Records]:
    """Return the rules that the options choose, and how the log is divided."""
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
