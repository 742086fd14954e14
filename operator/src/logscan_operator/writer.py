"""Writes to the API server what was decided about a scan, and into the view what the server answered.

Every write is for one object, not for its name: a LogScan or Job that was deleted and created again is another one. A
Job's uid tells, in the patch. The API server ignores the uid in a patch of a status, but not the resourceVersion: so a
status is written only to the LogScan as it was when that was decided.
"""

from typing import Any

from logscan_api.statuses import LogScanStatus, Phase
from logscan_operator import paths, statuses
from logscan_operator.errors import ApiError
from logscan_operator.events import Recorder
from logscan_operator.items import Object, Scan, parse_time
from logscan_operator.kube import JSON_MERGE
from logscan_operator.leases import FencedApi
from logscan_operator.metrics import Metrics
from logscan_operator.scanjobs import ScanJob
from logscan_operator.settings import Settings
from logscan_operator.view import Table, View


class Writer:
    """Writes what follows from the executor's actions, and keeps the view up to date with the answers."""

    def __init__(self, view: View, api: FencedApi, settings: Settings, metrics: Metrics) -> None:
        """Write nothing yet.

        Args:
            view: What an answer goes into at once, before a watch echoes it.
            api: Where to write.
            settings: The operator's settings, for the pace of Events.
            metrics: Where numbers go.
        """
        self._view = view
        self._api = api
        self._metrics = metrics
        self._events = Recorder(api, settings.events_per_second)

    def report_left_out(self) -> None:
        """Write Events about objects of the cluster that are left out."""
        self._events.report(self._view.unreadable())

    def warn(self, scan: Scan, reason: str, message: str) -> None:
        """Write an Event about a problem of a scan that its status does not tell, if the pace allows it."""
        self._events.warn(scan, reason, message)

    def knows(self, scan: Scan) -> bool:
        """Return whether a LogScan is still there, as far as is known."""
        known = self._view.scans.get(scan.key)
        return known is not None and known.uid == scan.uid

    async def write(self, scan: Scan, status: LogScanStatus) -> bool:
        """Write a status and an Event of the transition; return whether that was done.

        It is not if the LogScan has changed, is gone, or another one has its name: it is read again then.

        Raises:
            KubeError: It was not written.
        """
        metadata = {"resourceVersion": str(scan.version)}
        body = {"metadata": metadata, "status": statuses.patch(scan.status, status)}
        try:
            path = paths.scans(*scan.key, "status")
            answer = await self._api.request("PATCH", path, body, content_type=JSON_MERGE)
        except ApiError as error:
            if error.reason not in ("Conflict", "NotFound"):
                raise
            await self._read_again(scan)
            return False
        self._view.scans.take(answer)
        self._events.transition(scan, status)
        self._count(status)
        return True

    async def patch_job(self, job: ScanJob, body: Object) -> None:
        """Patch a Job, unless it is gone or another one has its name.

        Raises:
            KubeError: It was not patched.
        """
        patch = {**body, "metadata": {**body.get("metadata", {}), "uid": job.uid}}
        try:
            answer = await self._api.request("PATCH", paths.jobs(*job.key), patch, content_type=JSON_MERGE)
        except ApiError as error:
            if not _is_gone(error):
                raise
            _forget(self._view.jobs, job)
            return
        self._view.jobs.take(answer)

    async def delete_job(self, job: ScanJob) -> None:
        """Delete a Job and its pods.

        Raises:
            KubeError: It was not deleted.
        """
        await self._delete(paths.jobs(*job.key), job.uid)
        _forget(self._view.jobs, job)

    async def delete_scan(self, scan: Scan) -> None:
        """Delete a LogScan.

        Raises:
            KubeError: It was not deleted.
        """
        await self._delete(paths.scans(*scan.key), scan.uid)

    async def _delete(self, path: str, uid: str) -> None:
        body = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        try:
            await self._api.request("DELETE", path, body)
        except ApiError as error:
            if not _is_gone(error):
                raise

    async def _read_again(self, scan: Scan) -> None:
        """Take in the LogScan that has the name now, if there is one: its watch event may have been missed."""
        query = {"fieldSelector": f"metadata.name={scan.key[1]}"}
        found = (await self._api.request("GET", paths.scans(scan.key[0]), query=query))["items"]
        if all(body["metadata"]["uid"] != scan.uid for body in found):
            _forget(self._view.scans, scan)
        for body in found:
            self._view.scans.take(body)

    def _count(self, status: LogScanStatus) -> None:
        if status.phase is not None and status.phase.finished:
            self._metrics.finished.labels(str(status.phase)).inc()
        if status.phase is Phase.FAILED:
            self._metrics.failures.labels(str(status.reason)).inc()
        if status.summary is not None:
            self._metrics.count_incomplete(status.summary)
        if status.completion_time is not None and status.start_time is not None:
            seconds = parse_time(status.completion_time) - parse_time(status.start_time)
            self._metrics.duration.observe(seconds.total_seconds())


def _is_gone(error: ApiError) -> bool:
    """Return whether an object is not there, or its name is another object's: a uid in a patch is a precondition."""
    return error.reason == "NotFound" or (error.reason in ("Conflict", "Invalid") and "uid" in str(error).casefold())


def _forget(table: Table[Any], item: Scan | ScanJob) -> None:
    known = table.get(item.key)
    if known is not None and known.uid == item.uid:
        table.forget(item.key)
