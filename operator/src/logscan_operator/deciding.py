"""What is made of object events: the LogScan to create, or why there is to be none. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from logscan_api import API_VERSION
from logscan_api.events import ObjectEvent
from logscan_api.identity import batch_hash, content_hash, identity_hash, scan_name
from logscan_api.labels import BUCKET_LABEL, POLICY_LABEL, label_value
from logscan_api.logscans import IMMUTABLE
from logscan_api.policies import Batch, LogScanPolicySpec, PolicyAction, Unchanged, choose
from logscan_api.sources import S3Object
from logscan_operator.items import CONTENT_LABEL, IDENTITY_LABEL, Object

SOURCE_FIELDS = {"key", "etag", "size", "sequencer"}


@dataclass(frozen=True)
class Ignored:
    """An object that is not to be scanned, and why."""

    key: str
    reason: str


@dataclass(frozen=True)
class Undecided:
    """An object for which the policy that may apply is missing for now, and which one that is."""

    reason: str


@dataclass(frozen=True)
class Gathered:
    """An object that is to be scanned together with others of its policy and bucket.

    Attributes:
        policy: The policy.
        batch: What it says of batches.
        event: The object that was created.
    """

    policy: str
    batch: Batch
    event: ObjectEvent

    @property
    def object(self) -> S3Object:
        """The object, as a LogScan lists it."""
        return S3Object.model_validate(_source(self.event))


def decide(
    event: ObjectEvent,
    policies: dict[str, LogScanPolicySpec],
    kept: str | None,
    namespace: str,
    scanned: Callable[[str, str, str | None], str | None],
) -> Object | Gathered | Ignored | Undecided:
    """Return the LogScan to create for an event, alone or with others, or why there is none.

    Args:
        event: The object that was created.
        policies: The namespace's policies by name.
        kept: The policy that the operator creates again when it is deleted, or None.
        namespace: Where LogScans are created.
        scanned: Returns the LogScan of a namespace and content that makes one of a version with a sequencer needless;
            see `view.View.scanned`.
    """
    policy = choose(policies, event.bucket, event.key)
    if policy is None and not policies:
        return Undecided("there is no LogScanPolicy")
    if policy is None and kept is not None and kept not in policies:
        return Undecided(f"the LogScanPolicy {kept} is missing")
    if policy is None:
        return Ignored(event.key, "no LogScanPolicy matches it")
    if policies[policy].action is PolicyAction.IGNORE:
        return Ignored(event.key, f"the LogScanPolicy {policy} says so")
    if policies[policy].unchanged is Unchanged.SKIP:
        earlier = scanned(namespace, _content(event), event.sequencer) if event.etag else None
        if earlier not in (None, scan_name(event)):
            why = f"its content is that of {earlier}, and the LogScanPolicy {policy} skips what is unchanged"
            return Ignored(event.key, why)
    batch = policies[policy].batch
    if batch is None or event.size is None or event.size >= batch.largest.bytes:
        return alone(namespace, policy, event)
    return Gathered(policy, batch, event)


def alone(namespace: str, policy: str, event: ObjectEvent) -> Object:
    """Return the LogScan of one object.

    Args:
        namespace: Where LogScans are created.
        policy: The policy that applies to it.
        event: The object that was created.
    """
    labels = _labels(identity_hash(event), event.bucket, policy)
    if event.etag:
        labels[CONTENT_LABEL] = _content(event)
    return _manifest(namespace, scan_name(event), labels, {"bucket": event.bucket, **_source(event)})


def _content(event: ObjectEvent) -> str:
    return content_hash(event.bucket, event.key, event.etag or "")


def _source(event: ObjectEvent) -> Object:
    """Return what names an object in its bucket, as in a LogScan."""
    source = event.model_dump(by_alias=True, exclude_none=True, include=SOURCE_FIELDS)
    if event.version_id not in (None, "null"):
        source["versionId"] = event.version_id
    return source


def several(namespace: str, bucket: str, policy: str, objects: Sequence[S3Object]) -> Object:
    """Return the LogScan of several objects.

    Args:
        namespace: Where LogScans are created.
        bucket: The bucket of the objects.
        policy: The policy that applies to them.
        objects: The objects.
    """
    identity = batch_hash(bucket, objects)
    source = {"bucket": bucket, "objects": [found.wire() for found in objects]}
    return _manifest(namespace, f"batch-{identity}", _labels(identity, bucket, policy), source)


def _labels(identity: str, bucket: str, policy: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/managed-by": "logscan",
        IDENTITY_LABEL: identity,
        BUCKET_LABEL: label_value(bucket),
        POLICY_LABEL: label_value(policy),
    }


def _manifest(namespace: str, name: str, labels: dict[str, str], source: Object) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": "LogScan",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"source": {"s3": source}},
    }


def same_scan(there: Object, wanted: Object) -> bool:
    """Return whether a LogScan is the one that the intake wants, made for an earlier delivery of the same event.

    Whoever may create LogScans can take a name before the intake does. So all that a person cannot change later is
    compared: the object, and that nothing else is set, such as rules or limits of their own.
    """
    spec, labels = there.get("spec") or {}, there["metadata"].get("labels") or {}
    ours = labels.get(IDENTITY_LABEL) == wanted["metadata"]["labels"][IDENTITY_LABEL]
    return ours and all(spec.get(name) == wanted["spec"].get(name) for name in IMMUTABLE)
