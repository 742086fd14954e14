"""What a Job records, in an annotation, of what applies to its scan."""

from typing import Self

from pydantic import Field, ValidationError

from logscan_api.jobtemplates import JobTemplate
from logscan_api.models import Model

RECORD_ANNOTATION = "logscan.dev/resolved"


class Record(Model):
    """What the operator needs of it while the Job exists; rules, limits and notify are in the request of its pod."""

    policy: str | None = None
    combined: list[str] | None = None
    attempts: int = Field(ge=1)
    timeout_seconds: int = Field(ge=1)
    job: JobTemplate

    def to_annotation(self) -> str:
        """Return the value of the annotation."""
        return self.model_dump_json(by_alias=True, exclude_none=True)

    @classmethod
    def from_annotation(cls, text: str | None) -> Self | None:
        """Return the record in an annotation, or None if there is none or it cannot be read."""
        try:
            return cls.model_validate_json(text) if text else None
        except ValidationError:
            return None
