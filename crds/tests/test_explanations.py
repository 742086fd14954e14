"""What people read about documents that do not fit: over every model, and for a few documents word by word."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import logscan_api
from logscan_api.explanations import REQUIREMENTS, VALUE_LENGTH, explain
from logscan_api.logscans import LogScanSpec
from logscan_api.models import Model
from logscan_api.notify import Notify
from logscan_api.requests import ScanRequest

FOREIGN = ("pydantic", "type=", "input_value", "For further information", "Input should", "validation error")


def models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield model
        yield from models(model)


for module in pkgutil.iter_modules(logscan_api.__path__):
    importlib.import_module(f"logscan_api.{module.name}")
MODELS = sorted(set(models(Model)), key=lambda model: model.__name__)


def names_in(schema: Any) -> set[str]:
    """Return the names of all fields in a JSON schema."""
    if isinstance(schema, list):
        return set().union(*map(names_in, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("properties", {})).union(*map(names_in, schema.values()))


def documents(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Return JSON of any kind, with the model's own fields in it."""
    scalars = st.sampled_from([None, True, -1, 0, 1, 10**30, 0.5, "", "x", "x" * 2000, "7", "\ud800", "Match", "2026"])
    keys = st.sampled_from([*sorted(names_in(model.model_json_schema(by_alias=True))), "colour"])
    return st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_no_model_speaks_of_its_library(model: type[BaseModel], data: st.DataObject) -> None:
    document = data.draw(documents(model))
    try:
        model.model_validate(document)
    except ValidationError as error:
        text = explain(error, model, "root")
        assert not [word for word in FOREIGN if word in text], text
        assert text.startswith("root")
        assert "\n" not in text
        unknown = {problem["type"] for problem in error.errors()} - {*REQUIREMENTS, "missing", "extra_forbidden"}
        assert not unknown, "REQUIREMENTS has no words for these"


def explained(model: type[BaseModel], document: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        model.model_validate(document)
    return explain(raised.value, model)


SOURCE = {"source": {"s3": {"bucket": "logs", "key": "a.log"}}}


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ([], "the document: must be an object, got a list"),
        ({}, "source: is required"),
        ({**SOURCE, "attempts": 11}, "attempts: must be at most 10, got 11"),
        ({**SOURCE, "attempts": "three"}, 'attempts: must be a whole number, got "three"'),
        (
            {**SOURCE, "ttlSecondsAfterFinished": -1},
            "ttlSecondsAfterFinished: must be seconds, from 0 to 316224000 (ten years), or never, got -1",
        ),
        (
            {**SOURCE, "rules": {"inline": [{"name": "a", "pattern": "b", "severity": "fatal"}]}},
            'rules.inline[0].severity: must be info, warning, error or critical, got "fatal"',
        ),
        (
            {"source": {"s3": {"bukcet": "b"}}},
            "source.s3.bucket: is required; source.s3.bukcet: unknown field, allowed",
        ),
        (
            {**SOURCE, "job": {"resources": {"limits": {"memory": "lots"}}}},
            "job.resources.limits.memory: must be a qua",
        ),
        ({**SOURCE, "a": 1, "b": 1, "c": 1, "d": 1, "e": 1}, "; and 2 more"),
    ],
)
def test_the_field_what_it_must_be_and_what_it_is(document: Any, text: str) -> None:
    assert text in explained(LogScanSpec, document)


def test_an_unknown_field_comes_with_those_that_there_are() -> None:
    rule = {"name": "a", "pattern": "b", "colour": "red"}
    text = explained(LogScanSpec, {**SOURCE, "rules": {"inline": [rule]}})
    assert text.startswith("rules.inline[0].colour: unknown field, allowed are name, pattern, where, severity")


def test_long_values_are_cut_and_secrets_are_not_shown() -> None:
    assert len(explained(LogScanSpec, {**SOURCE, "retry": "x" * 5000})) < 2 * VALUE_LENGTH
    assert "token" not in explained(Notify, {"webhook": {"url": "ftp://host/token"}})


def test_json_that_is_none_says_where() -> None:
    with pytest.raises(ValidationError) as raised:
        ScanRequest.model_validate_json('{"scan": }')
    assert explain(raised.value, ScanRequest) == "the document: is not JSON (line 1, column 10)"
