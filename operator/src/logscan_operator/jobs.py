"""The Job of a scan: one pure function from a scan, what applies to it and the settings to the manifest."""

from logscan_api import API_VERSION, MalformedRequestError
from logscan_api.destinations import destinations
from logscan_api.exitcodes import permanent_codes
from logscan_api.identity import job_name, partition_key, sort_key
from logscan_api.jobtemplates import JobTemplate, Resources
from logscan_api.labels import BUCKET_LABEL, POLICY_LABEL, label_value
from logscan_api.logscans import Limits
from logscan_api.notify import secret_variables
from logscan_api.quantities import Quantity
from logscan_api.requests import ObjectRows, Report, ScanIdentity, ScanRequest, outcome_hash, resolve_limits, split
from logscan_api.roles import assumed_role
from logscan_api.rules import RuleSelection
from logscan_api.signatures import tokens
from logscan_api.statuses import ResultRef
from logscan_operator import __version__
from logscan_operator.environment import request_of, variable
from logscan_operator.items import Object, Scan
from logscan_operator.jobsignatures import RESULT_ANNOTATION, signed
from logscan_operator.records import RECORD_ANNOTATION, Record
from logscan_operator.resolving import ResolvedScan, rules_of
from logscan_operator.scanjobs import ATTEMPT_LABEL, SCAN_UID_LABEL
from logscan_operator.settings import Settings

MANAGED_BY = "logscan"
# Passed on from the operator's own environment, so that an emulator or a VPC endpoint is set in one place.
PASSED_ON = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_SESV2",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_ENDPOINT_URL_EVENTBRIDGE",
    "AWS_ENDPOINT_URL_STS",
)


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
    identity = ScanIdentity(namespace=namespace, name=name, uid=scan.uid, attempt=attempt)
    rows = ObjectRows(outcome=outcome, own=scan.by_hand, prior_attempts=prior, tokens=[])
    refs = [rows.ref(settings.table, identity, found) for found in source.each]
    return ScanRequest(
        scan=identity,
        source=source,
        role=assumed_role(resolved.role_arn, settings.external_id_prefix, namespace, name, attempt),
        rules=rules,
        limits=limits,
        records=resolved.records,
        result=result,
        tokens=tokens(settings.row_keys, result),
        rows=rows.model_copy(update={"tokens": [tokens(settings.row_keys, ref) for ref in refs]}) if refs else None,
        report=Report(bucket=settings.reports_bucket) if settings.reports_bucket else None,
        notify=resolved.notify,
        policy=resolved.policy if resolved.notify else None,
        timeout_seconds=resolved.timeout_seconds if resolved.notify else None,
        sender=settings.mail_sender,
        webhook_internal=destinations(settings.webhook_internal) or None,
        webhook_hosts=settings.webhook_hosts(namespace) if resolved.notify else None,
        ttl_days=settings.result_ttl_days,
    )


def build_job(
    scan: Scan, request: ScanRequest, resolved: ResolvedScan, settings: Settings, env: dict[str, str]
) -> Object:
    """Return the signed manifest of the Job for one attempt.

    Args:
        scan: The LogScan.
        request: The request that the scanner gets.
        resolved: What applies to the scan.
        settings: The operator's settings.
        env: The operator's environment, of which `PASSED_ON` reaches the scanner.

    Raises:
        RequestTooLargeError: The request does not fit into the variables of a Job.
    """
    template = resolved.job.over(settings.scanner_job)
    labels = _labels(scan, request, resolved, template)
    manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(scan, request, resolved, labels),
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": resolved.timeout_seconds,
            "ttlSecondsAfterFinished": settings.job_ttl_seconds,
            "podFailurePolicy": _failure_policy(),
            # A pod replaced before the old one is gone would scan twice at the same time.
            "podReplacementPolicy": "Failed",
            "template": {
                "metadata": {"labels": labels},
                "spec": _pod_spec(request, template, settings, env, scan.status.memory_limit),
            },
        },
    }
    return signed(manifest, settings.row_keys[0])


