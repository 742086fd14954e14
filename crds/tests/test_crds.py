"""The generated CRDs: structural, and up to date."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from logscan_api import crds
from logscan_api.logscans import COLUMNS, IMMUTABLE

FORBIDDEN = {"$ref", "const", "title", "$defs"}


def alternatives_in(schema: Any) -> list[Any]:
    """Return the alternatives (`anyOf`) of all parts of a schema."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    own = schema["anyOf"] if isinstance(schema, dict) and "anyOf" in schema else []
    return own + [alternative for part in parts for alternative in alternatives_in(part)]


def keys_in(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        return set(schema).union(*(keys_in(value) for value in schema.values()))
    if isinstance(schema, list):
        return set().union(*(keys_in(value) for value in schema))
    return set()


@pytest.mark.parametrize("name", ["logscans.yaml", "logscanpolicies.yaml", "logscanrulesets.yaml"])
def test_schemas_are_structural(name: str) -> None:
    (version,) = crds.build_all()[name]["spec"]["versions"]
    assert not FORBIDDEN & keys_in(version["schema"])
    # Of alternatives a structural schema may say what is required, but not what type it has.
    assert set().union(*alternatives_in(version["schema"])) <= {"required"}
    assert version["subresources"] == {"status": {}}


def test_a_person_sees_phase_and_counts_first() -> None:
    usual = [column["name"] for column in COLUMNS if not column.get("priority")]
    assert usual == ["Phase", "Objects", "Matched", "Lines", "Severity", "Incomplete", "Duration", "Age"]


def test_check_tells_what_is_out_of_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crds.main(["--check", str(tmp_path)]) == 1
    assert "logscans.yaml" in capsys.readouterr().err
    assert crds.main([str(tmp_path)]) == 0
    assert crds.main(["--check", str(tmp_path)]) == 0


def texts_of(schema: dict[str, Any]) -> list[int]:
    """Return the bounds of all texts of a schema, in characters."""
    if schema.get("type") == "string":
        return [schema.get("maxLength", 0)]
    inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return [bound for part in inner if isinstance(part, dict) for bound in texts_of(part)]


def test_the_fields_of_a_logscan_that_can_change_hold_little_text() -> None:
    """The size of the spec is checked at creation only."""
    (version,) = crds.build_all()["logscans.yaml"]["spec"]["versions"]
    fields = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert set(IMMUTABLE) <= fields.keys()
    assert sum(sum(texts_of(field)) for name, field in fields.items() if name not in IMMUTABLE) < 100


def rules_in(schema: dict[str, Any], inside: bool = False) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Yield the CEL rules of a schema, with whether they are of an item without an identity."""
    yield from ((inside, rule) for rule in schema.get("x-kubernetes-validations", []))
    for field in schema.get("properties", {}).values():
        yield from rules_in(field, inside)
    for name in ("items", "additionalProperties"):
        anonymous = name == "items" and schema.get("x-kubernetes-list-type") != "map"
        yield from rules_in(schema[name], inside or anonymous) if isinstance(schema.get(name), dict) else []


def test_rules_of_immutable_fields_are_evaluated_once_and_others_always() -> None:
    specs = {
        name: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        for name, crd in crds.build_all().items()
    }
    for field, schema in specs["logscans.yaml"]["properties"].items():
        for anonymous, rule in rules_in(schema):
            assert rule.get("optionalOldSelf", False) is (field in IMMUTABLE and not anonymous)
    for name in ("logscanpolicies.yaml", "logscanrulesets.yaml"):
        assert not [rule for _, rule in rules_in(specs[name]) if "optionalOldSelf" in rule]
