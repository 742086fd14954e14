"""Signatures of Jobs, by which the operator recognises those that it made.

Labels, annotations and ownerReferences are anybody's to write who may create Jobs in a namespace. The signature covers
what the operator believes of a Job: whose it is, where its row will be, what applies to its scan, and the scanner's
request. What other controllers may change, such as the pod template's defaults or `suspend`, is not part of it. See
docs/decisions/0011-signed-jobs.md.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence

from logscan_operator.environment import request_of
from logscan_operator.items import Object
from logscan_operator.records import RECORD_ANNOTATION

SIGNATURE_ANNOTATION = "logscan.dev/signature"
RESULT_ANNOTATION = "logscan.dev/result"
PURPOSE = "logscan job 1"  # no signature of a Job is one of anything else that the same key signs


def signed(job: Object, key: bytes) -> Object:
    """Return a Job's manifest with its signature."""
    metadata = job["metadata"]
    annotations = {**metadata.get("annotations", {}), SIGNATURE_ANNOTATION: _signature(job, key)}
    return {**job, "metadata": {**metadata, "annotations": annotations}}


def is_signed(job: Object, keys: Sequence[bytes]) -> bool:
    """Return whether one of the keys signed a Job, which may hold anything that the API server accepts."""
    found = (job["metadata"].get("annotations") or {}).get(SIGNATURE_ANNOTATION, "")
    return found.isascii() and any(hmac.compare_digest(found, _signature(job, key)) for key in keys)


def _signature(job: Object, key: bytes) -> str:
    metadata = job["metadata"]
    annotations = metadata.get("annotations") or {}
    container = job["spec"]["template"]["spec"]["containers"][0]
    facts = [
        PURPOSE,
        metadata["namespace"],
        metadata["name"],
        [owner["uid"] for owner in metadata.get("ownerReferences") or [] if owner.get("controller")],
        annotations.get(RESULT_ANNOTATION),
        annotations.get(RECORD_ANNOTATION),
        request_of(container),
    ]
    return hmac.new(key, json.dumps(facts).encode(), hashlib.sha256).hexdigest()
