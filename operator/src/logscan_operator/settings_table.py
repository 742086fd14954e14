"""`python -m logscan_operator.settings_table [--check] FILE`: docs/settings.md, made from the settings model."""

import sys
from pathlib import Path
from typing import Any

from logscan_operator.settings import PREFIX, Settings

HEADER = """# Settings of the operator

Generated from `operator/src/logscan_operator/settings.py` by `make generate`. Do not edit.

Each is an environment variable. A bad value ends the start with the variable's name, the value and what is allowed.
AWS itself is set by the standard variables (`AWS_REGION`, `AWS_ENDPOINT_URL`, ...); the scanner gets them too.

| variable | default | allowed | what |
| --- | --- | --- | --- |
"""


def render() -> str:
    """Return the page."""
    schema = Settings.model_json_schema()
    required = set(schema.get("required", []))
    rows = [_row(name, fact, name in required) for name, fact in schema["properties"].items()]
    return HEADER + "\n".join(rows) + "\n"


def _row(name: str, fact: dict[str, Any], required: bool) -> str:
    default = "required" if required else "none" if fact.get("default") in (None, "", {}) else f"`{fact['default']}`"
    return f"| `{PREFIX}{name.upper()}` | {default} | {_allowed(fact)} | {fact['description']} |"


def _allowed(fact: dict[str, Any]) -> str:
    if "$ref" in fact:
        return "JSON, as `job` of a LogScan"
    if "x-kubernetes-int-or-string" in fact:
        return "quantity, as in a pod"
    kinds = [fact, *fact.get("anyOf", [])]
    pattern = next((k["pattern"] for k in kinds if "pattern" in k), None)
    if pattern is not None:
        return ", ".join(f"`{word}`" for word in pattern.strip("^$()").split("|"))
    kind = next(k["type"] for k in kinds if k.get("type") not in (None, "null"))
    words = {"integer": "whole number", "number": "number", "boolean": "`true`, `false`", "string": "text"}[kind]
    low = next((k[f] for k in kinds for f in ("minimum", "exclusiveMinimum") if f in k), None)
    high = next((k["maximum"] for k in kinds if "maximum" in k), None)
    if low is None or kind == "string":
        return words
    return f"{words}, {low} to {high}" if high is not None else f"{words} from {low}"


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` report that it is out of date (exit 1)."""
    path = Path(next(a for a in arguments if a != "--check"))
    text = render()
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in arguments:
        sys.stderr.write(f"out of date: {path}: run `make generate` and commit the result\n")
        return 1
    path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
