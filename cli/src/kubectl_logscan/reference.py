"""The reference of the commands, for docs/cli.md, and of their exit codes, for docs/exit-codes.md.

`python -m kubectl_logscan.reference [--check] PAGE...` replaces in pages what is between
`<!-- generated NAME -->` and `<!-- end -->`.
"""

import re
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import typer

from kubectl_logscan.app import app
from kubectl_logscan.errors import Exit
from logscan_api.generated import settle

PROGRAM = "kubectl logscan"
_PART = re.compile(r"(?s)(<!-- generated ([a-z-]+) -->\n).*?(<!-- end -->\n)")


def commands() -> str:
    """Return a section for each command, with its arguments and options."""
    root = typer.main.get_command(app)
    return "\n".join(_section(path, command) for path, command in _leaves(PROGRAM, root))


def exit_codes() -> str:
    """Return the table of exit codes."""
    rows = [f"| {int(code)} | {code.meaning} |\n" for code in Exit]
    return "".join(["| code | meaning |\n", "| --- | --- |\n", *rows])


PARTS = {"commands": commands, "exit-codes": exit_codes}


def rewritten(page: str) -> str:
    """Return a page with its generated parts written again.

    Raises:
        KeyError: It asks for a part that there is not.
    """
    return _PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}{found[3]}", page)


def _leaves(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from _leaves(f"{path} {name}", inner)
    if not hasattr(command, "commands"):
        yield path, command


def _section(path: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = " ".join([path, *(_shown(p) for p in arguments), *(["[OPTIONS]"] if options else [])])
    rows = [f"| `{_shown(p)}` | {p.help} |\n" for p in arguments]
    rows += [f"| `{', '.join(p.opts)}`{_values(p)} | {p.help} |\n" for p in options if p.name != "help"]
    table = ["\n| argument or option | meaning |\n", "| --- | --- |\n", *rows] if rows else []
    return "".join([f"### {path.removeprefix(PROGRAM).strip()}\n", f"`{usage}`\n\n", f"{command.help}\n", *table])


def _shown(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _values(option: Any) -> str:
    """Return the words that an option allows, if it is a choice."""
    annotation = option.type_descriptor.annotation
    for kind in get_args(annotation) or (annotation,):
        if isinstance(kind, type) and issubclass(kind, Enum):
            return " " + ", ".join(f"`{choice.value}`" for choice in kind)
    return ""


def main(arguments: list[str]) -> int:
    """Write the generated parts of pages, or with `--check` report those that are out of date (exit 1)."""
    pages = [Path(argument) for argument in arguments if argument != "--check"]
    return settle({page: rewritten(page.read_text(encoding="utf-8")) for page in pages}, "--check" in arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
