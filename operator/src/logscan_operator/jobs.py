"""The Job of a scan: one pure function from a scan, what applies to it and the settings to the manifest."""

from typing import Any

from logscan_api import API_VERSION, MalformedRequestError
from logscan_api.destinations import destinations
from logscan_api.identity import job_name, partition_key, sort_key
from logscan_api.jobtemplates import JobTemplate, Resources
from logscan_api.logscans import Limits
from logscan_api.quantities import Quantity
from logscan_api.requests import ObjectRows, Report, ScanIdentity, ScanRequest, outcome_hash, resolve_limits
from logscan_api.roles import assumed_role
from logscan_api.rules import RuleSelection
from logscan_api.signatures import tokens
from logscan_api.statuses import ResultRef
from logscan_operator import scannerpods
from logscan_operator.environment import request_of
from logscan_operator.items import Object, Scan
from logscan_operator.jobsignatures import RESULT_ANNOTATION, signed
from logscan_operator.records import RECORD_ANNOTATION, Record
from logscan_operator.resolving import ResolvedScan, rules_of
from logscan_operator.scanjobs import ATTEMPT_LABEL, SCAN_UID_LABEL
from logscan_operator.settings import Settings


def build_request(scan: Scan, attempt: int, resolved: ResolvedScan, settings: Settings) -> ScanRequest:
    """Return the request that the scanner gets.

    Raises:
        UnknownPackError: A rule pack does not exist.
        UnknownRuleSetError: A rule set is not ready.
        pydantic.ValidationError: The resolved rules are not valid.
    """
    rules, source = rules_of(resolved), scan.readable_spec.source.s3
    limits, (namespace, name) = resolve_limits(resolved.limits), scan.key
    outcome, prior = outcome_hash(rules, limits, resolved.records), scan.status.prior_attempts
    sort = sort_key(source, scan.uid, outcome, scan.by_hand, prior)
    result = ResultRef(table=settings.table, pk=partition_key(namespace, source, scan.uid), sk=sort)
    common = request_fields(scan, attempt, resolved, settings, result)
    rows = ObjectRows(outcome=outcome, own=scan.by_hand, prior_attempts=prior, tokens=[])
    refs = [rows.ref(settings.table, common["scan"], found) for found in source.each]
    keys = settings.row_keys
    return ScanRequest(
        **common,
        role=assumed_role(resolved.role_arn, settings.external_id_prefix, namespace, name, attempt),
        rules=rules,
        limits=limits,
        records=resolved.records,
        tokens=tokens(keys, result),
        rows=rows.model_copy(update={"tokens": [tokens(keys, ref) for ref in refs]}) if refs else None,
        report=Report(bucket=settings.reports_bucket) if settings.reports_bucket else None,
        ttl_days=settings.result_ttl_days,
    )


def request_fields(
    scan: Scan, attempt: int, resolved: ResolvedScan, settings: Settings, result: ResultRef
) -> dict[str, Any]:
    """Return what each request about a scan has: see `logscan_api.requests.Request`.

    Args:
        scan: The LogScan.
        attempt: The attempt that it is about.
        resolved: What applies to the scan.
        settings: The operator's settings.
        result: Where its row is, or would be.
    """
    namespace, name = scan.key
    return {
        "scan": ScanIdentity(namespace=namespace, name=name, uid=scan.uid, attempt=attempt),
        "source": scan.readable_spec.source.s3,
        "result": result,
        "notify": resolved.notify,
        "policy": resolved.policy if resolved.notify else None,
        "timeout_seconds": resolved.timeout_seconds if resolved.notify else None,
        "sender": settings.mail_sender,
        "webhook_internal": destinations(settings.webhook_internal) or None,
        "webhook_hosts": settings.webhook_hosts(namespace) if resolved.notify else None,
    }


def build_job(
    scan: Scan, request: ScanRequest, resolved: ResolvedScan, settings: Settings, env: dict[str, str]
) -> Object:
    """Return the signed manifest of the Job for one attempt.

    Args:
        scan: The LogScan.
        request: The request that the scanner gets.
        resolved: What applies to the scan.
        settings: The operator's settings.
        env: The operator's environment, of which a part reaches the scanner.

    Raises:
        RequestTooLargeError: The request does not fit into the variables of a Job.
    """
    template = resolved.job.over(settings.scanner_job)
    labels = _labels(scan, request, resolved, template)
    resources = _resources(template, settings, scan.status.memory_limit)
    manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(scan, request, resolved, labels),
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": resolved.timeout_seconds,
            "ttlSecondsAfterFinished": settings.job_ttl_seconds,
            "podFailurePolicy": scannerpods.failure_policy(),
            # A pod replaced before the old one is gone would scan twice at the same time.
            "podReplacementPolicy": "Failed",
            "template": {
                "metadata": {"labels": labels},
                "spec": scannerpods.spec(request, template, settings, env, resources),
            },
        },
    }
    return signed(manifest, settings.row_keys[0])


def _labels(scan: Scan, request: ScanRequest, resolved: ResolvedScan, template: JobTemplate) -> dict[str, str]:
    """Return the labels of Job and pod; the operator's own win over those of the template."""
    ours = {SCAN_UID_LABEL: scan.uid, ATTEMPT_LABEL: str(request.scan.attempt)}
    return scannerpods.labels(template, "scanner", request.source.bucket, resolved.policy) | ours


def _metadata(scan: Scan, request: ScanRequest, resolved: ResolvedScan, labels: dict[str, str]) -> Object:
    """Return the Job's metadata: whose it is, and what it records of the scan."""
    namespace, name = scan.key
    return {
        "name": job_name(name, request.scan.attempt),
        "namespace": namespace,
        "labels": labels,
        "annotations": {
            RESULT_ANNOTATION: request.result.model_dump_json(by_alias=True, exclude_none=True),
            RECORD_ANNOTATION: resolved.record.to_annotation(),
        },
        "ownerReferences": [owner_of(scan)],
    }


def owner_of(scan: Scan) -> Object:
    """Return the reference of a Job to its LogScan, with which it is deleted."""
    return {"apiVersion": API_VERSION, "kind": "LogScan", "name": scan.key[1], "uid": scan.uid, "controller": True}


def recorded(job: Object) -> ResolvedScan | None:
    """Return what applies to a scan as one of its Jobs records it, or None if that cannot be read.

    The rules are those that the packs and rule sets had when the Job was made.
    """
    record = Record.from_annotation(job["metadata"].get("annotations", {}).get(RECORD_ANNOTATION))
    text = request_of(job["spec"]["template"]["spec"]["containers"][0])
    try:
        request = ScanRequest.from_variable(text or "")
    except MalformedRequestError:
        return None
    if record is None:
        return None
    return ResolvedScan(
        # Not validated: packs may have more rules than a selection may have inline.
        rules=RuleSelection.model_construct(inline=request.rules),
        records=request.records,
        limits=Limits.model_validate(request.limits.model_dump()),
        notify=request.notify,
        attempts=record.attempts,
        timeout_seconds=record.timeout_seconds,
        job=record.job,
        policy=record.policy,
        role_arn=request.role.arn if request.role is not None else None,
        combined={name: RuleSelection() for name in record.combined or []},  # their rules are in the request as well
    )


def _resources(template: JobTemplate, settings: Settings, memory: Quantity | None) -> Resources:
    least = Resources(
        requests={"cpu": settings.scanner_cpu_request, "memory": settings.scanner_memory_request},
        limits={"memory": settings.scanner_memory_limit},
    )
    chosen = template.resources.over(least) if template.resources else least
    raised = Resources(limits={"memory": memory}) if memory else Resources()
    return raised.over(chosen)
