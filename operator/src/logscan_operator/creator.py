"""Creates the Jobs of scans, and finds out what it means if the API server does not."""

import logging
import os
from datetime import timedelta

from pydantic import ValidationError

from logscan_api import RequestTooLargeError, UnknownPackError
from logscan_api.errors import UnknownRuleSetError
from logscan_api.exitcodes import Reason
from logscan_api.explanations import explain
from logscan_api.requests import ScanRequest
from logscan_api.statuses import Phase
from logscan_operator import jobs, outcomes, paths, statuses, tenancy
from logscan_operator.conditions import Verdict
from logscan_operator.errors import ApiError
from logscan_operator.items import Object, Scan
from logscan_operator.jobsignatures import is_signed
from logscan_operator.leases import FencedApi
from logscan_operator.lookups import recorded_scan, whole_scan
from logscan_operator.metrics import Metrics
from logscan_operator.refusals import Refusal, refusal_of
from logscan_operator.resolving import ResolvedScan, divided, resolve_now, unready
from logscan_operator.scanjobs import ScanJob
from logscan_operator.settings import Settings
from logscan_operator.statuses import utc_now
from logscan_operator.view import View
from logscan_operator.writer import Writer

LEAST_BACKOFF_SECONDS = 1.0
RULE_SET_SECONDS = 60.0  # a look at a rule set costs no request

log = logging.getLogger("logscan.creator")


