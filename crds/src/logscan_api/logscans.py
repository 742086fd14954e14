"""The LogScan custom resource: one object (or prefix) in S3, to be scanned once."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema

from logscan_api.affinity import Affinity
from logscan_api.buckets import BucketName
from logscan_api.exitcodes import Reason
from logscan_api.framing import Records
from logscan_api.models import MOST, Model
from logscan_api.notify import Notify
from logscan_api.quantities import Amount
from logscan_api.rules import RuleSelection
from logscan_api.schema import cel
from logscan_api.statuses import LogScanStatus, Phase

Label = Annotated[str, Field(max_length=63, pattern=r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")]
LabelMap = Annotated[dict[str, Label], Field(max_length=32)]
AmountMap = Annotated[dict[str, Amount], Field(max_length=16)]

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


class S3Source(Model):
    """The object, or all objects under a prefix."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "has(self.key) != has(self.prefix)",
                    "set exactly one of key (one object) and prefix (all objects under it)",
                ),
                cel(
                    "has(self.key) || !(has(self.versionId) || has(self.etag) || has(self.sequencer))",
                    "versionId, etag and sequencer belong to one object: remove them or set key instead of prefix",
                ),
                *(
                    cel(
                        f"!has(self.{field}) || size(bytes(self.{field})) <= 1024",
                        f"{field} has at most 1024 bytes (UTF-8), as in S3",
                    )
                    for field in ("key", "prefix", "versionId")
                ),
            ]
        }
    )

    bucket: BucketName
    key: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="Key of the object, not URL-encoded.",
    )
    prefix: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description="Scan all objects whose key starts with this.",
    )
    version_id: str | None = Field(
        default=None, max_length=1024, description="Version to scan (default: the newest when the scan starts)."
    )
    etag: str | None = Field(
        default=None,
        max_length=128,
        description="Entity tag that the object must still have; a different one means that it was overwritten.",
    )
    size: int | None = Field(default=None, ge=0, le=MOST, description="Object size in bytes, as reported by the event.")
    sequencer: str | None = Field(
        default=None, max_length=64, description="S3's sequencer of the event, which orders the events of one key."
    )


class Source(Model):
    """Where the logs are."""

    s3: S3Source


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
    max_objects: int | None = Field(
        default=None, ge=1, le=100000, description="Maximum objects read under a prefix (default 1000)."
    )

    def over(self, base: "Limits") -> "Limits":
        """Return these limits, and the base's for those that are absent here."""
        return base.model_copy(update=self.model_dump(exclude_none=True))


class Resources(Model):
    """Requests and limits of the scanner's container, as in a pod."""

    requests: AmountMap | None = Field(default=None, description="For example cpu: 500m, memory: 128Mi.")
    limits: AmountMap | None = Field(default=None, description="For example memory: 256Mi.")

    def over(self, base: "Resources") -> "Resources":
        """Return these amounts, and the base's for every resource that they leave out."""
        requests = {**(base.requests or {}), **(self.requests or {})}
        limits = {**(base.limits or {}), **(self.limits or {})}
        return self.model_copy(update={"requests": requests, "limits": limits})


class Toleration(Model):
    """A toleration of the scanner's pod, as in a pod."""

    key: str | None = Field(default=None, max_length=317)
    operator: Annotated[str, Field(max_length=16, pattern="^(Exists|Equal)$")] | None = None
    value: Label | None = None
    effect: Annotated[str, Field(max_length=16, pattern="^(NoSchedule|PreferNoSchedule|NoExecute)$")] | None = None
    toleration_seconds: Annotated[int, Field(ge=-1, le=2**31 - 1)] | None = None


class JobTemplate(Model):
    """Changes to the operator's own Job template."""

    resources: Resources | None = Field(default=None, description="Requests and limits of the container.")
    node_selector: LabelMap | None = Field(default=None, description="Node labels that the pod needs.")
    tolerations: Annotated[list[Toleration], Field(max_length=16)] | None = Field(
        default=None, description="Taints that the pod tolerates."
    )
    affinity: Affinity | None = Field(
        default=None,
        description="Affinity of the pod, as in a pod; the API server validates it when the Job is created.",
    )
    priority_class_name: str | None = Field(default=None, max_length=253, description="PriorityClass of the pod.")
    labels: LabelMap | None = Field(
        default=None, description="Labels of the Job and its pod, such as Kueue's queue name."
    )

    def over(self, base: "JobTemplate") -> "JobTemplate":
        """Return this template with the base's value for every field not set; labels and resources are merged."""
        gaps: dict[str, Any] = {n: getattr(base, n) for n in JobTemplate.model_fields if getattr(self, n) is None}
        if self.labels and base.labels:
            gaps["labels"] = {**base.labels, **self.labels}
        if self.resources and base.resources:
            gaps["resources"] = self.resources.over(base.resources)
        return self.model_copy(update=gaps)


IMMUTABLE = ("source", "rules", "records", "limits", "notify", "attempts", "timeoutSeconds", "job")


def _immutable(field: str) -> Any:
    same = f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
    return cel(same, f"spec.{field} is immutable: delete the LogScan and create it again, or use another name")


class LogScanSpec(Model):
    """What to scan and how. Only suspend, cancel, retry, priority and ttlSecondsAfterFinished may change later."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                *map(_immutable, IMMUTABLE),
                cel(
                    "!(has(oldSelf.cancel) && oldSelf.cancel) || (has(self.cancel) && self.cancel)",
                    "a cancelled scan stays cancelled: delete the LogScan and create it again to run it",
                ),
            ]
        }
    )

    source: Source = Field(description="Where the logs are.")
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
