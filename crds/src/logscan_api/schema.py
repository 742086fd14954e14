"""From a pydantic model to the structural schema that a CRD needs.

The API server takes OpenAPI v3 without `$ref`, `anyOf` with null, `const`, `title` or `exclusiveMinimum` numbers,
and with `maxProperties` instead of pydantic's `maxProperties`-less dictionaries (Kubernetes documentation,
"Specifying a structural schema"). Defaults are left out below lists: the API server would write them into what is
stored, and a three-way diff, which compares lists as a whole, would find a difference for ever.
"""

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

# Written again below, or unknown to the API server.
DROPPED = ("title", "additionalProperties", "properties", "items", "propertyNames")


def cel(rule: str, message: str) -> Any:
    """Return one entry of `x-kubernetes-validations`."""
    return {"rule": rule, "message": message}


def structural(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model, references written out."""
    document = model.model_json_schema(by_alias=True, mode="validation")
    definitions = document.pop("$defs", {})
    return _clean(document, definitions)


def _clean(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    schema = _merge_reference(schema, definitions)
    schema = _drop_null(schema, definitions)
    cleaned = {k: v for k, v in schema.items() if k not in DROPPED}
    if cleaned.get("default", ...) is None:
        del cleaned["default"]
    elif isinstance(cleaned.get("default"), dict):
        cleaned["default"] = {k: v for k, v in cleaned["default"].items() if v is not None}
    if "description" in cleaned:
        cleaned["description"] = " ".join(str(cleaned["description"]).split())
    if cleaned.get("type") == "integer":
        cleaned["format"] = "int64"  # "API Conventions" of Kubernetes: int32 or int64
    if "properties" in schema:
        cleaned["properties"] = {k: _clean(v, definitions) for k, v in schema["properties"].items()}
    if "items" in schema:
        cleaned["items"] = _without_defaults(_clean(schema["items"], definitions))
    if isinstance(schema.get("additionalProperties"), dict):
        cleaned["additionalProperties"] = _clean(schema["additionalProperties"], definitions)
    return cleaned


def _without_defaults(schema: Schema) -> Schema:
    kept = {k: v for k, v in schema.items() if k != "default"}
    if "properties" in kept:
        kept["properties"] = {name: _without_defaults(field) for name, field in kept["properties"].items()}
    if isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = _without_defaults(kept["additionalProperties"])
    return kept


def _merge_reference(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rsplit("/", 1)[-1]
    return {**definitions[name], **{k: v for k, v in schema.items() if k != "$ref"}}


def _drop_null(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    if {"type": "null"} not in schema.get("anyOf", []):
        return schema
    (only,) = [option for option in schema["anyOf"] if option.get("type") != "null"]
    rest = {k: v for k, v in schema.items() if k != "anyOf"}
    return {**_merge_reference(only, definitions), **rest}
