"""The base of every model: camelCase on the wire, frozen, and unknown fields refused by name."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

MOST = 2**53  # the largest number that every reader of JSON keeps exact


class Model(BaseModel):
    """A contract's object. Python names are snake_case, the wire's are camelCase."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, defer_build=True
    )

    def wire(self) -> dict[str, object]:
        """Return the JSON-ready form, without the fields that are not set."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
