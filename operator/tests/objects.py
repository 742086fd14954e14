"""Objects of the API for tests, with only what matters said."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretBytes

from logscan_operator.actions import Action
from logscan_operator.holds import Holds
from logscan_operator.items import Object, Scan
from logscan_operator.jobsignatures import signed
from logscan_operator.planning import plan
from logscan_operator.scanjobs import ScanJob
from logscan_operator.settings import Settings
from logscan_operator.view import View

NOW = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
SETTINGS = Settings(
    namespace="logscan",
    queue_urls=["https://q"],
    table="results",
    signing_keys=[SecretBytes(b"k" * 32)],
    scanner_image="logscan-scanner:1",
    max_concurrent=2,
    queued_after_seconds=1,
)


def stamp(seconds: float = 0) -> str:
    """Return a Kubernetes time so many seconds after `NOW`."""
    return (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def scan_body(name: str = "a", age: float = 60, status: Object | None = None, **spec: Any) -> Object:
    """Return a LogScan; its uid is `uid-NAME`."""
    source = {"s3": {"bucket": "logs", "key": f"{name}.log", "etag": "abc"}}
    return {
        "metadata": {
            "namespace": "logscan",
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": "10",
            "generation": 1,
            "creationTimestamp": stamp(-age),
        },
        "spec": {"source": source, "rules": {"packs": ["generic"]}, **spec},
        "status": status or {},
    }


def job_body(scan: str = "a", attempt: int = 1, ended: str | None = None, **changes: Any) -> Object:
    """Return the Job of a LogScan; `suspend` may be `ours`, `other` or `kueue`."""
    suspended = changes.get("suspend")
    annotations = {"logscan.dev/result": '{"table": "results", "pk": "p", "sk": "s"}'}
    annotations |= {"logscan.dev/suspended": "true"} if suspended == "ours" else {}
    labels = {"logscan.dev/scan-uid": f"uid-{scan}", "logscan.dev/attempt": str(attempt)}
    labels |= {"kueue.x-k8s.io/queue-name": "scans"} if "kueue" in (suspended, changes.get("manager")) else {}
    status = {"startTime": changes["started"], "ready": changes.get("ready", 0)} if "started" in changes else {}
    conditions = (
        [{"type": ended, "status": "True", "reason": changes.get("reason", ""), "message": "m"}] if ended else []
    )
    body = {
        "metadata": {
            "namespace": "logscan",
            "name": f"{scan}-{attempt}",
            "uid": f"job-{scan}-{attempt}",
            "resourceVersion": "11",
            "creationTimestamp": stamp(),
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [{"kind": "LogScan", "name": scan, "uid": f"uid-{scan}", "controller": True}],
        },
        "spec": {"suspend": bool(suspended), "template": {"spec": {"containers": [{}]}}},
        "status": {"conditions": conditions, **status},
    }
    return signed(body, SETTINGS.row_keys[0])


def synced_view() -> View:
    """Return an empty view of a cluster that was read."""
    view = View(["logscan", "team-a", "team-b"], SETTINGS.row_keys)
    for namespace in view.namespaces.names:
        view.namespaces.find(namespace)
    return view


def view_of(*bodies: Object) -> View:
    """Return a synced view of LogScans and Jobs."""
    view = synced_view()
    for body in bodies:
        if "source" in body["spec"]:
            view.scans.take(body)
        else:
            view.jobs.take(body)
    return view


def scan(*arguments: Any, **changes: Any) -> Scan:
    """Return a parsed LogScan."""
    return Scan.parse(scan_body(*arguments, **changes))


def job(*arguments: Any, **changes: Any) -> ScanJob:
    """Return a parsed Job."""
    return ScanJob.parse(job_body(*arguments, **changes))


def pod_body(exit_code: int, message: str = "", reason: str = "Error") -> Object:
    """Return a pod of the Job `a-1` whose scanner has ended."""
    terminated = {"exitCode": exit_code, "reason": reason, "message": message}
    status = {"containerStatuses": [{"state": {"terminated": terminated}}]}
    owners = [{"kind": "Job", "name": "a-1", "uid": "job-a-1", "controller": True}]
    return {"metadata": {"creationTimestamp": stamp(), "ownerReferences": owners}, "status": status}


RUNNING: Object = {
    "phase": "Running",
    "observedGeneration": 1,
    "reason": "JobCreated",
    "message": "Job a-1 runs the scan (attempt 1)",
    "job": {"name": "a-1", "uid": "job-a-1"},
    "attempts": 1,
    "result": {"table": "results", "pk": "p", "sk": "s"},
}
ENDED = {"phase": "Succeeded", "completionTime": stamp(-10)}
BACKOFF = {**RUNNING, "phase": "Queued", "reason": "Backoff", "retryTime": stamp(5)}
REFUSED = {"phase": "Queued", "reason": "QuotaExceeded", "refusals": 3, "retryTime": stamp(5)}


def planned(*bodies: Object, **in_flight: Action) -> list[Action]:
    """Return the plan for LogScans and Jobs while actions for some LogScans, by name, are under way."""
    busy = {("logscan", name): action for name, action in in_flight.items()}
    return plan(view_of(*bodies), SETTINGS, NOW, busy, Holds(SETTINGS))


def names(actions: list[Action]) -> list[tuple[str, str]]:
    """Return kind and LogScan of actions."""
    return [(type(action).__name__, action.scan.key[1]) for action in actions]


def in_namespace(body: Object, namespace: str) -> Object:
    """Return an object moved to a namespace; a Job is signed for it."""
    body["metadata"]["namespace"] = namespace
    return signed(body, SETTINGS.row_keys[0]) if "template" in body["spec"] else body


def at(version: int, body: Object) -> Object:
    """Return an object in a version."""
    body["metadata"]["resourceVersion"] = str(version)
    return body
