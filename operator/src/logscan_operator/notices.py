"""The Job that notifies of a scan's failure where the scan's own could not: it was killed, or never started. Pure.

The operator reads no Secret, so it cannot notify by itself. The Job runs the scanner's image for a moment, with what a
scan's pod has to reach its channels. It is none of the scan's attempts, holds no slot, and nobody waits for its end.
"""

from logscan_api.identity import notice_name
from logscan_api.jobtemplates import Resources
from logscan_api.quantities import Quantity
from logscan_api.requests import NoticeRequest
from logscan_api.statuses import LogScanStatus, ResultRef
from logscan_operator import scannerpods
from logscan_operator.items import Object, Scan
from logscan_operator.jobs import owner_of, request_fields
from logscan_operator.resolving import ResolvedScan
from logscan_operator.scanjobs import ATTEMPT_LABEL, SCAN_UID_LABEL
from logscan_operator.settings import Settings

COMPONENT = "notice"
ARGUMENTS = ["notify"]
SECONDS = 1800  # for a node and the image, and up to 300 seconds in a group
# A pod that is killed may have sent a message already, which its successor sends again under the same name.
RETRIES = 2
RESOURCES = Resources(
    requests={"cpu": Quantity("50m"), "memory": Quantity("64Mi")}, limits={"memory": Quantity("128Mi")}
)


def build(
    scan: Scan,
    attempt: int,
    status: LogScanStatus,
    result: ResultRef,
    resolved: ResolvedScan,
    settings: Settings,
    env: dict[str, str],
) -> Object:
    """Return the manifest of the Job.

    Args:
        scan: The LogScan, with all of its spec.
        attempt: The attempt with which it failed.
        status: Its final status, which says why.
        result: Where its row would be, which names the messages as the scanner itself does.
        resolved: What applies to the scan.
        settings: The operator's settings.
        env: The operator's environment, of which a part reaches the pod.

    Raises:
        RequestTooLargeError: The request does not fit into the variables of a Job.
    """
    common = request_fields(scan, attempt, resolved, settings, result) | {"timeout_seconds": SECONDS}
    request = NoticeRequest(**common, reason=str(status.reason), message=status.message or "")
    template = resolved.job.over(settings.scanner_job)
    labels = scannerpods.labels(template, COMPONENT, request.source.bucket, resolved.policy)
    labels = {name: value for name, value in labels.items() if name not in (SCAN_UID_LABEL, ATTEMPT_LABEL)}
    pod = scannerpods.spec(request, template, settings, env, RESOURCES)
    (container,) = pod["containers"]
    namespace, name = scan.key
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": notice_name(name, scan.uid, attempt),
            "namespace": namespace,
            "labels": labels,
            "ownerReferences": [owner_of(scan)],
        },
        "spec": {
            "backoffLimit": RETRIES,
            "activeDeadlineSeconds": SECONDS,
            "ttlSecondsAfterFinished": settings.job_ttl_seconds,
            "podFailurePolicy": scannerpods.failure_policy(),
            "podReplacementPolicy": "Failed",
            "template": {
                "metadata": {"labels": labels},
                "spec": {**pod, "containers": [{**container, "args": ARGUMENTS}]},
            },
        },
    }
