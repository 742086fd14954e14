"""CEL rules of immutable fields, which the API server evaluates at creation and not at every write.

At each write of an object, also of its status alone, the API server evaluates all CEL rules of its schema. Reading one
field costs it as much as the object has fields, for it copies the schemas of all of them (`Structural.Properties` in
k8s.io/apiextensions-apiserver). If all rules were evaluated, a write of a LogScan of 500 objects would take 40 ms.
"""

from collections.abc import Sequence
from typing import Any

from logscan_api.schema import Schema, cel

AGAIN = "delete the LogScan and create it again, or use another name"


def unchanged(fields: Sequence[str]) -> Any:
    """Return a CEL rule of a spec: some of its fields are as they were.

    It is one rule for all fields, and begins with the whole spec: at most writes that is equal, and nothing else is
    compared then.
    """
    same = {field: _same(f"self.{field}", f"oldSelf.{field}") for field in fields}
    *others, last = fields
    first = "".join(f"!({same[field]}) ? '{field}' : " for field in others)
    return {
        **cel(f"self == oldSelf || ({' && '.join(same.values())})", f"{', '.join(fields)} are immutable: {AGAIN}"),
        "messageExpression": f"'spec.' + ({first}'{last}') + ' is immutable: {AGAIN}'",
    }


def _same(new: str, old: str) -> str:
    # The API server cannot estimate what it costs to compare optional values (`self.?field`), and refuses them.
    return f"has({new}) == has({old}) && (!has({new}) || {new} == {old})"


def once(rule: Any) -> Any:
    """Return a CEL rule that holds for every value which was accepted before, for a value that cannot change."""
    return {**rule, "rule": f"oldSelf.hasValue() || ({rule['rule']})", "optionalOldSelf": True}


def checked_once(schema: Schema, fields: Sequence[str]) -> Schema:
    """Return the schema of an object, with the rules of its immutable fields evaluated when they are set."""
    properties = schema["properties"]
    return {**schema, "properties": {n: _once(f) if n in fields else f for n, f in properties.items()}}


def _once(schema: Schema) -> Schema:
    """Return the schema of something immutable.

    Below lists the API server knows the old value of an item by the item's key only (Kubernetes documentation,
    "Transition rules").
    """
    kept = dict(schema)
    if "x-kubernetes-validations" in kept:
        kept["x-kubernetes-validations"] = [once(rule) for rule in kept["x-kubernetes-validations"]]
    if "properties" in kept:
        kept["properties"] = {name: _once(field) for name, field in kept["properties"].items()}
    if isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = _once(kept["additionalProperties"])
    if kept.get("x-kubernetes-list-type") == "map":
        kept["items"] = _once(kept["items"])
    return kept
