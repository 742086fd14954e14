"""Creates the Jobs that notify of failures (`notices`). A notification that cannot be sent keeps no status back."""

import logging
import os

from logscan_api.statuses import LogScanStatus
from logscan_operator import notices, outcomes, paths, tenancy
from logscan_operator.errors import ApiError
from logscan_operator.items import Object, Scan
from logscan_operator.leases import FencedApi
from logscan_operator.lookups import recorded_scan, whole_scan
from logscan_operator.refusals import is_outage
from logscan_operator.resolving import resolve_now
from logscan_operator.scanjobs import ScanJob
from logscan_operator.settings import Settings
from logscan_operator.view import View
from logscan_operator.writer import Writer

NOT_NOTIFIED = "NotNotified"

log = logging.getLogger("logscan.announcer")


class Announcer:
    """The part of the executor that has others notified of failures."""

    def __init__(self, view: View, api: FencedApi, writer: Writer, settings: Settings) -> None:
        """Create nothing yet.

        Args:
            view: What is known.
            api: Where Jobs are created.
            writer: Writes Events.
            settings: The operator's settings.
        """
        self._view = view
        self._api = api
        self._writer = writer
        self._settings = settings

    async def announce(self, scan: Scan, job: ScanJob | None, status: LogScanStatus) -> None:
        """Create the Job that notifies of a scan's failure, if a channel is to be told, and once only.

        Args:
            scan: The LogScan.
            job: The Job of its last attempt, or None if that has vanished.
            status: Its final status, which is yet to be written.

        Raises:
            KubeError: The API server is away; it is to be tried again.
        """
        manifest = await self._manifest(scan, job, status)
        if manifest is None:
            return
        name = manifest["metadata"]["name"]
        try:
            await self._api.request("POST", paths.jobs(scan.key[0]), manifest)
        except ApiError as error:
            if error.reason == "AlreadyExists":
                return
            if is_outage(error) and "failed calling webhook" not in str(error):
                raise
            log.warning("no notification of the failure: %s", error, extra={"scan": scan.key[1], "job": name})
            self._writer.warn(scan, NOT_NOTIFIED, f"nobody is notified of the failure: Job {name} was refused: {error}")
            return
        log.info("Job created to notify of the failure", extra={"scan": scan.key[1], "job": name})

    async def _manifest(self, scan: Scan, job: ScanJob | None, status: LogScanStatus) -> Object | None:
        """Return the Job, or None if nobody is to be told, or if the scan has changed and is planned anew."""
        ref, whole = outcomes.result_of(scan, job), await whole_scan(self._api, self._view, scan)
        if ref is None or whole is None or whole.spec is None:
            return None
        resolved = await recorded_scan(self._api, self._view, whole) or resolve_now(self._view, whole, self._settings)
        told = resolved.notify is not None and resolved.notify.wants_failures
        if not told or tenancy.refusal(whole, resolved, self._settings) is not None:
            return None
        attempt = max(scan.status.attempts or 0, job.attempt if job is not None else 0, 1)
        return notices.build(whole, attempt, status, ref, resolved, self._settings, dict(os.environ))
