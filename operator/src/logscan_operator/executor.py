"""Carries out single actions of the plan: asks the API server and DynamoDB, and has the writer write what follows."""

import logging

from logscan_api.errors import MalformedResultError, UntrustedResultError
from logscan_api.results import ScanResult
from logscan_api.statuses import LogScanStatus, Phase, ResultRef
from logscan_operator import outcomes, paths, statuses
from logscan_operator.actions import Action, CheckPending, Collect, CreateJob, DeleteScan, Stop, SuspendJob, WriteStatus
from logscan_operator.announcer import Announcer
from logscan_operator.aws import ResultReader
from logscan_operator.creator import Creator
from logscan_operator.errors import ApiError
from logscan_operator.items import Object, Scan
from logscan_operator.leases import FencedApi
from logscan_operator.metrics import Metrics
from logscan_operator.outcomes import Failure
from logscan_operator.refusals import refusal_of_pod
from logscan_operator.resolving import record_of
from logscan_operator.scanjobs import SUSPENDED_ANNOTATION, ScanJob
from logscan_operator.settings import Settings
from logscan_operator.statuses import utc_now
from logscan_operator.view import View
from logscan_operator.writer import Writer

log = logging.getLogger("logscan.executor")


class Executor:
    """Performs actions; keeps nothing of its own."""

    def __init__(self, view: View, api: FencedApi, results: ResultReader, settings: Settings, metrics: Metrics) -> None:
        """Do nothing yet.

        Args:
            view: What is known; what an action writes goes into it at once, before a watch echoes it.
            api: Where actions are carried out.
            results: Where rows are read.
            settings: The operator's settings.
            metrics: Where numbers go.
        """
        self._view = view
        self._api = api
        self._results = results
        self._settings = settings
        self._metrics = metrics
        self._writer = Writer(view, api, settings, metrics)
        self._creator = Creator(view, api, self._writer, settings, metrics)
        self._announcer = Announcer(view, api, self._writer, settings)

    def report_left_out(self) -> None:
        """Write Events about objects of the cluster that are left out."""
        self._writer.report_left_out()

    async def perform(self, action: Action) -> None:
        """Carry out one action; do nothing for a LogScan that is gone meanwhile, or whose name is another's.

        Raises:
            KubeError, AwsError: It was not done, or only in part; a new plan from what is known then does the rest.
        """
        if not self._writer.knows(action.scan):
            return
        match action:
            case CreateJob(scan, attempt):
                await self._creator.create(scan, attempt)
            case Collect(scan, job):
                await self._collect(scan, job)
            case CheckPending(scan, job, late):
                await self._check_pending(scan, job, late)
            case WriteStatus(scan, status):
                await self._writer.write(scan, status)
            case SuspendJob(_, job, suspend):
                mark = {SUSPENDED_ANNOTATION: "true" if suspend else None}
                body = {"metadata": {"annotations": mark}, "spec": {"suspend": suspend}}
                await self._writer.patch_job(job, body)
            case Stop(scan, job, status):
                if job is not None:
                    await self._writer.delete_job(job)
                await self._writer.write(scan, status)
            case DeleteScan(scan):
                await self._writer.delete_scan(scan)

    async def _collect(self, scan: Scan, job: ScanJob | None) -> None:
        result = await self._result(scan, outcomes.result_of(scan, job))
        decided = isinstance(result, ScanResult | MalformedResultError)
        pods = await self._pods(job) if job is not None and not decided else []
        record = record_of(self._view, scan, self._settings)
        status = outcomes.conclude(scan, job, pods, result, record.attempts, self._settings, utc_now())
        if not isinstance(result, ScanResult):
            await self._announce(scan, job, outcomes.without_result(result, job, pods), status)
        if not await self._writer.write(scan, status):
            return
        if isinstance(result, ScanResult) and result.scan_uid == scan.uid:
            self._metrics.findings.count(scan.key[0], record.policy, result)
        if status.retry_time is not None and not isinstance(result, ScanResult):
            self._metrics.retries.labels(str(outcomes.without_result(result, job, pods).reason)).inc()
        facts = {"scan": scan.key[1], "phase": str(status.phase), "reason": str(status.reason)}
        log.info("%s", status.message, extra=facts)

    async def _result(self, scan: Scan, ref: ResultRef | None) -> outcomes.Finding:
        """Return what a scan's row holds, or why that is not believed."""
        if ref is None:
            return None
        if not outcomes.may_have(scan, ref):
            return UntrustedResultError(f"the Job names the row of another scan: {ref.pk}, {ref.sk}")
        try:
            return await self._results.read(ref)
        except MalformedResultError as error:
            return error
        except UntrustedResultError as error:
            self._metrics.untrusted_rows.inc()
            return error

    async def _check_pending(self, scan: Scan, job: ScanJob, late: bool) -> None:
        pods = await self._pods(job)
        refused = None if pods else await self._failed_create(job)
        failure = outcomes.explain_pending(pods, refused)
        if failure is None:  # it runs, the Job's status is only late to say so
            return
        refusal = refusal_of_pod(refused) if refused else None
        if refusal is not None:
            await self._writer.delete_job(job)
            await self._creator.back_off(scan, job, refusal)
        elif late or failure.permanent:
            await self._end_attempt(scan, job, failure)
        elif failure is not outcomes.NOT_STARTED:
            status = statuses.starting(scan, job, failure.reason, failure.message, utc_now())
            if not statuses.same(scan.status, status):
                await self._writer.write(scan, status)

    async def _end_attempt(self, scan: Scan, job: ScanJob, failure: Failure) -> None:
        record = record_of(self._view, scan, self._settings)
        status = outcomes.after_failure(scan, job.attempt, failure, record.attempts, self._settings, utc_now())
        await self._announce(scan, job, failure, status)
        await self._writer.delete_job(job)
        if not await self._writer.write(scan, status):
            return
        if status.retry_time is not None:
            self._metrics.retries.labels(str(failure.reason)).inc()
        facts = {"scan": scan.key[1], "phase": str(status.phase), "reason": str(failure.reason)}
        log.warning("%s", status.message, extra=facts)

    async def _announce(self, scan: Scan, job: ScanJob | None, failure: Failure, status: LogScanStatus) -> None:
        """Have others notified of a scan that failed, unless the scanner did so.

        That comes before the final status: a process that is killed in between does both again, and finds the Job made.
        """
        if status.phase is Phase.FAILED and not failure.told:
            await self._announcer.announce(scan, job, status)

    async def _pods(self, job: ScanJob) -> list[Object]:
        """Return the pods of a Job; a pod that only has its label is somebody else's."""
        query = {"labelSelector": f"batch.kubernetes.io/job-name={job.key[1]}"}
        found: list[Object] = (await self._api.request("GET", paths.pods(job.key[0]), query=query))["items"]
        return [pod for pod in found if job.uid in _controllers(pod)]

    async def _failed_create(self, job: ScanJob) -> str | None:
        """Return why the Job controller could create no pod of a Job, if its newest Event about it says so."""
        query = {"fieldSelector": f"involvedObject.uid={job.uid},reason=FailedCreate"}
        try:
            events = (await self._api.request("GET", paths.events(job.key[0]), query=query))["items"]
        except ApiError as error:
            if error.status != 403:
                raise
            return None  # a Role of an earlier version, which the status can do without
        newest = max(events, key=lambda event: str(event.get("lastTimestamp") or ""), default=None)
        return str(newest.get("message", "")) if newest else None


def _controllers(pod: Object) -> list[str]:
    owners = pod["metadata"].get("ownerReferences") or []
    return [owner["uid"] for owner in owners if owner.get("controller")]
