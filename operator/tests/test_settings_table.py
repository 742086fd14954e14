"""What follows from the settings model: a page of the documentation, and the schema of the chart's values."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError
from pydantic.alias_generators import to_snake

from logscan_operator.settings import Settings
from logscan_operator.settings_table import FROM_OTHER_VALUES, chart_schema, main, render

REQUIRED: dict[str, Any] = {
    "namespace": "logscan",
    "queue_urls": "https://q",
    "table": "results",
    "signing_keys": [b"k" * 32],
    "scanner_image": "scanner:1",
}


def is_setting(name: str, value: Any) -> bool:
    try:
        Settings.model_validate({**REQUIRED, to_snake(name): value})
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", chart_schema())
def test_what_the_schema_accepts_is_a_setting(name: str) -> None:
    schema = chart_schema()[name]
    for value in (0, 1, -1, 0.5, 20, 10**4, 10**12, True, "1", "x", "128Mi", "INFO", "true"):
        if jsonschema.Draft202012Validator(schema).is_valid(value) and not isinstance(value, str):
            assert is_setting(name, value), value
    default = Settings.model_fields[to_snake(name)].default
    jsonschema.validate(default if isinstance(default, bool | int | float | None) else str(default), schema)


def test_every_setting_is_on_the_page_and_in_the_schema_or_made_of_other_values() -> None:
    names = {to_snake(name) for name in chart_schema()} | FROM_OTHER_VALUES
    assert names == set(Settings.model_fields)
    assert all(f"`LOGSCAN_{name.upper()}`" in render() for name in Settings.model_fields)


def test_both_files_are_written_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, schema = tmp_path / "settings.md", tmp_path / "schema.json"
    schema.write_text(json.dumps({"properties": {"settings": {"properties": {"old": {}}}, "other": 1}}))
    assert main(["--check", str(page), str(schema)]) == 1
    assert "make generate" in capsys.readouterr().err
    assert main([str(page), str(schema)]) == 0
    assert main(["--check", str(page), str(schema)]) == 0
    assert json.loads(schema.read_text())["properties"] == {"settings": {"properties": chart_schema()}, "other": 1}
