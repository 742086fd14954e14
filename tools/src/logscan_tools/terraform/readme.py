"""`python -m logscan_tools.terraform.readme [--check]`: the tables of inputs and outputs in terraform/README.md."""

import re
import sys
from typing import Any

from logscan_tools.terraform.configuration import TERRAFORM, literal, named

README = TERRAFORM / "README.md"
BEGIN, END = "<!-- inputs and outputs: made by `make generate` -->", "<!-- end -->"


def tables() -> str:
    """Return both tables in Markdown."""
    inputs = ["| input | what | default |", "| --- | --- | --- |"]
    inputs += [_row(name, body) for name, body in named("variable").items()]
    outputs = ["| output | what |", "| --- | --- |"]
    outputs += [f"| `{name}` | {_described(body)} |" for name, body in named("output").items()]
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
    kind = r"(?:list|map|set)\(\w+\)|\w+"
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
    return f"`{default}`"


def main(arguments: list[str]) -> int:
    """Write the tables into the README, or check that they are there."""
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    expected = before + tables() + rest.partition(END)[2]
    if "--check" not in arguments:
        README.write_text(expected)
        return 0
    if text != expected:
        sys.stderr.write("terraform/README.md is out of date: run `make generate` and commit the result\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