class Creator:
    """The part of the executor that creates Jobs."""

    def __init__(self, view: View, api: FencedApi, writer: Writer, settings: Settings, metrics: Metrics) -> None:
        """Create nothing yet.

        Args:
            view: What is known.
            api: Where Jobs are created.
            writer: Writes what follows.
            settings: The operator's settings.
            metrics: Where numbers go.
        """
        self._view = view
        self._api = api
        self._writer = writer
        self._settings = settings
        self._metrics = metrics

    async def create(self, scan: Scan, attempt: int) -> None:
        """Create the Job of an attempt, or write why there is none.

        Raises:
            KubeError: It was not created, and the scan is not to blame.
        """
        whole = await whole_scan(self._api, self._view, scan)
        if whole is None:  # it is gone, or its spec is another one: the next plan is made of that
            return
        scan, recorded = whole, await recorded_scan(self._api, self._view, scan)
        resolved = recorded or resolve_now(self._view, scan, self._settings)
        problem = self._mixed(scan) if recorded is None else None
        problem = problem or _refused(scan, resolved, self._settings)
        if problem is not None:
            await self._fail(scan, *problem)
            return
        missing = unready(resolved.selections, resolved.rule_sets)
        if missing is not None:
            await self.back_off(scan, None, Refusal(Reason.RULE_SET_NOT_READY, missing))
            return
        try:
            request = jobs.build_request(scan, attempt, resolved, self._settings)
        except (UnknownPackError, UnknownRuleSetError, ValidationError) as error:
            message = explain(error, ScanRequest) if isinstance(error, ValidationError) else str(error)
            await self._fail(scan, Reason.INVALID_RULE, message)
            return
        try:
            manifest = jobs.build_job(scan, request, resolved, self._settings, dict(os.environ))
        except RequestTooLargeError as error:  # rules of several policies, or stored under a CRD without bounds
            await self._fail(scan, Reason.INVALID_SPEC, str(error))
            return
        body = await self._create_or_adopt(scan, manifest)
        if body is not None:
            await self._created(scan, self._view.jobs.take(body) or ScanJob.parse(body))

    def _mixed(self, scan: Scan) -> tuple[Reason, str] | None:
        """Return why a list of objects that a person made cannot be one scan."""
        if not scan.by_hand or scan.parent is not None:
            return None
        mixed = divided(scan.readable_spec, self._view.policies_in(scan.key[0]))
        return (Reason.INVALID_SPEC, mixed) if mixed is not None else None

    async def back_off(self, scan: Scan, job: ScanJob | None, refusal: Refusal) -> None:
        """Write that a Job, or the pod of one that was deleted, was refused, and when the next try is due.

        Args:
            scan: The LogScan.
            job: The Job whose pod was refused; None if the Job itself was.
            refusal: Who refused, and why.
        """
        refusals, now = (scan.status.refusals or 0) + 1, utc_now()
        most = RULE_SET_SECONDS if refusal.reason is Reason.RULE_SET_NOT_READY else self._settings.retry_most_seconds
        seconds = max(min(outcomes.backoff_seconds(refusals, self._settings), most), LEAST_BACKOFF_SECONDS)
        at = now + timedelta(seconds=seconds)
        verdict = Verdict(Phase.QUEUED, refusal.reason, f"next try at {statuses.stamp(at)}: {refusal.message}")
        if not await self._writer.write(scan, statuses.withdrawn(scan, job, verdict, at, now, refusals)):
            return
        self._metrics.refusals.labels(str(refusal.reason)).inc()
        facts = {"scan": scan.key[1], "namespace": scan.key[0], "reason": str(refusal.reason), "refusals": refusals}
        log.warning("%s", verdict.message, extra=facts)

    async def _created(self, scan: Scan, job: ScanJob) -> None:
        now = utc_now()
        if job.attempt == 1:
            self._metrics.admission_wait.observe((now - scan.created).total_seconds())
        held = job.suspended and not job.held
        await self._writer.write(scan, statuses.held(scan, job, now) if held else statuses.running(scan, job, now))
        log.info("Job created", extra={"scan": scan.key[1], "job": job.key[1], "attempt": job.attempt})

    async def _create_or_adopt(self, scan: Scan, manifest: Object) -> Object | None:
        """Return the scan's Job: created, or found because an earlier process created it."""
        try:
            return await self._api.request("POST", paths.jobs(scan.key[0]), manifest)
        except ApiError as error:
            if error.reason == "AlreadyExists":
                return await self._adopt(scan, manifest["metadata"]["name"], error)
            refusal = refusal_of(error)
            if refusal is not None:
                await self.back_off(scan, None, refusal)
                return None
            if error.status in (400, 422):
                await self._fail(scan, Reason.INVALID_SPEC, f"the Job was refused: {error}")
                return None
            raise

    async def _adopt(self, scan: Scan, name: str, error: ApiError) -> Object | None:
        """Return the Job that has the name of the scan's, if the operator made it for this scan."""
        found = await self._api.request("GET", paths.jobs(scan.key[0], name))
        owners = found["metadata"].get("ownerReferences", [])
        ours = any(owner["uid"] == scan.uid for owner in owners)
        if found["metadata"].get("deletionTimestamp") or (not ours and any(o["kind"] == "LogScan" for o in owners)):
            raise error  # it is being deleted, or garbage collection will delete it with the LogScan of the same name
        if ours and is_signed(found, self._settings.row_keys):
            return found
        message = f"a Job named {name} exists that the operator did not make: delete it, or rename the LogScan"
        await self.back_off(scan, None, Refusal(Reason.JOB_CONFLICT, message))
        return None

    async def _fail(self, scan: Scan, reason: Reason, message: str) -> None:
        log.warning("%s", message, extra={"scan": scan.key[1], "namespace": scan.key[0], "reason": str(reason)})
        await self._writer.write(scan, statuses.finished(scan, Verdict(Phase.FAILED, reason, message), utc_now()))


def _refused(scan: Scan, resolved: ResolvedScan, settings: Settings) -> tuple[Reason, str] | None:
    """Return why a scan cannot run, by what applies to it."""
    if resolved.rules is None:
        message = "spec.rules is absent and no LogScanPolicy with rules matches the object: add one of them"
        return Reason.NO_RULES, message
    problem = tenancy.refusal(scan, resolved, settings)
    return (Reason.NOT_ALLOWED, problem) if problem is not None else None
