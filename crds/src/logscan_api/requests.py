"""What the operator hands to a Job: JSON in the environment variable `LOGSCAN_REQUEST`."""

from typing import Literal

from pydantic import Field

from logscan_api.logscans import Limits, S3Source
from logscan_api.models import Model
from logscan_api.notify import Notify
from logscan_api.rules import Rule
from logscan_api.statuses import ResultRef

REQUEST_VARIABLE = "LOGSCAN_REQUEST"

DEFAULT_LIMITS = Limits(
    max_bytes=50 << 30,
    max_decompressed_bytes=500 << 30,
    max_line_bytes=1 << 20,
    max_samples_per_rule=3,
    max_sample_bytes=256,
    context_lines=0,
    max_objects=1000,
)


class ResolvedLimits(Model):
    """Limits with every value set; see `Limits` for the units."""

    max_bytes: int
    max_decompressed_bytes: int
    max_line_bytes: int
    max_samples_per_rule: int
    max_sample_bytes: int
    context_lines: int
    max_objects: int


def resolve_limits(*layers: Limits | None) -> ResolvedLimits:
    """Return limits in which the first layer that sets a value wins, then the built-in default."""
    merged: dict[str, object] = {}
    for layer in (DEFAULT_LIMITS, *reversed(layers)):
        merged.update(layer.model_dump(exclude_none=True) if layer else {})
    return ResolvedLimits.model_validate(merged)


class ScanIdentity(Model):
    """Which LogScan a Job works for."""

    namespace: str
    name: str
    uid: str
    attempt: int = Field(ge=1)


class Report(Model):
    """Where the findings go."""

    bucket: str
    prefix: str = ""


class ScanRequest(Model):
    """All that a scanner needs; it reads no Kubernetes API."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    scan: ScanIdentity
    source: S3Source
    rules: list[Rule] = Field(min_length=1)
    limits: ResolvedLimits
    result: ResultRef
    report: Report | None = None
    notify: Notify | None = None
    sender: str | None = Field(default=None, description="Address that mail is from; without it none is sent.")
    ttl_days: int = Field(default=90, ge=1, description="Days after which DynamoDB may drop the row.")

    def to_json(self) -> str:
        """Return the form that the environment variable holds."""
        return self.model_dump_json(by_alias=True, exclude_none=True)
