"""A page for each resource: its fields, as `kubectl explain` shows them, from the CRDs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from logscan_tools.paths import REPOSITORY
from logscan_tools.site.packs import cell

CRDS = REPOSITORY / "manifests" / "chart" / "files" / "crds"
PARTS = ("spec", "status")
# What a schema may say of the values of a field, and how it is said here.
BOUNDS = {
    "default": "default `{}`",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} entries",
    "pattern": "must match `{}`",
    "format": "format {}",
}


class Field(NamedTuple):
    """A field of a resource.

    Attributes:
        path: Its path; `[]` is any item, and `*` any key.
        type: What it is.
        meaning: What it means, and what its values may be.
    """

    path: str
    type: str
    meaning: str


def write_resources(folder: Path) -> None:
    """Write a page for each resource into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(CRDS.glob("*.yaml")):
        crd = yaml.safe_load(path.read_text(encoding="utf-8"))
        (folder / f"{crd['spec']['names']['singular']}.md").write_text(page(crd), encoding="utf-8")


def page(crd: dict[str, Any]) -> str:
    """Return the page of a resource."""
    names, (version,) = crd["spec"]["names"], crd["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    parts = [
        f"# {names['kind']}",
        " ".join(schema.get("description", "").split()),
        f"`apiVersion: {crd['spec']['group']}/{version['name']}`, `kind: {names['kind']}`. With kubectl: "
        f"`kubectl get {names['plural']}`"
        + "".join(f", `kubectl get {short}`" for short in names.get("shortNames", []))
        + ".",
    ]
    for part in PARTS:
        if part in schema["properties"]:
            rows = (
                f"| `{found.path}` | {found.type} | {cell(found.meaning)} |"
                for found in fields(part, schema["properties"][part])
            )
            parts += [f"## {part}", "\n".join(["| field | type | meaning |", "| --- | --- | --- |", *rows])]
    return "\n\n".join(filter(None, parts)) + "\n"


def fields(path: str, schema: dict[str, Any]) -> Iterator[Field]:
    """Yield the fields of a schema, each before those in it."""
    for name, found in schema.get("properties", {}).items():
        inside = f"{path}.{name}"
        yield Field(inside, _type(found), _meaning(found, name in schema.get("required", [])))
        yield from _within(inside, found)


def _within(path: str, schema: dict[str, Any]) -> Iterator[Field]:
    yield from fields(path, schema)
    if isinstance(schema.get("items"), dict):
        yield from _within(f"{path}[]", schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _within(f"{path}.*", schema["additionalProperties"])


def _type(schema: dict[str, Any]) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map of {_type(schema['additionalProperties'])}"
    return str(kind)


def _said(said: str, value: object) -> str:
    """Return a bound in words, one of one thing in the singular."""
    text = said.format(str(value).lower() if isinstance(value, bool) else value)
    return re.sub(r"(?<=\b1 )(character|item)s$", r"\1", text).replace("1 entries", "1 entry")


def _meaning(schema: dict[str, Any], required: bool) -> str:
    facts = ["required"] if required else []
    if "enum" in schema:
        facts.append("one of " + ", ".join(f"`{value}`" for value in schema["enum"]))
    facts += [_said(said, schema[name]) for name, said in BOUNDS.items() if name in schema]
    text = " ".join(schema.get("description", "").split())
    return f"{text} ({'; '.join(facts)})".strip() if facts else text
