"""The objects that the operator works with, as it sees them: LogScans, their Jobs, policies and rule sets."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from logscan_api.explanations import explain
from logscan_api.logscans import LogScanSpec
from logscan_api.policies import LogScanPolicySpec, LogScanPolicyStatus
from logscan_api.rules import Rule, RuleSelection
from logscan_api.rulesets import LogScanRuleSetSpec, LogScanRuleSetStatus
from logscan_api.statuses import Condition, LogScanStatus, Phase
from logscan_operator.parents import Parent

Object = dict[str, Any]
Key = tuple[str, str]

IDENTITY_LABEL = "logscan.dev/identity"
CONTENT_LABEL = "logscan.dev/content"
FINISHED = frozenset(str(phase) for phase in Phase if phase.finished)
# A spec above this many characters is abridged: thousands of the largest legal ones (64 KiB) may be unfinished.
LARGE_SPEC = 4096
RULES_OF_ITS_OWN = RuleSelection.model_construct()
KEPT = ("phase", "reason", "completionTime", "policy")
OF_CHILD = ("object", "message", "objects", "summary")  # what its parent adds up, or shows
TIMES = ("retryTime", "startTime", "completionTime")
COUNTS = ("attempts", "priorAttempts", "refusals")
MOST_COUNTED = 10**6  # no scan ever gets so far, and the API server refuses 2^53 + 1
# No time of Kubernetes is outside of these years, and what is inside can be added to any number of seconds of a field.
YEARS = range(1970, 9000)


@dataclass(frozen=True)
class Scan:
    """A LogScan as the operator sees it.

    Attributes:
        key: Namespace and name.
        uid: Its uid.
        version: Its resourceVersion as a number.
        generation: Generation of its spec.
        created: When it was created.
        deleting: Whether it is being deleted.
        spec: Its spec, or None when this version cannot read it, or once the scan has finished.
        abridged: Whether the spec lacks what only its Job needs (rules, limits, notify, job), since all of it is large.
        problem: Why the spec cannot be read.
        status: Its status; of a finished scan just what is counted and what its deletion depends on, since thousands
            are kept.
        ttl_seconds: After how many seconds it is to be deleted, or `never`, if it says so itself.
        by_hand: Whether a person made it, not the intake.
        content: Hash of bucket, key and entity tag, if the intake knew one.
        retry: Its `spec.retry`.
        reopened: Whether its status is final but describes an earlier spec: it may have to run again.
        objects: How many objects its source lists; the spec has the first of them, unless it was read whole.
        parent: The LogScan of a prefix that it works for, if so.
    """

    key: Key
    uid: str
    version: int
    generation: int
    created: datetime
    deleting: bool
    spec: LogScanSpec | None
    abridged: bool
    problem: str
    status: LogScanStatus
    ttl_seconds: int | str | None
    by_hand: bool
    content: str | None = None
    retry: str | None = None
    reopened: bool = False
    objects: int = 0
    parent: Parent | None = None

    @cached_property
    def lists(self) -> bool:
        """Return whether it scans what is under a prefix, which others do for it."""
        return self.spec is not None and self.spec.source.s3.lists

    @property
    def readable_spec(self) -> LogScanSpec:
        """Return the spec.

        Raises:
            ValueError: It cannot be read, or the scan has finished; nothing is planned that needs it then.
        """
        if self.spec is None:
            raise ValueError(f"the spec of {'/'.join(self.key)} cannot be read: {self.problem}")
        return self.spec

    @property
    def finished(self) -> bool:
        """Return whether nothing more will happen, by a final status that describes the spec as it is."""
        return self.status.phase is not None and self.status.phase.finished and not self.reopened

    @property
    def runs_again(self) -> bool:
        """Return whether `spec.retry` asks for another run of a scan that has ended."""
        cancelled = self.spec is not None and self.spec.cancel
        return self.reopened and not cancelled and self.retry not in (None, self.status.last_handled_retry)

    @property
    def prior_attempts(self) -> int:
        """Return how many Jobs its earlier runs had; those of the present run have higher numbers."""
        return self.status.prior_attempts or 0

    @property
    def ended(self) -> datetime:
        """Return when it finished; when it was created if its status does not tell."""
        return parse_time(self.status.completion_time) if self.status.completion_time else self.created

    @classmethod
    def parse(cls, body: Object, known: "Scan | None" = None, whole: bool = False) -> "Scan":
        """Return the scan that an object of the API describes.

        Args:
            body: The object.
            known: What was known of it; its spec is taken over if the generation is the same.
            whole: Whether to keep all of a large spec, for a moment.
        """
        metadata = body["metadata"]
        uid, generation = metadata["uid"], metadata.get("generation", 1)
        reopened, parent = _reopened(body), Parent.of(metadata)
        status, finished = _parse_status(body, reopened, KEPT + (OF_CHILD if parent else ()))
        # A finished scan has no spec here: if its status is reset, the spec must be read again.
        unchanged = known is not None and not known.finished and (known.uid, known.generation) == (uid, generation)
        spec, problem, abridged, objects = None, "", False, 0
        if not finished and known and unchanged:
            spec, problem, abridged, objects = known.spec, known.problem, known.abridged, known.objects
        elif not finished:
            spec, problem = _parse_spec(body)
            objects = len(spec.source.s3.objects or []) if spec is not None else 0
            large = spec is not None and (objects > 1 or len(json.dumps(body["spec"])) > LARGE_SPEC)
            abridged = large and not whole
            spec = _abridged(spec) if spec is not None and abridged else spec
        return cls(
            key=key_of(body),
            uid=uid,
            version=int(metadata["resourceVersion"]),
            generation=generation,
            created=parse_time(metadata["creationTimestamp"]),
            deleting="deletionTimestamp" in metadata,
            spec=spec,
            abridged=abridged,
            problem=problem,
            status=status,
            ttl_seconds=(body.get("spec") or {}).get("ttlSecondsAfterFinished"),
            by_hand=IDENTITY_LABEL not in metadata.get("labels", {}),
            content=metadata.get("labels", {}).get(CONTENT_LABEL),
            retry=(body.get("spec") or {}).get("retry"),
            reopened=reopened,
            objects=objects,
            parent=parent,
        )


def _reopened(body: Object) -> bool:
    """Return whether a final status describes another spec than the one that is there."""
    said, spec = body.get("status") or {}, body.get("spec") or {}
    if said.get("phase") not in FINISHED or "deletionTimestamp" in body["metadata"]:
        return False
    again = spec.get("retry") not in (None, said.get("lastHandledRetry")) and not spec.get("cancel")
    return again or said.get("observedGeneration") not in (None, body["metadata"].get("generation", 1))


def _parse_status(body: Object, reopened: bool, kept: Sequence[str]) -> tuple[LogScanStatus, bool]:
    """Return a LogScan's status, only with some fields if it is final, and whether it is.

    The API server accepts times that Python cannot represent, and numbers that must not be counted on from. Nothing of
    the kind is the operator's, and it counts as absent.
    """
    said = {name: value for name, value in (body.get("status") or {}).items() if _is_usable(name, value)}
    if said.get("phase") in FINISHED and not reopened:
        return LogScanStatus.model_validate({name: said[name] for name in kept if name in said}), True
    return LogScanStatus.model_validate(said), False


def _parse_spec(body: Object) -> tuple[LogScanSpec | None, str]:
    """Return a LogScan's spec, or why it cannot be read."""
    try:
        return LogScanSpec.model_validate(body.get("spec")), ""
    except ValidationError as error:
        return None, explain(error, LogScanSpec, "spec")


