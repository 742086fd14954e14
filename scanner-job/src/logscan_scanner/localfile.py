"""Rules tried on a file of this machine, without AWS."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import yaml
from pydantic import ValidationError

from logscan_api import UnknownPackError
from logscan_api.packs import resolve_rules
from logscan_api.requests import resolve_limits
from logscan_api.rules import RuleSelection
from logscan_scanner.errors import BadRequestError, ObjectNotFoundError
from logscan_scanner.progress import Progress
from logscan_scanner.scan import Scan, compile_for_scan

CHUNK_BYTES = 512 * 1024


def scan_file(path: str, rules_path: str) -> dict[str, object]:
    """Return what a scan of a file finds.

    Args:
        path: The file, or `-` for standard input.
        rules_path: YAML with `packs` and `inline`, as in a LogScan's `spec.rules`.

    Raises:
        ScanError: A file cannot be read, or a rule is invalid.
    """
    try:
        rules_text = Path(rules_path).read_text(encoding="utf-8")
        rules = resolve_rules(RuleSelection.model_validate(yaml.safe_load(rules_text)))
    except (OSError, yaml.YAMLError, ValidationError, UnknownPackError) as error:
        raise BadRequestError(f"{rules_path}: {error}") from error
    scan = Scan(compile_for_scan(rules), resolve_limits(), Progress(None))
    try:
        if path == "-":
            scan.read(_chunks(sys.stdin.buffer), None)
        else:
            with Path(path).open("rb") as file:
                scan.read(_chunks(file), None)
    except OSError as error:
        raise ObjectNotFoundError(str(error)) from error
    counts = scan.engine.counts
    return {
        "lines": scan.engine.lines,
        "matchedLines": counts.matched,
        "bySeverity": {str(severity): n for severity, n in counts.by_severity.items()},
        "byRule": {rule.name: n for rule, n in zip(rules, counts.by_rule, strict=True)},
        "samples": [sample.wire() for sample in scan.samples.samples],
        "incompleteRules": [rules[n].name for n in counts.incomplete],
        **_times(scan),
        "formats": sorted(scan.formats),
        "truncated": scan.truncated_why,
    }


def _times(scan: Scan) -> dict[str, object]:
    """Return when lines matched, in the form of the output."""
    facts = scan.histogram.facts(scan.engine.counts.first_second, scan.engine.counts.last_second)
    if not facts:
        return {}
    return {
        "firstMatch": facts["first_match_at"].isoformat(),
        "lastMatch": facts["last_match_at"].isoformat(),
        "histogramSeconds": facts["histogram_seconds"],
        "histogram": [bucket.wire() for bucket in facts["histogram"]],
    }


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
