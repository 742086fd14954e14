"""The LogScans that work for one of a prefix: their names and manifests. Pure.

Such a LogScan has all that its parent says of rules, limits and so on, and some of the objects that were listed. It has
rows of its own, like all that a person asks for: a listing does not tell which version of an object an event named,
and a row under the name that the intake's scan looks for must be of that version.
"""

import hashlib
import json
import re
from typing import Any

from logscan_api import API_VERSION
from logscan_api.labels import BUCKET_LABEL, label_value
from logscan_api.logscans import IMMUTABLE
from logscan_operator.items import IDENTITY_LABEL, Object, Scan
from logscan_operator.listings import Page, Part
from logscan_operator.parents import PAGE_LABEL

PARENT_LABEL = "logscan.dev/parent"
NAME_LENGTH = 28  # of the parent's name in one of these, so that the name of a Job still fits into a label
DIGITS = 16
# Below all that is made by uploads, unless people give those a low priority themselves.
PRIORITY_BELOW = 100
LEAST_PRIORITY = -1000
COPIED = tuple(name for name in IMMUTABLE if name != "source")


def child_name(parent: Scan, page: int, key: str) -> str:
    """Return the name of the LogScan that scans a part of a page.

    Args:
        parent: The LogScan of the prefix.
        page: The number of the page, which is never used again.
        key: The first key of the part, which no other part has.
    """
    facts = json.dumps([parent.uid, page, key])
    start = re.sub(r"[^a-z0-9-]+", "-", parent.key[1])[:NAME_LENGTH].strip("-")
    return f"{start or 'prefix'}-{hashlib.sha256(facts.encode()).hexdigest()[:DIGITS]}"


def children_of(parent: Scan, spec: Object, page: Page, number: int) -> dict[str, tuple[Object, Part]]:
    """Return the LogScans of a page by name, with the part that each scans.

    Args:
        parent: The LogScan of the prefix.
        spec: Its spec, as it is stored.
        page: The page.
        number: The page's number.
    """
    found = {}
    for part in page.parts.values():
        name = child_name(parent, number, part.objects[0].key)
        found[name] = _manifest(parent, spec, part, name, number), part
    return found


def _manifest(parent: Scan, spec: Object, part: Part, name: str, page: int) -> Object:
    bucket = spec["source"]["s3"]["bucket"]
    copied: dict[str, Any] = {field: spec[field] for field in COPIED if field in spec}
    owner = {"apiVersion": API_VERSION, "kind": "LogScan", "name": parent.key[1], "uid": parent.uid, "controller": True}
    return {
        "apiVersion": API_VERSION,
        "kind": "LogScan",
        "metadata": {
            "name": name,
            "namespace": parent.key[0],
            "labels": {
                "app.kubernetes.io/managed-by": "logscan",
                BUCKET_LABEL: label_value(bucket),
                PARENT_LABEL: label_value(parent.key[1]),
                PAGE_LABEL: str(page),
            },
            "ownerReferences": [owner],
        },
        "spec": {
            "source": {"s3": {"bucket": bucket, "objects": [found.wire() for found in part.objects]}},
            "priority": max(spec.get("priority", 0) - PRIORITY_BELOW, LEAST_PRIORITY),
            **copied,
        },
    }


def same_child(there: Object, wanted: Object) -> bool:
    """Return whether a LogScan that has the name of one is that one, from an earlier try to create it."""
    metadata, spec = there["metadata"], there.get("spec") or {}
    owners = metadata.get("ownerReferences") or []
    labels = metadata.get("labels") or {}
    return (
        "deletionTimestamp" not in metadata
        and IDENTITY_LABEL not in labels
        and [owner["uid"] for owner in owners] == [owner["uid"] for owner in wanted["metadata"]["ownerReferences"]]
        and labels.get(PAGE_LABEL) == wanted["metadata"]["labels"][PAGE_LABEL]
        and all(spec.get(name) == wanted["spec"].get(name) for name in IMMUTABLE)
    )
