"""The status of a LogScan."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from logscan_api.bounded import Count, Generation, KeyText, Name, ReasonWord, SeverityWord, Time
from logscan_api.conditions import ConditionType
from logscan_api.incomplete import Incomplete
from logscan_api.labels import shown_object
from logscan_api.models import Model
from logscan_api.quantities import Quantity

MOST_FAILURES = 10
MOST_NAMED = 24  # LogScans of a prefix: as many as may be unfinished, and the last page may have four more


class Phase(StrEnum):
    """The phase of a LogScan's life cycle."""

    PENDING = "Pending"
    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SUSPENDED = "Suspended"
    CANCELLED = "Cancelled"

    @property
    def finished(self) -> bool:
        """Return whether the scan has ended."""
        return self in (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED)


class Condition(Model):
    """A condition, with the fields of Kubernetes' `metav1.Condition`; lengths have bounds of their own."""

    model_config = ConfigDict(extra="ignore")

    type: str = Field(max_length=64, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")
    status: Literal["True", "False", "Unknown"]
    reason: str = Field(min_length=1, max_length=128, pattern="^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
    message: str = Field(max_length=1024)
    last_transition_time: Time
    observed_generation: Generation | None = None


class RuleCount(Model):
    """How many lines one rule matched."""

    model_config = ConfigDict(extra="ignore")

    rule: Name
    severity: SeverityWord
    lines: Count


class FailedObject(Model):
    """One of several objects that could not be scanned."""

    model_config = ConfigDict(extra="ignore")

    key: KeyText = Field(description="Its key, shortened in a status.")
    reason: ReasonWord = Field(description="Why, in one word, as in status.reason.")
    message: KeyText | None = Field(default=None, description="Why, in a sentence; only in the row.")


class ObjectCounts(Model):
    """What became of several objects."""

    model_config = ConfigDict(extra="ignore")

    total: Count = Field(description="Objects to scan.")
    done: Count = Field(description="Objects that this scan read.")
    skipped: Count = Field(description="Objects whose result was there, found by an earlier scan with the same rules.")
    failed: Count = Field(description="Objects that could not be read; a row of each says why.")
    failures: Annotated[list[FailedObject], Field(max_length=MOST_FAILURES)] | None = Field(
        default=None, description=f"The first {MOST_FAILURES} that failed."
    )
    progress: Name | None = Field(default=None, description="How many are finished, of how many; for display.")

    @property
    def finished(self) -> int:
        """Return how many objects nothing more will happen to."""
        return self.done + self.skipped + self.failed

    def shown(self) -> "ObjectCounts":
        """Return the same in the form that a status has."""
        failures = [
            found.model_copy(update={"key": shown_object(found.key, None), "message": None})
            for found in (self.failures or [])[:MOST_FAILURES]
        ]
        return self.model_copy(update={"failures": failures or None, "progress": f"{self.finished}/{self.total}"})


class ListedChild(Model):
    """A LogScan that scans a part of what is under a prefix, until its result is counted."""

    model_config = ConfigDict(extra="ignore")

    name: Name
    objects: Count = Field(description="Objects that it scans.")
    bytes: Count = Field(description="Their size, as listed.")


class Listing(Model):
    """How far a prefix has been listed, and which LogScans scan what was listed.

    A listed key is scanned by one LogScan or is counted as skipped; a LogScan is counted once. The write that moves the
    cursor past some keys also names the LogScans that scan them, and the write that adds what a LogScan found also
    takes its name away. Only LogScans that are named here run.
    """

    model_config = ConfigDict(extra="ignore")

    cursor: KeyText | None = Field(
        default=None,
        description="Keys up to this one are listed; with an inventory its manifest's checksum, the number of the "
        "file, and the rows of it.",
    )
    complete: bool = Field(default=False, description="Whether all keys are listed.")
    pages: Count = Field(default=0, description="How often the cursor was moved, over all runs.")
    keys: Count = Field(default=0, description="Keys listed so far.")
    objects: Count = Field(default=0, description="Objects among them that are asked for.")
    bytes: Count = Field(default=0, description="Size of those objects.")
    bytes_done: Count = Field(default=0, description="Size of the objects whose result is counted.")
    unmatched: Count = Field(default=0, description="Objects that no LogScanPolicy matches, counted as skipped.")
    ignored: Count = Field(default=0, description="Objects that a LogScanPolicy says to ignore, counted as skipped.")
    unreadable: Count | None = Field(
        default=None, description="Rows of an inventory that cannot be read, or are of another bucket."
    )
    expected: Count | None = Field(
        default=None, description="Objects that are asked for, counted ahead; absent until that is done."
    )
    percent: Annotated[int, Field(ge=0, le=100)] | None = Field(
        default=None, description="Share of the expected objects that nothing more will happen to."
    )
    remaining: Name | None = Field(default=None, description="Estimate of the time left, such as 1h5m, for display.")
    since: Time | None = Field(default=None, description="From when on the speed is measured for that.")
    before: Count | None = Field(default=None, description="Objects that were finished at that time.")
    children: Annotated[list[ListedChild], Field(max_length=MOST_NAMED)] | None = Field(
        default=None, description="LogScans that scan what was listed and whose result is not counted yet."
    )


class Summary(Model):
    """What the scan found, in short."""

    model_config = ConfigDict(extra="ignore")

    bytes: Count = Field(description="Bytes read from S3.")
    decompressed_bytes: Count = Field(description="Bytes after decompression.")
    lines: Count = Field(description="Lines read.")
    matched_lines: Count = Field(description="Lines that at least one rule matched.")
    worst_severity: SeverityWord | None = Field(default=None, description="Worst severity that was found.")
    by_severity: Annotated[dict[SeverityWord, Count], Field(max_length=16)] = Field(
        description="Lines by severity; a line counts once for each of its severities."
    )
    top_rules: Annotated[list[RuleCount], Field(max_length=10)] = Field(description="Rules with the most lines.")
    incomplete: Annotated[list[Incomplete], Field(max_length=10)] | None = Field(
        default=None,
        description="What was not read or not counted, at most four parts; absent when the scan is complete.",
    )


class ResultRef(Model):
    """Where the whole result is."""

    model_config = ConfigDict(extra="ignore")

    table: KeyText = Field(description="DynamoDB table.")
    pk: KeyText = Field(description="Partition key of the row.")
    sk: KeyText = Field(description="Sort key of the row.")
    report_uri: KeyText | None = Field(default=None, description="Where the findings are, as gzipped JSON Lines.")
    html_report_uri: KeyText | None = Field(
        default=None, description="Where the report for people is, as one HTML page."
    )
    taken_from: Name | None = Field(
        default=None,
        description="LogScan that found this earlier, in the same version of the object with the same rules and "
        "limits; absent if this scan found it.",
    )


class JobRef(Model):
    """The Job of the latest attempt."""

    model_config = ConfigDict(extra="ignore")

    name: Name
    uid: Name | None = None


class LogScanStatus(Model):
    """Status of the scan, written by the operator only; always below 5 KiB, of a prefix below 9 KiB."""

    model_config = ConfigDict(extra="ignore")

    observed_generation: Generation | None = Field(
        default=None, description="Generation of the spec that this describes."
    )
    phase: Phase | None = Field(default=None, description="Phase of the scan's life cycle.")
    reason: ReasonWord | None = Field(
        default=None, description="Why the scan is in this phase, in one word; new versions may add words."
    )
    message: str | None = Field(
        default=None, max_length=1024, description="Why the scan is in this phase, in a sentence."
    )
    conditions: Annotated[list[Condition], Field(max_length=16)] | None = Field(
        default=None,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        description=", ".join(ConditionType) + ".",
    )
    object: str | None = Field(
        default=None, max_length=64, description="Key, keys or prefix that is scanned, shortened for display."
    )
    policy: Name | None = Field(
        default=None, description="LogScanPolicy that fills what the spec leaves out, if one matches."
    )
    job: JobRef | None = Field(default=None, description="Job of the latest attempt.")
    attempts: Count | None = Field(default=None, description="Jobs created so far, including those of earlier runs.")
    prior_attempts: Count | None = Field(
        default=None, description="Jobs of the runs before the latest spec.retry; spec.attempts does not count them."
    )
    refusals: Count | None = Field(
        default=None, description="Consecutive refusals of a Job or its pod; each doubles the delay."
    )
    last_handled_retry: Name | None = Field(
        default=None, description="Value of spec.retry that the latest run belongs to."
    )
    memory_limit: Quantity | None = Field(
        default=None, description="Memory limit of the next attempt, raised because the last one was OOM-killed."
    )
    retry_time: Time | None = Field(default=None, description="When the next attempt may start.")
    start_time: Time | None = Field(default=None, description="When the first Job was created.")
    completion_time: Time | None = Field(default=None, description="When the scan ended.")
    duration: Name | None = Field(default=None, description="Time from start to completion, for display.")
    objects: ObjectCounts | None = Field(default=None, description="What became of several objects.")
    listing: Listing | None = Field(default=None, description="How far a prefix has been listed.")
    summary: Summary | None = Field(default=None, description="What was found.")
    result: ResultRef | None = Field(default=None, description="Where the whole result is.")
