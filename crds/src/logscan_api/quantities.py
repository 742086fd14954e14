"""Amounts of a resource, as Kubernetes writes them: `250m`, `128Mi`, `1.5G`, `256e6`.

`Quantity` accepts what `ParseQuantity` of k8s.io/apimachinery (pkg/api/resource/quantity.go) accepts, oddities
included, because the API server parses the same text again in the Job: a stricter rule would refuse what a pod may
have, a looser one would accept scans whose Job is refused. `tests/quantity_cases.jsonl` was recorded from that parser.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from logscan_api.schema import cel

MAX_LENGTH = 64  # of a quantity in a custom resource: the cost of its CEL rule must have a bound
MAX_BYTES = 2**63 - 1  # the API server counts in 64 bits
ALLOWED = f"a quantity of at most {MAX_LENGTH} characters, such as 500m, 128Mi, 1.5G or 256e6"

# The digits may be missing: `.`, `Ki` and `+` are zero. `\d` would accept digits of every script.
_FORM = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(|[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_NANO = -9
_MOST_DIGITS = 40  # more than MAX_BYTES has; larger powers of ten are never computed


class Quantity(str):
    """A quantity, as it was written.

    Attributes:
        bytes: Its value, rounded away from zero to a whole number and limited to 64 bits, as Kubernetes counts memory.
    """

    __slots__ = ("bytes",)
    bytes: int

    def __new__(cls, text: str) -> "Quantity":
        """Return the quantity that a text is.

        Raises:
            ValueError: It is not one.
        """
        quantity = super().__new__(cls, text)
        quantity.bytes = _parse(text)
        return quantity

    def doubled(self, most: "Quantity") -> "Quantity | None":
        """Return twice this amount of memory but no more than `most`, or None if that is not more than this."""
        size = min(self.bytes * 2, most.bytes)
        if size <= self.bytes:
            return None
        return Quantity(f"{size >> 20}Mi" if size % 2**20 == 0 else str(size))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return how pydantic validates and writes a quantity."""
        return core_schema.no_info_plain_validator_function(
            _validate, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the schema for the CRD."""
        return _schema_with("type(self) == int || isQuantity(self)", f"must be {ALLOWED}")


def _schema_with(rule: str, message: str) -> dict[str, Any]:
    return {
        "x-kubernetes-int-or-string": True,
        "maxLength": MAX_LENGTH,
        "x-kubernetes-validations": [cel(rule, message)],
    }


def _not_negative(quantity: Quantity) -> Quantity:
    if quantity.startswith("-"):
        raise ValueError(f"must be {ALLOWED}, and not negative")
    return quantity


# An amount that a pod may request: the API server refuses a Job with a negative one. The rule looks at the sign, since
# Kubernetes 1.31 to 1.33 count each conversion to a quantity as expensive.
Amount = Annotated[
    Quantity,
    AfterValidator(_not_negative),
    WithJsonSchema(
        _schema_with(
            "type(self) == int ? self >= 0 : isQuantity(self) && !self.startsWith('-')",
            f"must be {ALLOWED}, and not negative",
        )
    ),
]


def _validate(value: Any) -> Quantity:
    """Return a quantity from a text, or from a number, which YAML makes of `cpu: 1`."""
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"must be {ALLOWED}")
    return Quantity(str(value))


def _parse(text: str) -> int:
    match = _FORM.fullmatch(text)
    if not 0 < len(text) <= MAX_LENGTH or match is None:
        raise ValueError(f"must be {ALLOWED}")
    sign, whole, fraction, suffix = match[1], match[2], match[3] or "", match[4]
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else 0 if suffix in _BINARY else _exponent(suffix[1:])
    # A suffix alone is zero, but not where Kubernetes leaves its fast path: there the digits are parsed once more.
    if not whole + fraction and (exponent < _NANO or suffix in ("Pi", "Ei")):
        raise ValueError(f"must be {ALLOWED}")
    digits = int(whole + fraction or "0") << _BINARY.get(suffix, 0)
    size = min(_rounded(digits, exponent - len(fraction)), MAX_BYTES)
    return -size if sign == "-" else size


def _exponent(text: str) -> int:
    """Return the power of ten behind an `e`: Kubernetes reads 64 bits and keeps the lower 32."""
    exponent = int(text)
    if not -(2**63) <= exponent < 2**63:
        raise ValueError(f"must be {ALLOWED}")
    return (exponent + 2**31) % 2**32 - 2**31


def _rounded(digits: int, exponent: int) -> int:
    """Return `digits` times a power of ten, rounded up."""
    if digits == 0:
        return 0
    if exponent >= 0:
        return digits * int(10 ** min(exponent, _MOST_DIGITS))
    if -exponent > _MOST_DIGITS + len(str(digits)):
        return 1
    return -(-digits // int(10**-exponent))
