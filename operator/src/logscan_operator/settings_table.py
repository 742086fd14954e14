"""What follows from the settings model: docs/settings.md, and `settings` in the schema of the chart's values.

`python -m logscan_operator.settings_table [--check] PAGE SCHEMA` writes both.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel

from logscan_api.generated import settle
from logscan_operator.settings import PREFIX, Settings

# Settings that the chart makes of other values.
FROM_OTHER_VALUES = frozenset(
    {
        "namespace",
        "watch_namespaces",
        "queue_urls",
        "table",
        "signing_keys",
        "scanner_image",
        "scanner_service_account",
        "scanner_env_secret",
        "scanner_image_pull_policy",
        "scanner_job",
        "reports_bucket",
        "mail_sender",
        "default_policy_packs",
        "allowed_buckets",
        "allowed_roles",
        "unlisted_namespaces",
        "http_port",
    }
)
# How a number may be written in a string, which `helm --set-string` and environment variables make of it. The schema
# of a string can say no more than that zero is not allowed.
NATURAL, POSITIVE_NATURAL = "^[0-9]+$", "^[1-9][0-9]*$"
DECIMAL = r"^[0-9]*\.?[0-9]+$"
POSITIVE_DECIMAL = r"^(0*[1-9][0-9]*(\.[0-9]+)?|0*\.[0-9]*[1-9][0-9]*)$"
RULES = ("minimum", "exclusiveMinimum", "maximum", "minLength", "maxLength", "pattern")

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
    value = fact.get("default")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    default = "required" if required else "none" if value in (None, "", [], {}) else f"`{text}`"
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
    if fact.get("type") == "array":
        return "list, separated by commas"
    kind = next(k["type"] for k in kinds if k.get("type") not in (None, "null"))
    words = {
        "object": "JSON",
        "integer": "whole number",
        "number": "number",
        "boolean": "`true`, `false`",
        "string": "text",
    }[kind]
    low = next((k[f] for k in kinds for f in ("minimum", "exclusiveMinimum") if f in k), None)
    high = next((k["maximum"] for k in kinds if "maximum" in k), None)
    if low is None or kind == "string":
        return words
    return f"{words}, {low} to {high}" if high is not None else f"{words} from {low}"


def chart_schema() -> dict[str, Any]:
    """Return the JSON schema of each setting that the chart passes on as it is, by its name in camelCase."""
    facts = Settings.model_json_schema()["properties"]
    return {to_camel(name): _value_schema(facts[name]) for name in facts if name not in FROM_OTHER_VALUES}


def _value_schema(fact: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value: Helm takes numbers and booleans also as strings, and null for the default."""
    described = {"description": fact["description"]}
    kinds = [fact, *fact.get("anyOf", [])]
    kind = next((k["type"] for k in kinds if k.get("type") not in (None, "null")), "quantity")
    bounds = {rule: k[rule] for rule in RULES for k in kinds if rule in k}
    if kind == "boolean":
        return {**described, "enum": [True, False, "true", "false", None]}
    if kind == "quantity":
        return {**described, "type": ["number", "string", "null"], "minimum": 0}
    if kind == "string":
        return {**described, "type": ["string", "null"], **bounds}
    positive = bounds.get("minimum", 0) > 0 or "exclusiveMinimum" in bounds
    patterns = (NATURAL, POSITIVE_NATURAL) if kind == "integer" else (DECIMAL, POSITIVE_DECIMAL)
    return {**described, "type": [kind, "string", "null"], **bounds, "pattern": patterns[positive]}


def with_settings(schema: str) -> str:
    """Return the text of the chart's schema with the settings written again."""
    document = json.loads(schema)
    document["properties"]["settings"]["properties"] = chart_schema()
    return json.dumps(document, indent=2) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page and the schema, or with `--check` report which is out of date (exit 1)."""
    page, schema = [Path(argument) for argument in arguments if argument != "--check"]
    wanted = {page: render(), schema: with_settings(schema.read_text(encoding="utf-8"))}
    return settle(wanted, "--check" in arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
