"""`python -m logscan_tools.terraform.readme [--check]`: the tables of inputs and outputs in each module's README."""

import re
import sys
from pathlib import Path
from typing import Any

from logscan_tools.paths import REPOSITORY
from logscan_tools.terraform.configuration import MODULES, literal, named

BEGIN, END = "<!-- inputs and outputs: made by `make generate` -->", "<!-- end -->"


def tables(module: Path) -> str:
    """Return both tables of a module in Markdown."""
    inputs = ["| input | what | default |", "| --- | --- | --- |"]
    inputs += [_row(name, body) for name, body in named("variable", module).items()]
    outputs = ["| output | what |", "| --- | --- |"]
    outputs += [f"| `{name}` | {_described(body)} |" for name, body in named("output", module).items()]
    return "\n".join([BEGIN, "### Inputs", *inputs, "", "### Outputs", *outputs, END])


def _row(name: str, body: dict[str, Any]) -> str:
    fields = _fields(str(body["type"]))
    default = _shown(body["default"]) if "default" in body else "required"
    described = _described(body)
    if fields:
        described += "<br>" + "<br>".join(f"`{field}`: {default}" for field, default in fields)
    return f"| `{name}` | {described} | {default} |"


def _described(body: dict[str, Any]) -> str:
    return str(literal(body["description"])).replace("|", r"\|")


def _fields(declared: str) -> list[tuple[str, str]]:
    """Return the fields of an object's type, and what each is by default."""
    fields = []
    kind = r"(?:list|map|set)\((?:(?:list|map|set)\(\w+\)|\w+)\)|\w+"
    for match in re.finditer(rf"(\w+)\s*=\s*(?:optional\(({kind})(?:,\s*(\[[^]]*\]|[^),]+))?\)|({kind}))", declared):
        name, optional, default, required = match.groups()
        fields.append(
            (name, f"{required}, required" if required else f"{optional}, {default}" if default else optional)
        )
    return fields


def _shown(default: Any) -> str:
    if default is None or default == "null":
        return "`null`"
    if isinstance(default, dict):
        return "`{}`"
    if isinstance(default, list):
        return "`[" + ", ".join(str(v) for v in default) + "]`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def with_tables(readme: Path) -> str:
    """Return a README with the tables of its module."""
    before, _, rest = readme.read_text().partition(BEGIN)
    return before + tables(readme.parent) + rest.partition(END)[2]


def main(arguments: list[str]) -> int:
    """Write the tables into the READMEs, or check that they are there."""
    readmes = [module / "README.md" for module in MODULES]
    if "--check" not in arguments:
        for readme in readmes:
            readme.write_text(with_tables(readme))
        return 0
    outdated = [readme for readme in readmes if readme.read_text() != with_tables(readme)]
    for readme in outdated:
        name = readme.relative_to(REPOSITORY)
        sys.stderr.write(f"{name} is out of date: run `make generate` and commit the result\n")
    return int(bool(outdated))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