def _abridged(spec: LogScanSpec) -> LogScanSpec:
    """Return a spec with what decides when it runs, and without the rest; that it has rules of its own stays known."""
    rules = RULES_OF_ITS_OWN if spec.rules is not None else None
    source, s3 = spec.source, spec.source.s3
    if s3.objects is not None:
        source = source.model_copy(update={"s3": s3.model_copy(update={"objects": s3.objects[:1]})})
    return spec.model_copy(update={"source": source, "rules": rules, "limits": None, "notify": None, "job": None})


@dataclass(frozen=True)
class Policy:
    """A LogScanPolicy; one whose spec cannot be read has none and matches nothing."""

    key: Key
    version: int
    generation: int
    spec: LogScanPolicySpec | None
    status: LogScanPolicyStatus

    @property
    def ready(self) -> Condition | None:
        """Return its condition `Ready`."""
        return _ready(self.status.conditions)

    @classmethod
    def parse(cls, body: Object) -> "Policy":
        """Return the policy that an object of the API describes."""
        try:
            spec = LogScanPolicySpec.model_validate(body.get("spec") or {})
        except ValidationError:
            spec = None
        metadata = body["metadata"]
        status = LogScanPolicyStatus.model_validate(body.get("status") or {})
        return cls(key_of(body), int(metadata["resourceVersion"]), metadata.get("generation", 1), spec, status)


@dataclass(frozen=True)
class RuleSet:
    """A LogScanRuleSet; one whose spec cannot be read has none."""

    key: Key
    version: int
    generation: int
    spec: LogScanRuleSetSpec | None
    status: LogScanRuleSetStatus

    @property
    def ready(self) -> Condition | None:
        """Return its condition `Ready`."""
        return _ready(self.status.conditions)

    @property
    def problem(self) -> str | None:
        """Return why its rules cannot be used, or not yet; None if they can. What could not be checked is used."""
        ready = self.ready
        if self.spec is None:
            return "cannot be read by this version of the operator"
        if ready is None or ready.observed_generation != self.generation:
            return "has not been checked yet"
        return f"is not ready: {ready.reason}: {ready.message}" if ready.status == "False" else None

    @property
    def rules(self) -> list[Rule]:
        """Return its rules without their tests; none if it cannot be read."""
        return [found.rule for found in self.spec.rules] if self.spec is not None else []

    @classmethod
    def parse(cls, body: Object) -> "RuleSet":
        """Return the rule set that an object of the API describes."""
        try:
            spec = LogScanRuleSetSpec.model_validate(body.get("spec") or {})
        except ValidationError:
            spec = None
        metadata = body["metadata"]
        status = LogScanRuleSetStatus.model_validate(body.get("status") or {})
        return cls(key_of(body), int(metadata["resourceVersion"]), metadata.get("generation", 1), spec, status)


def _ready(conditions: list[Condition] | None) -> Condition | None:
    return next((condition for condition in conditions or [] if condition.type == "Ready"), None)


def key_of(body: Object) -> Key:
    """Return namespace and name of an object."""
    return body["metadata"]["namespace"], body["metadata"]["name"]


def parse_time(text: str) -> datetime:
    """Return a Kubernetes time.

    Raises:
        ValueError: It is not one, or far outside of the years in which Kubernetes runs.
    """
    time = datetime.fromisoformat(text.upper())  # the API server accepts RFC 3339 in lower case too
    if time.tzinfo is None or time.year not in YEARS:
        raise ValueError(f"not a time of Kubernetes: {text}")
    return time


def _is_usable(name: str, value: Any) -> bool:
    """Return whether a field of a status can be calculated with."""
    if name in COUNTS:
        return not isinstance(value, int) or value <= MOST_COUNTED
    if name not in TIMES:
        return True
    try:
        parse_time(value)
    except ValueError:
        return False
    return True
