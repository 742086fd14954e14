"""What the fields of a JSON record may be: the `where` of a rule.

The engine reads the conditions (`>=500`, `!=info`; see docs/rules.md); here only their types and sizes are checked. A
condition is a text, a number, true or false, or a list of these. A structural schema cannot express that. So the API
server stores what is written (`x-kubernetes-preserve-unknown-fields`) within bounds for each of these types, CEL rules
cannot see it, and the operator finds what is wrong in it.
"""

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

MOST_FIELDS = 8
MOST_VALUES = 50
VALUE_LENGTH = 256
NAME_LENGTH = 256

ALLOWED = "must be a text, a number, true or false, or a list of these"

_ANY_SCALAR = {
    "x-kubernetes-preserve-unknown-fields": True,
    "maxLength": VALUE_LENGTH,
    "maxItems": 0,
    "maxProperties": 0,
}
_SCHEMA = {**_ANY_SCALAR, "minItems": 1, "maxItems": MOST_VALUES, "items": _ANY_SCALAR}


def _texts(value: Any) -> Any:
    """Return the values of a field as texts, as the engine reads them."""
    return [_text(item) for item in value] if isinstance(value, list | tuple) else [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    if not isinstance(value, str | int | float):
        raise ValueError(ALLOWED)
    if isinstance(value, int) and abs(value) >= 10**VALUE_LENGTH:
        raise ValueError(f"must have at most {VALUE_LENGTH} digits")
    return str(value)


Value = Annotated[str, Field(max_length=VALUE_LENGTH)]
Values = Annotated[
    list[Value],
    Field(min_length=1, max_length=MOST_VALUES),
    BeforeValidator(_texts),
    WithJsonSchema(_SCHEMA),
]
Path = Annotated[str, Field(max_length=NAME_LENGTH)]
Where = Annotated[dict[Path, Values], Field(min_length=1, max_length=MOST_FIELDS)]


def size(where: dict[str, list[str]] | None) -> int:
    """Return the bytes (UTF-8) of all names and values."""
    texts = [text for path, values in (where or {}).items() for text in (path, *values)]
    return sum(map(size_of, texts))


def size_of(text: str) -> int:
    """Return the bytes (UTF-8) of a text."""
    return len(text.encode(errors="surrogatepass"))
