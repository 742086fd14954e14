"""What is made of an object event: the LogScan to create, or why there is to be none. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from logscan_api import API_VERSION
from logscan_api.events import ObjectEvent
from logscan_api.identity import content_hash, identity_hash, scan_name
from logscan_api.labels import BUCKET_LABEL, POLICY_LABEL, label_value
from logscan_api.logscans import IMMUTABLE
from logscan_api.policies import LogScanPolicySpec, PolicyAction, Unchanged, choose
from logscan_operator.items import CONTENT_LABEL, IDENTITY_LABEL, Object

SOURCE_FIELDS = {"bucket", "key", "etag", "size", "sequencer"}


@dataclass(frozen=True)
class Ignored:
    """An object that is not to be scanned, and why."""

    reason: str


@dataclass(frozen=True)
class Undecided:
    """An object for which the policy that may apply is missing for now, and which one that is."""

    reason: str


def decide(
    event: ObjectEvent,
    policies: dict[str, LogScanPolicySpec],
    kept: str | None,
    namespace: str,
    scanned: Callable[[str, str], str | None],
) -> Object | Ignored | Undecided:
    """Return the LogScan to create for an event, or why there is none.

    Args:
        event: The object that was created.
        policies: The namespace's policies by name.
        kept: The policy that the operator creates again when it is deleted, or None.
        namespace: Where LogScans are created.
        scanned: Returns the LogScan of a namespace and content that makes another one needless; see
            `view.View.scanned`.
    """
    policy = choose(policies, event.bucket, event.key)
    if policy is None and not policies:
        return Undecided("there is no LogScanPolicy")
    if policy is None and kept is not None and kept not in policies:
        return Undecided(f"the LogScanPolicy {kept} is missing")
    if policy is None:
        return Ignored("no LogScanPolicy matches it")
    if policies[policy].action is PolicyAction.IGNORE:
        return Ignored(f"the LogScanPolicy {policy} says so")
    name, content = scan_name(event), content_hash(event.bucket, event.key, event.etag) if event.etag else None
    if content and policies[policy].unchanged is Unchanged.SKIP:
        earlier = scanned(namespace, content)
        if earlier not in (None, name):
            return Ignored(f"its content is that of {earlier}, and the LogScanPolicy {policy} skips what is unchanged")
    labels = {
        "app.kubernetes.io/managed-by": "logscan",
        IDENTITY_LABEL: identity_hash(event),
        BUCKET_LABEL: label_value(event.bucket),
        POLICY_LABEL: label_value(policy),
    }
    source = event.model_dump(by_alias=True, exclude_none=True, include=SOURCE_FIELDS)
    if event.version_id not in (None, "null"):
        source["versionId"] = event.version_id
    return {
        "apiVersion": API_VERSION,
        "kind": "LogScan",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels | ({CONTENT_LABEL: content} if content else {}),
        },
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