def _labels(scan: Scan, request: ScanRequest, resolved: ResolvedScan, template: JobTemplate) -> dict[str, str]:
    """Return the labels of Job and pod; the operator's own win over those of the template."""
    labels = {
        **(template.labels or {}),
        "app.kubernetes.io/name": "logscan-scanner",
        "app.kubernetes.io/component": "scanner",
        "app.kubernetes.io/part-of": "logscan",
        "app.kubernetes.io/version": __version__,
        "app.kubernetes.io/managed-by": MANAGED_BY,
        SCAN_UID_LABEL: scan.uid,
        ATTEMPT_LABEL: str(request.scan.attempt),
        BUCKET_LABEL: label_value(request.source.bucket),
    }
    return labels | ({POLICY_LABEL: label_value(resolved.policy)} if resolved.policy else {})


def _metadata(scan: Scan, request: ScanRequest, resolved: ResolvedScan, labels: dict[str, str]) -> Object:
    """Return the Job's metadata: whose it is, and what it records of the scan."""
    namespace, name = scan.key
    owner = {"apiVersion": API_VERSION, "kind": "LogScan", "name": name, "uid": scan.uid, "controller": True}
    return {
        "name": job_name(name, request.scan.attempt),
        "namespace": namespace,
        "labels": labels,
        "annotations": {
            RESULT_ANNOTATION: request.result.model_dump_json(by_alias=True, exclude_none=True),
            RECORD_ANNOTATION: resolved.record.to_annotation(),
        },
        "ownerReferences": [owner],
    }


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


def _failure_policy() -> Object:
    """Return the rules that fail a Job at once where trying again is useless, and forgive disruptions."""
    disruption = {"type": "DisruptionTarget", "status": "True"}
    codes = {"containerName": "scanner", "operator": "In", "values": permanent_codes()}
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [disruption]},
            {"action": "FailJob", "onExitCodes": codes},
        ]
    }


def _pod_spec(
    request: ScanRequest, template: JobTemplate, settings: Settings, env: dict[str, str], memory: Quantity | None
) -> Object:
    spec: Object = {
        "restartPolicy": "Never",
        "serviceAccountName": settings.scanner_service_account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(request, template, settings, env, memory)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
    }
    if template.node_selector:
        spec["nodeSelector"] = template.node_selector
    if template.affinity:
        spec["affinity"] = template.affinity.wire()
    if template.priority_class_name:
        spec["priorityClassName"] = template.priority_class_name
    if template.tolerations:
        spec["tolerations"] = [toleration.wire() for toleration in template.tolerations]
    return spec


def _container(
    request: ScanRequest, template: JobTemplate, settings: Settings, env: dict[str, str], memory: Quantity | None
) -> Object:
    uid_field = "metadata.labels['batch.kubernetes.io/controller-uid']"
    variables: list[Object] = [
        *(variable(name, value) for name, value in split(request.to_variable()).items()),
        {"name": "LOGSCAN_JOB_UID", "valueFrom": {"fieldRef": {"fieldPath": uid_field}}},
        # A pod without a role of its own must not fall back to the node's. `env` wins over `envFrom`.
        variable("AWS_EC2_METADATA_DISABLED", "true"),
        variable("LOGSCAN_READ_SECONDS", f"{settings.scanner_read_seconds:g}"),
        *(variable(name, env[name]) for name in PASSED_ON if name in env),
        *_secrets(request),
    ]
    container: Object = {
        "name": "scanner",
        "image": settings.scanner_image,
        "imagePullPolicy": settings.scanner_image_pull_policy,
        "env": variables,
        "resources": _resources(template, settings, memory),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - a volume of the pod
    }
    if settings.scanner_env_secret:
        container["envFrom"] = [{"secretRef": {"name": settings.scanner_env_secret}}]
    return container


def _secrets(request: ScanRequest) -> list[Object]:
    """Return the variables with the Secrets of the channels, which the kubelet reads and the operator does not.

    A Secret that is missing must not keep the pod from starting: the scanner says which channel lacks it.
    """
    return [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": found.name, "key": found.key, "optional": True}}}
        for name, found in secret_variables(request.notify).items()
    ]


def _resources(template: JobTemplate, settings: Settings, memory: Quantity | None) -> Object:
    least = Resources(
        requests={"cpu": settings.scanner_cpu_request, "memory": settings.scanner_memory_request},
        limits={"memory": settings.scanner_memory_limit},
    )
    chosen = template.resources.over(least) if template.resources else least
    raised = Resources(limits={"memory": memory}) if memory else Resources()
    return raised.over(chosen).wire()
