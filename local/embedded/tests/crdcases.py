"""A LogScan and a policy that the API server accepts, for tests that change one thing of them."""

import copy
import json
from typing import Any

from logscan_local.stack.kubectl import Kubectl

SCAN: dict[str, Any] = {
    "apiVersion": "logscan.dev/v1alpha1",
    "kind": "LogScan",
    "metadata": {"name": "scan"},
    "spec": {"source": {"s3": {"bucket": "logs", "key": "a.log"}}, "rules": {"packs": ["generic"]}},
}


def changed(**changes: Any) -> dict[str, Any]:
    """Return the scan with dotted fields of its spec set; None removes one."""
    document = copy.deepcopy(SCAN)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = document["spec"]
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return document


def apply(kubectl: Kubectl, document: dict[str, Any], dry_run: bool = True, way: str = "--server-side=false") -> str:
    flags = ["--dry-run=server"] if dry_run else []
    return kubectl.run("apply", "--filename=-", way, *flags, stdin=json.dumps(document))


def rule(**fields: Any) -> dict[str, Any]:
    return {"name": "r", "pattern": "x", **fields}


POLICY: dict[str, Any] = {
    "apiVersion": SCAN["apiVersion"],
    "kind": "LogScanPolicy",
    "metadata": {"name": "policy"},
    "spec": {"rules": {"inline": [rule(), rule(name="other", severity="critical")]}},
}
