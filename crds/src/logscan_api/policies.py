"""The LogScanPolicy custom resource: what happens to which objects."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from logscan_api.bounded import Count, Generation
from logscan_api.framing import Records
from logscan_api.globs import matches
from logscan_api.jobtemplates import JobTemplate
from logscan_api.logscans import Limits
from logscan_api.models import Model
from logscan_api.notify import Notify
from logscan_api.quantities import Quantity
from logscan_api.roles import RoleArn
from logscan_api.rules import RuleSelection
from logscan_api.schema import cel
from logscan_api.sources import MOST_OBJECTS, Glob, Globs
from logscan_api.statuses import Condition


class PolicyAction(StrEnum):
    """What to do with an object that a policy matches."""

    SCAN = "Scan"
    IGNORE = "Ignore"


class Unchanged(StrEnum):
    """What to do with an upload whose entity tag is that of an existing scan."""

    SCAN = "Scan"
    SKIP = "Skip"


class Batch(Model):
    """How uploads are gathered: several objects of a bucket in one LogScan and one Job, each with a row of its own."""

    max_objects: int = Field(default=500, ge=2, le=MOST_OBJECTS, description="Objects of a LogScan, at most.")
    max_bytes: Quantity = Field(default=Quantity("1Gi"), description="Size of the objects of a LogScan together.")
    max_seconds: int = Field(
        default=10, ge=1, le=300, description="Seconds that an upload waits for others before its LogScan is made."
    )
    largest: Quantity = Field(
        default=Quantity("16Mi"), description="Size of an object from which on it has a LogScan of its own."
    )


class PolicyMatch(Model):
    """Which objects a policy matches. `*` matches within a path segment, `**` across segments, `?` one character."""

    buckets: Globs = Field(default=["*"], description="Globs of bucket names.")
    keys: Globs = Field(default=["**"], description="Globs of keys.")
    exclude_keys: Annotated[list[Glob], Field(max_length=50)] | None = Field(
        default=None, description="Globs of keys that the policy does not match."
    )

    def matches(self, bucket: str, key: str) -> bool:
        """Return whether the policy matches an object."""
        return matches(self.buckets, bucket) and matches(self.keys, key) and not matches(self.exclude_keys or [], key)


class LogScanPolicySpec(Model):
    """Which objects, what happens to them, and what applies where their LogScans leave a field out."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "self.action == 'Ignore' || has(self.rules)",
                    "a policy that scans needs rules: name packs, rule sets or inline rules, or set action to Ignore",
                ),
                cel(
                    "!has(self.batch) || self.unchanged != 'Skip'",
                    "batch and unchanged: Skip exclude each other: a LogScan of several objects is of no one content",
                ),
            ]
        }
    )

    priority: int = Field(
        default=0,
        ge=-1000,
        le=1000,
        description="The matching policy with the highest priority decides; on a tie, the first by name.",
    )
    match: PolicyMatch = Field(default=PolicyMatch(), description="Which objects the policy matches (default: all).")
    action: PolicyAction = Field(default=PolicyAction.SCAN, description="Scan the object, or Ignore it.")
    combine: bool = Field(
        default=False,
        description="Whether scans under this policy also run the rules of the other matching policies that scan. "
        "Everything else is decided by this policy (default false).",
    )
    unchanged: Unchanged = Field(
        default=Unchanged.SCAN,
        description="Scan every upload, or Skip those whose key and entity tag are those of an earlier scan that did "
        "not fail, such as unchanged files of a nightly sync.",
    )
    batch: Batch | None = Field(
        default=None,
        description="Scan several uploads in one Job, for many small objects (default: a Job for each object).",
    )
    role_arn: RoleArn | None = Field(
        default=None,
        description="IAM role that lists and reads the logs of LogScans that leave out roleArn. The operator's setting "
        "`allowedRoles` must list it for the namespace.",
    )
    rules: RuleSelection | None = Field(default=None, description="Rules of LogScans that leave out rules.")
    records: Records | None = Field(default=None, description="Records of LogScans that leave out records.")
    limits: Limits | None = Field(default=None, description="Limits of LogScans that leave out the same limit.")
    notify: Notify | None = Field(default=None, description="Who is notified of LogScans that leave out notify.")
    attempts: int | None = Field(
        default=None, ge=1, le=10, description="Maximum number of Jobs of LogScans that leave out attempts."
    )
    max_concurrent: int | None = Field(
        default=None, ge=1, le=10000, description="Maximum concurrent Jobs of scans under this policy."
    )
    timeout_seconds: int | None = Field(
        default=None,
        ge=10,
        le=86400,
        description="Maximum run time of one attempt, in seconds, of LogScans that leave out timeoutSeconds.",
    )
    job: JobTemplate | None = Field(
        default=None, description="Changes to the Jobs of LogScans that leave out the same field of job."
    )


class ScanCounts(Model):
    """LogScans with rules from this policy, by phase."""

    queued: Count = 0
    running: Count = 0
    succeeded: Count = 0
    failed: Count = 0


class LogScanPolicyStatus(Model):
    """Status of the policy, written by the operator."""

    model_config = ConfigDict(extra="ignore")

    observed_generation: Generation | None = None
    scans: ScanCounts | None = Field(default=None, description="LogScans under this policy, by phase.")
    conditions: Annotated[list[Condition], Field(max_length=16)] | None = Field(
        default=None,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )


class LogScanPolicy(Model):
    """LogScanPolicy decides which objects are scanned, with which rules and limits."""

    spec: LogScanPolicySpec
    # Until the operator writes a status, kstatus reports the policy as in progress.
    status: LogScanPolicyStatus | None = LogScanPolicyStatus(observed_generation=-1)


def matching(policies: Mapping[str, LogScanPolicySpec], bucket: str, key: str) -> list[str]:
    """Return the names of the policies that match an object, the one that decides first.

    Args:
        policies: Specs by name.
        bucket: The object's bucket.
        key: The object's key, decoded.
    """
    found = [(-spec.priority, name) for name, spec in policies.items() if spec.match.matches(bucket, key)]
    return [name for _, name in sorted(found)]


def choose(policies: Mapping[str, LogScanPolicySpec], bucket: str, key: str) -> str | None:
    """Return the name of the policy that applies to an object, or None; see `matching`."""
    return next(iter(matching(policies, bucket, key)), None)


COLUMNS: list[dict[str, Any]] = [
    {"name": "Action", "type": "string", "jsonPath": ".spec.action"},
    {"name": "Priority", "type": "integer", "jsonPath": ".spec.priority"},
    {
        "name": "Ready",
        "type": "string",
        "jsonPath": ".status.conditions[?(@.type=='Ready')].status",
    },
    {"name": "Running", "type": "integer", "jsonPath": ".status.scans.running"},
    {"name": "Failed", "type": "integer", "jsonPath": ".status.scans.failed"},
    {"name": "Packs", "type": "string", "jsonPath": ".spec.rules.packs"},
    {"name": "Combine", "type": "boolean", "jsonPath": ".spec.combine", "priority": 1},
    {"name": "Rule Sets", "type": "string", "jsonPath": ".spec.rules.ruleSets", "priority": 1},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {"name": "Buckets", "type": "string", "jsonPath": ".spec.match.buckets", "priority": 1},
    {"name": "Keys", "type": "string", "jsonPath": ".spec.match.keys", "priority": 1},
]
SELECTABLE = (".spec.action",)
