"""Values as DynamoDB's API writes them: each an object with its type as the only name, `{"S": "text"}`.

boto3 has the same (`boto3.dynamodb.types`), but importing it would take a tenth of a scan's start, and it turns every
number into a Decimal. Rows hold no fractions, sets or binary values.
"""

from typing import Any

Item = dict[str, Any]


def to_item(document: dict[str, Any]) -> Item:
    """Return an item for the attributes in a JSON object."""
    return {name: _to_attribute(value) for name, value in document.items()}


def from_item(item: Item) -> dict[str, Any]:
    """Return the attributes of an item as a JSON object."""
    return {name: _from_attribute(attribute) for name, attribute in item.items()}


def _to_attribute(value: Any) -> Any:
    kind = type(value)  # nearly every value is of one of these types, and a scan of many objects has millions
    if kind is str:
        return {"S": value}
    if kind is int:
        return {"N": str(value)}
    if kind is dict:
        return {"M": {name: _to_attribute(entry) for name, entry in value.items()}}
    if kind is list:
        return {"L": [_to_attribute(entry) for entry in value]}
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(int(value))}
        case str():
            return {"S": str(value)}
    raise TypeError(f"a row holds no {kind.__name__}")


def _from_attribute(attribute: Any) -> Any:
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return int(value)
        case "L":
            return [_from_attribute(entry) for entry in value]
        case "M":
            return from_item(value)
    return value
