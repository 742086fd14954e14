"""An API server in memory, for tests of what the operator writes: objects by path, versions, and preconditions.

What it does follows Kubernetes' API conventions: a creation sets uid, version and time, each change a newer version; a
patch or deletion with another uid, and a patch with an old resourceVersion, is a conflict. Refusals are set by a test.
"""

import itertools
from typing import Any, cast

from objects import SETTINGS, stamp, synced_view

from logscan_api.results import ScanResult
from logscan_api.statuses import ResultRef
from logscan_operator import paths
from logscan_operator.errors import ApiError
from logscan_operator.executor import Executor
from logscan_operator.items import Object, Scan
from logscan_operator.metrics import Metrics

Call = tuple[str, str]


class MemoryCluster:
    """The part of `kube.ApiServer` that actions need.

    Attributes:
        objects: Everything that is stored, by path.
        calls: Every request, as method and path.
        refusals: The errors that requests meet, by method and path.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.calls: list[Call] = []
        self.refusals: dict[Call, Exception] = {}
        self._versions = itertools.count(100)

    def put(self, path: str, body: Object) -> Object:
        """Store an object under a path, in a newer version."""
        metadata = {**body["metadata"], "resourceVersion": str(next(self._versions))}
        self.objects[path] = {**body, "metadata": metadata}
        return self.objects[path]

    async def request(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """Answer a request as an API server does."""
        self.calls.append((method, path))
        if (method, path) in self.refusals:
            raise self.refusals[method, path]
        match method:
            case "POST":
                return self._create(path, body or {})
            case "PATCH":
                assert content_type == "application/merge-patch+json"
                return self._patch(path.removesuffix("/status"), body or {})
            case "DELETE":
                self._checked(path, (body or {})["preconditions"])
                return self.objects.pop(path)
        return self._get(path, query or {})

    def _create(self, folder: str, body: Object) -> Object:
        path = f"{folder}/{body['metadata'].get('name', len(self.objects))}"
        if path in self.objects:
            raise ApiError(409, "AlreadyExists", f"{path} exists")
        facts = {"uid": f"uid-{path.rsplit('/', 1)[1]}-{len(self.calls)}", "creationTimestamp": stamp()}
        return self.put(path, {"status": {}, **body, "metadata": {**body["metadata"], **facts}})

    def _patch(self, path: str, patch: Object) -> Object:
        found = self._checked(path, patch.get("metadata", {}))
        return self.put(path, _merged(found, {**patch, "metadata": _without_versions(patch.get("metadata", {}))}))

    def _get(self, path: str, query: dict[str, str]) -> Object:
        if not path.endswith(("/logscans", "/jobs", "/pods", "/events")):
            if path not in self.objects:
                raise ApiError(404, "NotFound", f"{path} not found")
            return self.objects[path]
        items = [body for key, body in self.objects.items() if key.rpartition("/")[0] == path]
        _, _, name = query.get("fieldSelector", "").partition("metadata.name=")
        return {"items": [body for body in items if not name or body["metadata"]["name"] == name]}

    def _checked(self, path: str, expected: Object) -> Object:
        if path not in self.objects:
            raise ApiError(404, "NotFound", f"{path} not found")
        metadata = self.objects[path]["metadata"]
        for field in ("uid", "resourceVersion"):
            if expected.get(field) not in (None, metadata[field]):
                raise ApiError(409, "Conflict", f"Precondition failed: {field} in precondition: {expected[field]}")
        return self.objects[path]


def _merged(old: Any, patch: Any) -> Any:
    """Return a JSON merge patch applied (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    kept = old if isinstance(old, dict) else {}
    changed = {name: _merged(kept.get(name), value) for name, value in patch.items() if value is not None}
    return {**{name: value for name, value in kept.items() if name not in patch}, **changed}


def _without_versions(metadata: Object) -> Object:
    return {name: value for name, value in metadata.items() if name not in ("uid", "resourceVersion")}


class Rows:
    """Rows of the result table, or the errors that reading them meets."""

    def __init__(self, *answers: ScanResult | Exception | None) -> None:
        self.answers = list(answers)
        self.asked: list[ResultRef] = []

    async def read(self, ref: ResultRef) -> ScanResult | None:
        """Return the next answer."""
        self.asked.append(ref)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


class Bench:
    """An executor on a cluster in memory."""

    def __init__(self, *rows: ScanResult | Exception | None, **settings: Any) -> None:
        self.cluster, self.rows, self.view = MemoryCluster(), Rows(*rows), synced_view()
        self.settings, self.metrics = SETTINGS.model_copy(update=settings), Metrics(2)
        api, rows_read = cast("Any", self.cluster), cast("Any", self.rows)
        self.executor = Executor(self.view, api, rows_read, self.settings, self.metrics)

    def scan(self, body: Object) -> Scan:
        """Store a LogScan, and return it as the view knows it."""
        metadata = body["metadata"]
        stored = self.cluster.put(paths.scans(metadata["namespace"], metadata["name"]), body)
        self.view.scans.take(stored)
        return self.view.scans[metadata["namespace"], metadata["name"]]

    def job(self, body: Object) -> Object:
        """Store a Job that the view knows too."""
        stored = self.cluster.put(paths.jobs(body["metadata"]["namespace"], body["metadata"]["name"]), body)
        self.view.jobs.take(stored)
        return stored

    def status(self, name: str = "a") -> Object:
        """Return the status of a LogScan."""
        return cast("Object", self.cluster.objects[paths.scans("logscan", name)].get("status", {}))

    def jobs(self) -> dict[str, Object]:
        """Return the Jobs by name."""
        found = (body for path, body in self.cluster.objects.items() if "/jobs/" in path)
        return {body["metadata"]["name"]: body for body in found}

    def count(self, name: str, **labels: str) -> float:
        """Return the value of a metric, 0 if it is missing."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0
