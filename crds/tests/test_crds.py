"""The generated CRDs: structural, and up to date."""

from pathlib import Path
from typing import Any

import pytest

from logscan_api import crds
from logscan_api.logscans import COLUMNS

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
