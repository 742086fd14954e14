"""Carries out single actions of the plan against the API server, and writes what came of them into the view."""

import asyncio
import logging
import os

from pydantic import ValidationError

from logscan_api import RequestTooLargeError, UnknownPackError
from logscan_api.exitcodes import Reason
from logscan_api.policies import LogScanPolicySpec, choose
from logscan_api.requests import ScanRequest
from logscan_api.statuses import LogScanStatus, Phase
from logscan_operator import jobs, outcomes, paths, statuses
from logscan_operator.aws import ResultReader
from logscan_operator.events import Recorder
from logscan_operator.items import Object, Scan, ScanJob, parse_time
from logscan_operator.kube import JSON_MERGE, ApiError
from logscan_operator.leases import FencedApi
from logscan_operator.metrics import Metrics
from logscan_operator.planning import (
    Action,
    Cancel,
    CheckPending,
    Collect,
    CreateJob,
    DeleteScan,
    SuspendJob,
    WriteStatus,
)
from logscan_operator.settings import Settings
from logscan_operator.statuses import Verdict, utc_now
from logscan_operator.view import View

STILL_PENDING_SECONDS = 5.0

log = logging.getLogger("logscan.executor")


class Executor:
    """Performs actions; keeps nothing of its own."""

    def __init__(self, view: View, api: FencedApi, results: ResultReader, settings: Settings, metrics: Metrics) -> None:
        """Prepare.

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
        self._events = Recorder(api, settings.events_per_second)

    async def perform(self, action: Action) -> None:
        """Carry out one action.

        Raises:
            ApiError, aiohttp.ClientError, TimeoutError, AwsError: It was not done, or only in part; planning anew from
                what is known then does the rest.
        """
        match action:
            case CreateJob(scan, attempt):
                await self._create_job(scan, attempt)
            case Collect(scan, job):
                await self._collect(scan, job)
            case CheckPending(scan, job):
                await self._check_pending(scan, job)
            case WriteStatus(scan, status):
                await self._write(scan, status)
            case SuspendJob(_, job, suspend):
                await self._patch_job(job, {"spec": {"suspend": suspend}})
            case Cancel(scan, job, status):
                if job is not None:
                    await self._delete(paths.jobs(*job.key), job.uid)
                await self._write(scan, status)
            case DeleteScan(scan):
                await self._delete(paths.scans(*scan.key), scan.uid)

    def _policy_of(self, scan: Scan) -> tuple[str | None, LogScanPolicySpec | None]:
        if scan.spec is None:
            return None, None
        source, policies = scan.spec.source.s3, self._view.policies_in(scan.key[0])
        name = choose(policies, source.bucket, source.key or source.prefix or "")
        return name, policies[name] if name else None

    async def _create_job(self, scan: Scan, attempt: int) -> None:
        if scan.spec is None:
            raise ValueError("a scan without a readable spec gets no Job")
        resolved = jobs.resolve(scan.spec, *self._policy_of(scan))
        if resolved is None:
            message = "spec.rules is absent and no LogScanPolicy with rules matches the object: add one of them"
            await self._fail(scan, Reason.NO_RULES, message)
            return
        try:
            request = await self._earlier_request(scan, attempt)
            request = request or jobs.build_request(scan, attempt, resolved, self._settings)
        except (UnknownPackError, ValidationError) as error:
            await self._fail(scan, Reason.INVALID_RULE, str(error))
            return
        try:
            manifest = jobs.build_job(scan, request, resolved, self._settings, dict(os.environ))
        except RequestTooLargeError as error:  # stored under a CRD that did not bound it
            await self._fail(scan, Reason.INVALID_SPEC, str(error))
            return
        body = await self._create_or_adopt(scan, manifest)
        if body is None:
            return
        self._view.jobs.take(body)
        now = utc_now()
        if attempt == 1:
            self._metrics.admission_wait.observe((now - scan.created).total_seconds())
        await self._write(scan, statuses.running(scan, ScanJob.parse(body), now))
        log.info("Job created", extra={"scan": scan.key[1], "job": body["metadata"]["name"], "attempt": attempt})

    async def _earlier_request(self, scan: Scan, attempt: int) -> ScanRequest | None:
        """Return what the attempt before was told, so that a policy that changed meanwhile changes nothing."""
        job = self._view.newest_job(scan.uid)
        if job is None or attempt == 1:
            return None
        try:
            body = await self._api.request("GET", paths.jobs(*job.key))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return jobs.request_in(body, attempt)

    async def _create_or_adopt(self, scan: Scan, manifest: Object) -> Object | None:
        """Return the scan's Job: created, or found because an earlier process created it."""
        namespace, name = scan.key[0], manifest["metadata"]["name"]
        try:
            return await self._api.request("POST", paths.jobs(namespace), manifest)
        except ApiError as error:
            if error.reason == "AlreadyExists":
                found = await self._api.request("GET", paths.jobs(namespace, name))
                owners = found["metadata"].get("ownerReferences", [])
                if any(owner["uid"] == scan.uid for owner in owners):
                    return found
                if found["metadata"].get("deletionTimestamp") or any(o["kind"] == "LogScan" for o in owners):
                    raise  # the Job of a deleted LogScan of the same name; garbage collection is on its way
                message = f"a Job named {name} exists that is not this LogScan's: delete or rename one of them"
                await self._fail(scan, Reason.JOB_FAILED, message)
                return None
            if error.status in (400, 422):
                await self._fail(scan, Reason.INVALID_SPEC, f"the Job was refused: {error}")
                return None
            raise

    async def _collect(self, scan: Scan, job: ScanJob | None) -> None:
        ref = outcomes.result_of(scan, job)
        row = await self._results.read(ref) if ref else None
        pods: list[Object] = []
        if row is None and job is not None:
            query = {"labelSelector": f"batch.kubernetes.io/job-name={job.key[1]}"}
            pods = (await self._api.request("GET", paths.pods(job.key[0]), query=query))["items"]
        attempts = jobs.attempts_of(scan, self._policy_of(scan)[1], self._settings)
        status = outcomes.conclude(scan, job, pods, row, attempts, self._settings, utc_now())
        await self._write(scan, status)
        if status.retry_time is not None:
            self._metrics.retries.labels(str(outcomes.explain(job, pods).reason)).inc()
        facts = {"scan": scan.key[1], "phase": str(status.phase), "reason": str(status.reason)}
        log.info("%s", status.message, extra=facts)

    async def _check_pending(self, scan: Scan, job: ScanJob) -> None:
        query = {"labelSelector": f"batch.kubernetes.io/job-name={job.key[1]}"}
        pods = (await self._api.request("GET", paths.pods(job.key[0]), query=query))["items"]
        failure = outcomes.explain_pending(pods)
        if failure is None:  # it runs, the Job's status is only late to say so
            await asyncio.sleep(STILL_PENDING_SECONDS)
            return
        await self._delete(paths.jobs(*job.key), job.uid)
        await self._fail(scan, failure.reason, failure.message)

    async def _fail(self, scan: Scan, reason: Reason, message: str) -> None:
        await self._write(scan, statuses.finished(scan, Verdict(Phase.FAILED, reason, message), utc_now()))

    async def _write(self, scan: Scan, status: LogScanStatus) -> None:
        body = {"status": statuses.patch(scan.status, status)}
        path = paths.scans(*scan.key, "status")
        try:
            self._view.scans.take(await self._api.request("PATCH", path, body, content_type=JSON_MERGE))
        except ApiError as error:
            if error.status != 404:
                raise
            self._view.scans.forget(scan.key)
            return
        self._events.tell(scan, status)
        self._count(status)

    def _count(self, status: LogScanStatus) -> None:
        if status.phase is not None and status.phase.finished:
            self._metrics.finished.labels(str(status.phase)).inc()
        if status.phase is Phase.FAILED:
            self._metrics.failures.labels(str(status.reason)).inc()
        if status.completion_time is not None and status.start_time is not None:
            seconds = parse_time(status.completion_time) - parse_time(status.start_time)
            self._metrics.duration.observe(seconds.total_seconds())

    async def _patch_job(self, job: ScanJob, body: Object) -> None:
        self._view.jobs.take(await self._api.request("PATCH", paths.jobs(*job.key), body, content_type=JSON_MERGE))

    async def _delete(self, path: str, uid: str) -> None:
        body = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        try:
            await self._api.request("DELETE", path, body)
        except ApiError as error:
            if error.status not in (404, 409):
                raise
