"""How much text an object may hold: a bound on the sum, since the bounds of all fields together allow far more.

The size of a document is the number of bytes (UTF-8) of all its strings and of the names in its maps of strings.
The API server computes it by a CEL expression that is made from the schema, so that no field is forgotten.
"""

from typing import Any

from logscan_api.immutable import once
from logscan_api.schema import Schema, cel

SPEC_BYTES = 64 * 1024
OWN_BOUND = "x-logscan-bytes"  # never in a CRD: `limited` makes a rule of it


def own_bound(most: int) -> dict[str, Any]:
    """Return what marks an immutable field whose texts have their own bound and do not count towards the object's.

    Args:
        most: The number of bytes.
    """
    return {OWN_BOUND: most}


def limited(schema: Schema, most: int = SPEC_BYTES, *, immutable: bool = False) -> Schema:
    """Return the schema of an object with a rule that limits its size.

    Args:
        schema: A structural schema.
        most: The number of bytes.
        immutable: Whether to check the size at creation only, because the fields that can change hold little text.
    """
    message = f"all texts of the spec have at most {most} bytes (UTF-8) together: use fewer or shorter rules and names"
    rule = cel(f"{_size(schema, 'self', 0)} <= {most}", message)
    return _with_rule(_bounded(schema), once(rule) if immutable else rule)


def _bounded(schema: Schema) -> Schema:
    """Return a schema with a rule at each field that has a bound of its own."""
    kept = {name: value for name, value in schema.items() if name != OWN_BOUND}
    if "properties" in kept:
        kept["properties"] = {name: _bounded(field) for name, field in kept["properties"].items()}
    if OWN_BOUND not in schema:
        return kept
    most = schema[OWN_BOUND]
    message = f"all texts of this list have at most {most} bytes (UTF-8) together: use several LogScans"
    return _with_rule(kept, once(cel(f"{_size(kept, 'self', 0)} <= {most}", message)))


def _with_rule(schema: Schema, rule: Any) -> Schema:
    return {**schema, "x-kubernetes-validations": [*schema.get("x-kubernetes-validations", []), rule]}


def _size(schema: Schema, value: str, depth: int) -> str:
    """Return a CEL expression for the size of a value, or an empty one if it has no text that counts."""
    if OWN_BOUND in schema:
        return ""
    if "properties" in schema:
        return _fields(schema, value, depth)
    item = f"v{depth}"
    if "items" in schema:
        inner = _size(schema["items"], item, depth + 1)
        return f"{value}.map({item}, {inner}).sum()" if inner else ""
    if "additionalProperties" in schema and "x-kubernetes-preserve-unknown-fields" in schema["additionalProperties"]:
        return ""  # CEL cannot see it
    if "additionalProperties" in schema:
        inner = _size(schema["additionalProperties"], f"{value}[{item}]", depth + 1)
        return f"{value}.map({item}, {' + '.join(filter(None, [f'size(bytes({item}))', inner]))}).sum()"
    if schema.get("x-kubernetes-int-or-string"):
        return str(schema["maxLength"]) if "maxLength" in schema else ""
    # To CEL a date-time is a timestamp, and no text.
    counts = schema.get("type") == "string" and "enum" not in schema and schema.get("format") != "date-time"
    return f"size(bytes({value}))" if counts else ""


def _fields(schema: Schema, value: str, depth: int) -> str:
    parts = []
    for name, field in schema["properties"].items():
        inner = _size(field, f"{value}.{name}", depth)
        if inner:
            needed = name in schema.get("required", [])
            parts.append(inner if needed else f"(has({value}.{name}) ? {inner} : 0)")
    return " + ".join(parts)
