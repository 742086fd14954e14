"""Pods of the scanner's image: restricted, with a request, and with the Secrets of the channels that it names. Pure."""

from logscan_api.exitcodes import permanent_codes
from logscan_api.jobtemplates import JobTemplate, Resources
from logscan_api.labels import BUCKET_LABEL, POLICY_LABEL, label_value
from logscan_api.notify import secret_variables
from logscan_api.requests import Request, split
from logscan_operator import __version__
from logscan_operator.environment import variable
from logscan_operator.items import Object
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


def labels(template: JobTemplate, component: str, bucket: str, policy: str | None) -> dict[str, str]:
    """Return the labels of Job and pod; the operator's own win over those of the template.

    Args:
        template: Changes to the Job.
        component: What the pod does.
        bucket: The bucket of the scan.
        policy: The policy that applies to it.
    """
    found = {
        **(template.labels or {}),
        "app.kubernetes.io/name": "logscan-scanner",
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "logscan",
        "app.kubernetes.io/version": __version__,
        "app.kubernetes.io/managed-by": MANAGED_BY,
        BUCKET_LABEL: label_value(bucket),
    }
    return found | ({POLICY_LABEL: label_value(policy)} if policy else {})


def failure_policy() -> Object:
    """Return the rules that fail a Job at once where trying again is useless, and forgive disruptions."""
    disruption = {"type": "DisruptionTarget", "status": "True"}
    codes = {"containerName": "scanner", "operator": "In", "values": permanent_codes()}
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [disruption]},
            {"action": "FailJob", "onExitCodes": codes},
        ]
    }


def spec(
    request: Request, template: JobTemplate, settings: Settings, env: dict[str, str], resources: Resources
) -> Object:
    """Return the spec of a pod.

    Args:
        request: What it is asked to do.
        template: Changes to the operator's Job template; its resources do not count.
        settings: The operator's settings.
        env: The operator's environment, of which `PASSED_ON` reaches the pod.
        resources: What it requests, and its limits.

    Raises:
        RequestTooLargeError: The request does not fit into the variables of a Job.
    """
    pod: Object = {
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
        "containers": [_container(request, settings, env, resources)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
    }
    if template.node_selector:
        pod["nodeSelector"] = template.node_selector
    if template.affinity:
        pod["affinity"] = template.affinity.wire()
    if template.priority_class_name:
        pod["priorityClassName"] = template.priority_class_name
    if template.tolerations:
        pod["tolerations"] = [toleration.wire() for toleration in template.tolerations]
    return pod


def _container(request: Request, settings: Settings, env: dict[str, str], resources: Resources) -> Object:
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
        "resources": resources.wire(),
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


def _secrets(request: Request) -> list[Object]:
    """Return the variables with the Secrets of the channels, which the kubelet reads and the operator does not.

    A Secret that is missing must not keep the pod from starting: the scanner says which channel lacks it.
    """
    return [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": found.name, "key": found.key, "optional": True}}}
        for name, found in secret_variables(request.notify).items()
    ]
