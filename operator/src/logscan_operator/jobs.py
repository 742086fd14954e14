"""The Job of a scan: one pure function from a scan, its rules and the settings to the manifest."""

from dataclasses import dataclass

from logscan_api import API_VERSION, MalformedRequestError
from logscan_api.destinations import destinations
from logscan_api.exitcodes import permanent_codes
from logscan_api.identity import job_name, partition_key, sort_key
from logscan_api.labels import BUCKET_LABEL, POLICY_LABEL, label_value
from logscan_api.logscans import JobTemplate, LogScanSpec, Resources
from logscan_api.packs import resolve_rules
from logscan_api.policies import LogScanPolicySpec, PolicyAction
from logscan_api.quantities import Quantity
from logscan_api.requests import REQUEST_VARIABLE, Report, ScanIdentity, ScanRequest, resolve_limits
from logscan_api.rules import RuleSelection, ruleset_hash
from logscan_api.statuses import ResultRef
from logscan_operator.environment import value_of, variable
from logscan_operator.items import ATTEMPT_LABEL, POLICY_ANNOTATION, RESULT_ANNOTATION, SCAN_UID_LABEL, Object, Scan
from logscan_operator.settings import Settings

MANAGED_BY = "logscan"
# Passed on from the operator's own environment, so that an emulator or a VPC endpoint is set in one place.
PASSED_ON = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_STS",
)


@dataclass(frozen=True)
class Resolved:
    """A scan's settings after its policy filled the gaps.

    Attributes:
        rules: Which rules.
        policy_name: The policy that gave them, if one did.
        policy: Its spec, for limits and the rest.
    """

    rules: RuleSelection
    policy_name: str | None
    policy: LogScanPolicySpec | None


def resolve(spec: LogScanSpec, policy_name: str | None, policy: LogScanPolicySpec | None) -> Resolved | None:
    """Return a scan's settings, or None when neither it nor a policy names rules.

    A scan with rules of its own takes nothing from policies: what its author wrote is all there is.
    """
    if spec.rules is not None:
        return Resolved(spec.rules, None, None)
    if policy is None or policy.action is PolicyAction.IGNORE or policy.rules is None:
        return None
    return Resolved(policy.rules, policy_name, policy)


def build_request(scan: Scan, attempt: int, resolved: Resolved, settings: Settings) -> ScanRequest:
    """Return what the scanner is told.

    Raises:
        UnknownPackError: A rule pack does not exist.
        pydantic.ValidationError: The resolved rules are not valid.
    """
    spec = _spec(scan)
    rules, source = resolve_rules(resolved.rules), spec.source.s3
    sort = sort_key(source, scan.uid, ruleset_hash(rules), scan.status.prior_attempts)
    namespace, name = scan.key
    return ScanRequest(
        scan=ScanIdentity(namespace=namespace, name=name, uid=scan.uid, attempt=attempt),
        source=source,
        rules=rules,
        limits=resolve_limits(spec.limits, resolved.policy.limits if resolved.policy else None),
        result=ResultRef(table=settings.table, pk=partition_key(source), sk=sort),
        report=Report(bucket=settings.reports_bucket) if settings.reports_bucket else None,
        notify=spec.notify or (resolved.policy.notify if resolved.policy else None),
        sender=settings.mail_sender,
        webhook_internal=destinations(settings.webhook_internal) or None,
        ttl_days=settings.result_ttl_days,
    )


def build_job(scan: Scan, request: ScanRequest, resolved: Resolved, settings: Settings, env: dict[str, str]) -> Object:
    """Return the manifest of the Job for one attempt.

    Args:
        scan: The LogScan.
        request: What the scanner is told.
        resolved: The scan's settings.
        settings: The operator's settings.
        env: The operator's environment, of which `PASSED_ON` reaches the scanner.

    Raises:
        RequestTooLargeError: The request does not fit into a variable.
    """
    spec, policy = _spec(scan), resolved.policy
    namespace, name = scan.key
    own = spec.job or (policy.job if policy else None) or JobTemplate()
    template = own.over(settings.scanner_job)
    labels = {
        **(template.labels or {}),
        "app.kubernetes.io/name": "logscan-scanner",
        "app.kubernetes.io/managed-by": MANAGED_BY,
        SCAN_UID_LABEL: scan.uid,
        ATTEMPT_LABEL: str(request.scan.attempt),
        BUCKET_LABEL: label_value(request.source.bucket),
    }
    annotations = {RESULT_ANNOTATION: request.result.model_dump_json(by_alias=True, exclude_none=True)}
    if resolved.policy_name:
        annotations[POLICY_ANNOTATION] = resolved.policy_name
        labels[POLICY_LABEL] = label_value(resolved.policy_name)
    timeout = spec.timeout_seconds or (policy.timeout_seconds if policy else None)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(name, request.scan.attempt),
            "namespace": namespace,
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": "LogScan",
                    "name": name,
                    "uid": scan.uid,
                    "controller": True,
                }
            ],
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": timeout or settings.default_timeout_seconds,
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


def request_in(job: Object, attempt: int) -> ScanRequest | None:
    """Return what a Job's scanner was told, for another attempt, or None if it cannot be read."""
    text = value_of(job["spec"]["template"]["spec"]["containers"][0], REQUEST_VARIABLE)
    try:
        request = ScanRequest.from_variable(text or "")
    except MalformedRequestError:
        return None
    return request.model_copy(update={"scan": request.scan.model_copy(update={"attempt": attempt})})


def attempts_of(scan: Scan, policy: LogScanPolicySpec | None, settings: Settings) -> int:
    """Return how many Jobs a scan may have."""
    own = scan.spec.attempts if scan.spec else None
    return own or (policy.attempts if policy else None) or settings.default_attempts


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
        spec["affinity"] = template.affinity
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
        variable(REQUEST_VARIABLE, request.to_variable()),
        {"name": "LOGSCAN_JOB_UID", "valueFrom": {"fieldRef": {"fieldPath": uid_field}}},
        # A pod without a role of its own must not fall back to the node's.
        variable("AWS_EC2_METADATA_DISABLED", "true"),
        *(variable(name, env[name]) for name in PASSED_ON if name in env),
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


def _resources(template: JobTemplate, settings: Settings, memory: Quantity | None) -> Object:
    least = Resources(
        requests={"cpu": settings.scanner_cpu_request, "memory": settings.scanner_memory_request},
        limits={"memory": settings.scanner_memory_limit},
    )
    chosen = template.resources.over(least) if template.resources else least
    raised = Resources(limits={"memory": memory}) if memory else Resources()
    return raised.over(chosen).wire()


def _spec(scan: Scan) -> LogScanSpec:
    if scan.spec is None:
        raise ValueError(f"the spec of {scan.key} cannot be read: {scan.problem}")
    return scan.spec
