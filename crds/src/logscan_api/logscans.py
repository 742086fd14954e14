"""The LogScan custom resource: one object (or prefix) in S3, to be scanned once."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema

from logscan_api.exitcodes import Reason
from logscan_api.framing import Records
from logscan_api.immutable import unchanged
from logscan_api.jobtemplates import JobTemplate
from logscan_api.models import MOST, Model
from logscan_api.notify import Notify
from logscan_api.roles import RoleArn
from logscan_api.rules import RuleSelection
from logscan_api.schema import cel
from logscan_api.sources import Source
from logscan_api.statuses import LogScanStatus, Phase

NEVER = "never"
MAX_TTL_SECONDS = 10 * 366 * 86400
TTL_ALLOWED = f"from 0 to {MAX_TTL_SECONDS} (ten years), or {NEVER}"


def _ttl(value: Any) -> Any:
    """Return a time to live: one validator, since errors of a union name its members and not the field."""
    if value == NEVER or (type(value) is int and 0 <= value <= MAX_TTL_SECONDS):
        return value
    raise ValueError(f"must be seconds, {TTL_ALLOWED}")


TtlSeconds = Annotated[
    int | Literal["never"],
    PlainValidator(_ttl),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "x-kubernetes-validations": [
                cel(
                    f"type(self) == int ? self >= 0 && self <= {MAX_TTL_SECONDS} : self == '{NEVER}'",
                    f"set seconds, {TTL_ALLOWED}",
                )
            ],
        }
    ),
]


class Limits(Model):
    """Bounds on one scan: its own, then those of the matching LogScanPolicy, then the built-in defaults."""

    max_bytes: int | None = Field(
        default=None,
        ge=1,
        le=MOST,
        description="Maximum bytes read from S3 (default 50 GiB). A longer scan is incomplete, not failed.",
    )
    max_decompressed_bytes: int | None = Field(
        default=None,
        ge=1,
        le=MOST,
        description="Maximum bytes after decompression (default 500 GiB). A longer scan is incomplete, not failed.",
    )
    max_record_bytes: int | None = Field(
        default=None,
        ge=256,
        le=16777216,
        description="Bytes of a record that are matched (default 1 MiB); the rest of a longer record is skipped.",
    )
    max_samples_per_rule: int | None = Field(
        default=None, ge=0, le=20, description="Sample lines kept for each rule (default 3)."
    )
    max_sample_bytes: int | None = Field(
        default=None, ge=32, le=4096, description="Bytes kept of a sample line (default 256)."
    )
    context_lines: int | None = Field(
        default=None,
        ge=0,
        le=10,
        description="Lines kept before and after a sample line (default 0). Lines that continue the same event, such "
        "as a stack trace, are always kept.",
    )

    def over(self, base: "Limits") -> "Limits":
        """Return these limits, and the base's for those that are absent here."""
        return base.model_copy(update=self.model_dump(exclude_none=True))


IMMUTABLE = ("source", "roleArn", "rules", "records", "limits", "notify", "attempts", "timeoutSeconds", "job")


class LogScanSpec(Model):
    """What to scan and how. Only suspend, cancel, retry, priority and ttlSecondsAfterFinished may change later."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                unchanged(IMMUTABLE),
                cel(
                    "!oldSelf.?cancel.orValue(false) || self.?cancel.orValue(false)",
                    "a cancelled scan stays cancelled: delete the LogScan and create it again to run it",
                ),
            ]
        }
    )

    source: Source = Field(description="Where the logs are.")
    role_arn: RoleArn | None = Field(
        default=None,
        description="ARN of the IAM role that is assumed to list and read the logs, such as one of the account that "
        "owns the bucket (default: as the matching LogScanPolicy says, or the roles of operator and scanner). The "
        "operator's setting `allowedRoles` must list it for the namespace.",
    )
    rules: RuleSelection | None = Field(
        default=None,
        description="Which rules to run (default: those of the matching LogScanPolicy).",
    )
    records: Records | None = Field(
        default=None,
        description="How the log is divided into records (default: as the matching LogScanPolicy says, or by content).",
    )
    limits: Limits | None = Field(
        default=None, description="Bounds on the scan. Each one that is absent comes from the matching LogScanPolicy."
    )
    notify: Notify | None = Field(
        default=None, description="Who is notified (default: as the matching LogScanPolicy says)."
    )
    attempts: int | None = Field(
        default=None,
        ge=1,
        le=10,
        description="Maximum number of Jobs before the scan fails (default: of the matching LogScanPolicy, or 3).",
    )
    timeout_seconds: int | None = Field(
        default=None,
        ge=10,
        le=86400,
        description="Maximum run time of one attempt, in seconds (default: of the matching LogScanPolicy, or 3600).",
    )
    suspend: bool = Field(
        default=False, description="Suspend the scan. A running Job is stopped, and starts over later."
    )
    cancel: bool = Field(default=False, description="Cancel the scan and delete its Job. Cannot be undone.")
    retry: str | None = Field(
        default=None,
        min_length=1,
        max_length=63,
        description="Any new value, such as a date, runs a finished scan again.",
    )
    priority: int = Field(
        default=0,
        ge=-1000,
        le=1000,
        description="Scans of a namespace with a higher priority run first; scans of equal priority run oldest first.",
    )
    ttl_seconds_after_finished: TtlSeconds | None = Field(
        default=None,
        description="Seconds until a finished LogScan is deleted, or `never` for a LogScan that is kept in Git (the "
        "operator sets the default). Its row stays.",
    )
    job: JobTemplate | None = Field(
        default=None,
        description="Changes to the Job that runs the scan. Each field that is absent comes from the matching "
        "LogScanPolicy; labels and resources are merged.",
    )


class LogScan(Model):
    """LogScan asks for one scan of logs in S3 and shows its outcome."""

    spec: LogScanSpec
    # The API server shows this until the operator writes a status: a new scan needs no write to say why it waits. To
    # kstatus, a generation that was not observed means "in progress". There is no condition here: it would need a
    # lastTransitionTime, which would be wrong and stay.
    status: LogScanStatus | None = LogScanStatus(
        observed_generation=-1,
        phase=Phase.PENDING,
        reason=Reason.WAITING,
        message="waiting for the operator to start the scan",
    )


COLUMNS: list[dict[str, Any]] = [
    {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
    {"name": "Objects", "type": "string", "jsonPath": ".status.objects.progress"},
    {"name": "Matched", "type": "integer", "jsonPath": ".status.summary.matchedLines"},
    {"name": "Lines", "type": "integer", "jsonPath": ".status.summary.lines"},
    {"name": "Severity", "type": "string", "jsonPath": ".status.summary.worstSeverity"},
    {"name": "Incomplete", "type": "string", "jsonPath": ".status.summary.incomplete[0].reason"},
    {"name": "Duration", "type": "string", "jsonPath": ".status.duration"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {"name": "Reason", "type": "string", "jsonPath": ".status.reason", "priority": 1},
    {"name": "Bucket", "type": "string", "jsonPath": ".spec.source.s3.bucket", "priority": 1},
    {"name": "Key", "type": "string", "jsonPath": ".status.object", "priority": 1},
    {"name": "Job", "type": "string", "jsonPath": ".status.job.name", "priority": 1},
]
SELECTABLE = (".status.phase", ".status.reason", ".status.policy", ".spec.source.s3.bucket")
