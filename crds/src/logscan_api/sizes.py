"""How much text an object may hold: a bound on the sum, since the bounds of all fields together allow far more.

The size of a document is the number of bytes (UTF-8) of all its strings and of the names in its maps of strings.
The API server computes it by a CEL expression that is made from the schema, so that no field is forgotten.
"""

from logscan_api.schema import Schema, cel

SPEC_BYTES = 64 * 1024


def limited(schema: Schema, most: int = SPEC_BYTES) -> Schema:
    """Return the schema of an object with a rule that limits its size.

    Args:
        schema: A structural schema.
        most: The number of bytes.
    """
    message = f"all texts of the spec have at most {most} bytes (UTF-8) together: use fewer or shorter rules and names"
    rules = [*schema.get("x-kubernetes-validations", []), cel(f"{_size(schema, 'self', 0)} <= {most}", message)]
    return {**schema, "x-kubernetes-validations": rules}


def _size(schema: Schema, value: str, depth: int) -> str:
    """Return a CEL expression for the size of a value, or an empty one if it has no text."""
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
    return f"size(bytes({value}))" if schema.get("type") == "string" and "enum" not in schema else ""


def _fields(schema: Schema, value: str, depth: int) -> str:
    parts = []
    for name, field in schema["properties"].items():
        inner = _size(field, f"{value}.{name}", depth)
        if inner:
            needed = name in schema.get("required", [])
            parts.append(inner if needed else f"(has({value}.{name}) ? {inner} : 0)")
    return " + ".join(parts)
