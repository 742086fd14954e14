"""Rules tried on a local file, without AWS."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import yaml
from pydantic import ValidationError

import logscan_engine as engine
from logscan_api import UnknownPackError
from logscan_api.errors import UnknownRuleSetError
from logscan_api.exitcodes import ExitCode
from logscan_api.explanations import explain
from logscan_api.framing import Records
from logscan_api.packs import resolve_rules
from logscan_api.requests import resolve_limits
from logscan_api.rules import Rule, RuleSelection, Severity
from logscan_scanner.errors import ScanError
from logscan_scanner.scanning import histogram
from logscan_scanner.scanning.progress import Progress
from logscan_scanner.scanning.rules import compile_for_scan
from logscan_scanner.scanning.scan import Scan

CHUNK_BYTES = 512 * 1024
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # by libyaml, where PyYAML has it: 20 ms less for 100 rules


class RulesFile(RuleSelection):
    """Rules, and the records of the log that they are tried on."""

    records: Records | None = None


def scan_file(path: str, rules_path: str) -> dict[str, object]:
    """Return what the rules in a file find in another one; see `scan_with`.

    Args:
        path: The file, or `-` for standard input.
        rules_path: YAML with `packs` and `inline`, as in a LogScan's `spec.rules`, and `records`, as in its spec.

    Raises:
        ScanError: A file cannot be read, or a rule is invalid.
    """
    return scan_with(path, *rules_in(rules_path))


def scan_with(path: str, rules: list[Rule], records: Records) -> dict[str, object]:
    """Return what rules find in a file, in the form of the output.

    Args:
        path: The file, or `-` for standard input.
        rules: The rules.
        records: How the file is divided into records.

    Raises:
        ScanError: The file cannot be read, or a rule is invalid.
    """
    ruleset = compile_for_scan(rules)
    scan = Scan(ruleset, rules, resolve_limits(), Progress(None), records=records)
    try:
        if path == "-":
            scan.read(_chunks(sys.stdin.buffer), None)
        else:
            scan.read_file(engine.LogFile(path), path)
    except OSError as error:
        raise ScanError(f"cannot read {path}: {error}", ExitCode.OBJECT_NOT_FOUND) from error
    counts = scan.finish()
    return {
        "lines": counts.lines,
        "matchedLines": counts.matched,
        "bySeverity": {str(s): n for s, n in zip(Severity, counts.by_severity, strict=True)},
        "byRule": {rule.name: n for rule, n in zip(rules, counts.by_rule, strict=True)},
        "samples": [sample.wire() for sample in scan.samples.samples],
        "incomplete": [part.wire() for part in scan.incomplete],
        "slowRules": {rules[n].name: round(seconds, 1) for n, seconds in scan.engine.costs()},
        **_times(counts),
        "formats": sorted(scan.formats),
    }


def rules_in(path: str) -> tuple[list[Rule], Records]:
    """Return the rules that a file selects, and how it divides logs.

    Raises:
        ScanError: It cannot be read or selects none; the message names the field.
    """
    selection = selection_in(path)
    try:
        return resolve_rules(selection), selection.records or Records()
    except UnknownRuleSetError as error:
        message = f"{path}: ruleSets: {error}; `rules test` reads the file of a LogScanRuleSet"
        raise ScanError(message, ExitCode.BAD_REQUEST) from error
    except UnknownPackError as error:
        raise ScanError(f"{path}: {error}", ExitCode.BAD_REQUEST) from error


def selection_in(path: str) -> RulesFile:
    """Return what a file selects.

    Raises:
        ScanError: It cannot be read or selects no rules; the message names the field.
    """
    try:
        document = yaml.load(Path(path).read_text(encoding="utf-8"), YAML_LOADER)  # noqa: S506 # it is a safe one
        selection = RulesFile.model_validate(document)
    except ValidationError as error:
        raise ScanError(f"{path}: {explain(error, RulesFile)}", ExitCode.BAD_REQUEST) from error
    except (OSError, yaml.YAMLError) as error:
        raise ScanError(f"{path}: {error}", ExitCode.BAD_REQUEST) from error
    if not (selection.packs or selection.inline or selection.rule_sets):
        raise ScanError(f"{path}: name at least one pack or inline rule", ExitCode.BAD_REQUEST)
    return selection


def _times(counts: engine.Counts) -> dict[str, object]:
    """Return when lines matched, in the form of the output."""
    facts = histogram.facts(counts)
    if not facts:
        return {}
    return {
        "firstMatch": facts["first_match_at"].isoformat(),
        "lastMatch": facts["last_match_at"].isoformat(),
        "histogramSeconds": facts["histogram_seconds"],
        "histogram": [bin_.wire() for bin_ in facts["histogram"]],
    }


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
