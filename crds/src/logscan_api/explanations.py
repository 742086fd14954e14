"""What a person reads when a document does not fit its model: the field, what it must be, and what it is.

pydantic's own text names Python types and links to its documentation; neither helps whoever wrote the YAML. Every
`ValidationError` that reaches a status, a log or a terminal goes through this module.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

Path = tuple[int | str, ...]
Context = Mapping[str, Any]

SHOWN_PROBLEMS = 3
VALUE_LENGTH = 60


def dotted(path: Path) -> str:
    """Return a path as Kubernetes writes it: `rules.inline[0].name`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "the document"


def explain(error: ValidationError, model: type[BaseModel], root: str = "") -> str:
    """Return what is wrong with a document, in one line.

    Args:
        error: What validating it raised.
        model: What it was validated as.
        root: Path of the document itself, such as `spec`.
    """
    found = problems(error, model, lambda path: dotted((root, *path) if root else path))
    more = len(found) - SHOWN_PROBLEMS
    return "; ".join([*found[:SHOWN_PROBLEMS], *([f"and {more} more"] if more > 0 else [])])


def problems(error: ValidationError, model: type[BaseModel], name: Callable[[Path], str] = dotted) -> list[str]:
    """Return one sentence for each thing that is wrong with a document.

    Args:
        error: What validating it raised.
        model: What it was validated as.
        name: Returns what a person calls the field at a path.
    """
    return [_sentence(problem, model, name) for problem in error.errors(include_url=False)]


def _sentence(problem: Any, model: type[BaseModel], name: Callable[[Path], str]) -> str:
    kind, path = problem["type"], tuple(part for part in problem["loc"] if part != "[key]")  # pydantic marks bad names
    if kind == "missing":
        return f"{name(path)}: is required"
    if kind == "extra_forbidden":
        return f"{name(path)}: unknown field, allowed are {', '.join(_siblings(model, path))}"
    requirement = REQUIREMENTS.get(kind, _other)(problem.get("ctx", {}))
    shown = "" if kind == "json_invalid" or _secret(model, path) else f", got {_shown(problem['input'])}"
    return f"{name(path)}: {requirement}{shown}"


def _shown(value: object) -> str:
    """Return a value as JSON, or what it is if that is long."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple | set):
        return "a list"
    text = json.dumps(value if isinstance(value, str | int | float | None) else str(value), ensure_ascii=False)
    return text if len(text) <= VALUE_LENGTH else f"{text[:VALUE_LENGTH]}..."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _other(_context: Context) -> str:
    return "has a value that is not allowed"


def _always(requirement: str) -> Callable[[Context], str]:
    return lambda _context: requirement


def _position(context: Context) -> str:
    place = re.search(r"line (\d+) column (\d+)", str(context["error"]))
    return f" (line {place[1]}, column {place[2]})" if place else ""


# By pydantic's type of error (https://docs.pydantic.dev/latest/errors/validation_errors): those that a model here, or
# the operator's settings, can raise. `tests/test_explanations.py` finds one that is missing.
REQUIREMENTS: dict[str, Callable[[Context], str]] = {
    "json_invalid": lambda context: f"is not JSON{_position(context)}",
    "model_type": _always("must be an object"),
    "model_attributes_type": _always("must be an object"),
    "dict_type": _always("must be an object"),
    "list_type": _always("must be a list"),
    "string_type": _always("must be a string"),
    "string_unicode": _always("must be valid Unicode"),
    "string_too_short": lambda context: f"must have at least {_count(context['min_length'], 'character')}",
    "string_too_long": lambda context: f"must have at most {_count(context['max_length'], 'character')}",
    "string_pattern_mismatch": lambda context: f"must match {context['pattern']}",
    "int_type": _always("must be a whole number"),
    "int_parsing": _always("must be a whole number"),
    "int_parsing_size": _always("must be a whole number of at most 4300 digits"),
    "int_from_float": _always("must be a whole number"),
    "float_type": _always("must be a number"),
    "float_parsing": _always("must be a number"),
    "finite_number": _always("must be a finite number"),
    "bool_type": _always("must be true or false"),
    "bool_parsing": _always("must be true or false"),
    "greater_than": lambda context: f"must be greater than {context['gt']}",
    "greater_than_equal": lambda context: f"must be at least {context['ge']}",
    "less_than_equal": lambda context: f"must be at most {context['le']}",
    "too_short": lambda context: f"must have at least {_count(context['min_length'], 'item')}",
    "too_long": lambda context: f"must have at most {_count(context['max_length'], 'item')}",
    "enum": lambda context: f"must be {_words(context)}",
    "literal_error": lambda context: f"must be {_words(context)}",
    "datetime_type": _always("must be a time, such as 2026-11-26T08:00:00Z"),
    "datetime_parsing": _always("must be a time, such as 2026-11-26T08:00:00Z"),
    "datetime_from_date_parsing": _always("must be a time, such as 2026-11-26T08:00:00Z"),
    "value_error": lambda context: str(context["error"]),
}


def _words(context: Context) -> str:
    return str(context["expected"]).replace("'", "")


def _siblings(model: type[BaseModel], path: Path) -> list[str]:
    """Return what the fields beside the one at a path are called in a document."""
    found = _inner(model, path[:-1])
    return [field.alias or name for name, field in found.model_fields.items()] if found else []


def _secret(model: type[BaseModel], path: Path) -> bool:
    """Return whether the field at a path is one whose value must not be shown (`repr=False`)."""
    found = _inner(model, path[:-1]) if path else None
    field = _field(found, path[-1]) if found else None
    return field is not None and not field.repr


def _inner(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """Return the model of the object at a path, or None if that is no model's."""
    found: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int):
            continue  # an item of a list has the model that the list's field names
        field = _field(found, part) if found else None
        found = _model_in(field.annotation) if field else None
    return found


def _field(model: type[BaseModel], part: int | str) -> FieldInfo | None:
    return next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation such as `list[Rule] | None` is about."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, dict, Annotated, Union, UnionType):
        return next((found for argument in get_args(annotation) if (found := _model_in(argument))), None)
    return None
