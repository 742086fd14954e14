"""What commands print: tables for people, and JSON, YAML and CSV for programs.

Whatever comes from a log or a key is shown without anything that could control the terminal.
"""

import csv
import io
import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from logscan_api.text import printable

SEVERITY_STYLES = {"critical": "bold red", "error": "red", "warning": "yellow", "info": "cyan"}
PHASE_STYLES = {"Succeeded": "green", "Failed": "red", "Running": "cyan", "Queued": "yellow", "Pending": "yellow"}
STYLES = {**SEVERITY_STYLES, **PHASE_STYLES}


class Format(StrEnum):
    """How a command prints what it found."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"


def console() -> Console:
    """Return the console for results: as wide as the terminal, and at least 200 columns if output goes elsewhere."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=max(found.width, 200))


def error_console() -> Console:
    """Return the console for what happens meanwhile."""
    return Console(stderr=True, highlight=False)


def show_document(document: Any, chosen: Format) -> None:
    """Print a document as JSON or YAML."""
    if chosen is Format.JSON:
        text = json.dumps(document, indent=2, ensure_ascii=False)
    else:
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True).rstrip("\n")
    sys.stdout.write("".join(f"{printable(line)}\n" for line in text.split("\n")))


def show_rows(head: Sequence[str], rows: Sequence[Sequence[object]], chosen: Format) -> None:
    """Print rows as a table or as CSV."""
    texts = [[printable("" if value is None else str(value)) for value in row] for row in rows]
    if chosen is Format.CSV:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows([[name.lower() for name in head], *texts])
        sys.stdout.write(buffer.getvalue())
    else:
        console().print(as_table(head, texts))


def as_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table without lines; words that have a color are in it, and long text is folded."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(text, style=STYLES.get(text, "")) for text in row))
    return table


def show_facts(facts: Sequence[tuple[str, object]]) -> None:
    """Print names with their values, one below the other; facts without a value are left out."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        if value not in (None, ""):
            text = printable(str(value))
            table.add_row(name, Text(text, style=STYLES.get(text, "")))
    console().print(table)
