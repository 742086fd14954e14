"""Makes a JSON Schema of OCSF's Detection Finding, from OCSF's own definitions.

    git clone --branch v1.8.0 https://github.com/ocsf/ocsf-schema
    pip install ocsf-lib==0.10.4
    python -m ocsf.compile ocsf-schema | python make_ocsf.py > ocsf-detection-finding-1.8.0.json

Nothing is allowed that the definitions do not have, and of their objects only those in `OBJECTS`, since all of them are
megabytes. Attributes of profiles are left out: an event names the profiles that it uses, and ours uses none.
"""

import json
import sys
from typing import Any

OBJECTS = {
    *("metadata", "product", "finding_info", "analytic", "evidences", "databucket", "file", "resource_details"),
    *("data_classification",),
}
PRIMITIVES = {"integer_t": "integer", "long_t": "integer", "float_t": "number", "boolean_t": "boolean"}


def main() -> None:
    """Read a compiled schema from stdin, and write the JSON Schema to stdout."""
    schema = json.load(sys.stdin)
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"OCSF {schema['version']}: Detection Finding",
        **closed(schema["classes"]["detection_finding"], schema),
        "$defs": {name: closed(schema["objects"][name], schema) for name in sorted(OBJECTS)},
    }
    json.dump(made, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


def closed(found: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a class or an object, which allows no other attributes."""
    attributes = {name: a for name, a in found["attributes"].items() if not a.get("profile")}
    shape: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: attribute(a, schema) for name, a in attributes.items()},
        "required": sorted(name for name, a in attributes.items() if a["requirement"] == "required"),
    }
    if one := (found.get("constraints") or {}).get("at_least_one"):
        shape["anyOf"] = [{"required": [name]} for name in one if name in attributes]
    return shape


def attribute(found: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an attribute."""
    one = single(found, schema)
    return {"type": "array", "items": one} if found.get("is_array") else one


def single(found: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one value."""
    kind = found["type"]
    if not kind.endswith("_t"):
        if kind == "object":
            return {"type": "object"}
        return {"$ref": f"#/$defs/{kind}"} if kind in OBJECTS else {"not": {}}
    if kind == "json_t":
        return {}
    definition = schema["types"].get(kind, {})
    base = kind if kind in PRIMITIVES else definition.get("type") or "string_t"
    shape: dict[str, Any] = {"type": PRIMITIVES.get(base, "string")}
    if found.get("enum"):
        shape["enum"] = [int(v) if shape["type"] == "integer" else v for v in found["enum"]]
    for ours, theirs in (("pattern", "regex"), ("maxLength", "max_len")):
        if definition.get(theirs) is not None:
            shape[ours] = definition[theirs]
    return shape


if __name__ == "__main__":
    main()
