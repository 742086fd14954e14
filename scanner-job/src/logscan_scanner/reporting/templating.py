"""The templates of what people are sent, and how values become text in them.

Importing jinja2 takes half as long as a scan's whole start, so only what writes a page or a mail imports this.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

from logscan_api.text import printable

TEMPLATES = Path(__file__).with_name("templates")
TAB_COLUMNS = 4
BUFFERED = 200  # pieces of a template's output that are joined


def rendered(name: str, **values: object) -> str:
    """Return what a template makes of values."""
    return template(name).render(values)


def streamed(name: str, **values: object) -> Iterator[str]:
    """Yield what a template makes of values, piece by piece."""
    stream = template(name).stream(values)
    stream.enable_buffering(BUFFERED)
    yield from stream


def template(name: str) -> Template:
    """Return a template, compiled."""
    return _environment().get_template(name)


@cache
def source(name: str) -> str:
    """Return a file of the templates as it is."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "size": size, "moment": moment, "span": span, "indented": indented}
    return environment


def _shown(value: object) -> object:
    """Return a value fit to be shown: every text but the templates' own is printable, and on one line."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def indented(line: str) -> str:
    """Return a line with spaces instead of tabs, so that a stack trace keeps its shape."""
    return line.expandtabs(TAB_COLUMNS)


def number(value: int) -> str:
    """Return a number with its thousands apart."""
    return f"{value:,}"


def size(count: int) -> str:
    """Return a number of bytes in the unit that it is read best in."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{count:,} bytes" if unit == "bytes" else f"{value:,.1f} {unit}"


def moment(value: datetime) -> str:
    """Return a time for people: UTC, to the second."""
    return value.strftime("%Y-%m-%d %H:%M:%S UTC")


def span(seconds: float) -> str:
    """Return a length of time for people, in the two units that it is read best in."""
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    parts, left = [], round(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
