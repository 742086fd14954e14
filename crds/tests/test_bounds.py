"""Everything that a person or the operator writes into a custom resource has a bound."""

from collections.abc import Iterator
from typing import Any

import pytest

from logscan_api import crds
from logscan_api.models import MOST
from logscan_api.schema import Schema


def unbounded(schema: Schema, path: str) -> Iterator[str]:
    """Yield the parts of a schema that have no bound."""
    if "type" not in schema and schema.get("x-kubernetes-preserve-unknown-fields"):
        # A value of any type, but no object: a text and a list need bounds.
        bounded = {"maxLength", "maxItems"} <= schema.keys() and schema.get("maxProperties") == 0
        yield from [] if bounded else [path]
        yield from unbounded(schema["items"], f"{path}[]") if schema.get("maxItems") else []
    elif "properties" in schema:
        for name, field in schema["properties"].items():
            yield from unbounded(field, f"{path}.{name}")
    elif "items" in schema:
        yield from [] if "maxItems" in schema else [path]
        yield from unbounded(schema["items"], f"{path}[]")
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from [] if "maxProperties" in schema else [path]
        yield from unbounded(schema["additionalProperties"], f"{path}{{}}")
    elif schema.get("x-kubernetes-int-or-string"):
        bounded = "maxLength" in schema or "self <=" in str(schema.get("x-kubernetes-validations"))
        yield from [] if bounded else [path]
    elif schema.get("type") == "integer":
        yield from [] if {"minimum", "maximum"} <= schema.keys() and schema["maximum"] <= MOST else [path]
    elif schema.get("type") == "string":
        yield from [] if {"maxLength", "enum"} & schema.keys() else [path]
    elif schema.get("type") != "boolean":
        yield path


@pytest.mark.parametrize("name", ["logscans.yaml", "logscanpolicies.yaml"])
@pytest.mark.parametrize("part", ["spec", "status"])
def test_every_field_is_bounded(name: str, part: str) -> None:
    (version,) = crds.build_all()[name]["spec"]["versions"]
    assert list(unbounded(version["schema"]["openAPIV3Schema"]["properties"][part], part)) == []


def test_what_is_not_bounded_is_found() -> None:
    fields: dict[str, Any] = {
        "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "text": {"type": "string"},
        "number": {"type": "integer", "minimum": 0},
        "list": {"type": "array", "items": {"type": "string", "maxLength": 1}},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}},
        "any": {"x-kubernetes-preserve-unknown-fields": True, "maxLength": 1, "maxProperties": 0},
        "fine": {"type": "string", "maxLength": 3},
    }
    found = list(unbounded({"properties": fields}, "spec"))
    assert found == ["spec.open", "spec.text", "spec.number", "spec.list", "spec.map", "spec.map{}", "spec.any"]
