"""The peer: the operator as a kopf tutorial would have it.

`on.create` creates the Job, `on.field` copies the Job's end into the LogScan's status. No queue, no limit, no result
from DynamoDB, no retry: less work than ours does. Run by `bench_operator.py` as `kopf run` would.
"""

import asyncio
import os
import sys
from typing import Any

import kopf
from kubernetes import client, config
from pydantic import SecretBytes

from logscan_operator import jobs
from logscan_operator.items import Scan
from logscan_operator.resolving import resolve
from logscan_operator.settings import Settings

SETTINGS = Settings(
    namespace=os.environ["BENCH_NAMESPACE"],
    queue_urls=["none"],
    table="logscan-results",
    signing_keys=[SecretBytes(b"not a secret, since it signs no row")],
    scanner_image="logscan-scanner:local",
)


@kopf.on.startup()
def start(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Log in as the kubeconfig says, and post no events."""
    config.load_kube_config(config_file=os.environ["KUBECONFIG"])  # type: ignore[no-untyped-call]
    settings.posting.enabled = False


@kopf.on.create("logscan.dev", "v1alpha1", "logscans")
async def create(body: kopf.Body, patch: kopf.Patch, **_: Any) -> None:
    """Create the Job of a LogScan."""
    scan = Scan.parse(dict(body))
    resolved = resolve(scan.readable_spec, {}, {}, SETTINGS)
    request = jobs.build_request(scan, 1, resolved, SETTINGS)
    manifest: Any = jobs.build_job(scan, request, resolved, SETTINGS, {})
    await asyncio.to_thread(client.BatchV1Api().create_namespaced_job, scan.key[0], manifest)
    patch.status["phase"] = "Running"


@kopf.on.field("batch", "v1", "jobs", field="status.succeeded", labels={"logscan.dev/scan-uid": kopf.PRESENT})
async def ended(body: kopf.Body, new: Any, **_: Any) -> None:
    """Copy the end of a Job into its LogScan's status."""
    if not new:
        return
    owner = body["metadata"]["ownerReferences"][0]["name"]
    api = client.CustomObjectsApi()
    place = ("logscan.dev", "v1alpha1", body["metadata"]["namespace"], "logscans", owner)
    await asyncio.to_thread(api.patch_namespaced_custom_object_status, *place, {"status": {"phase": "Succeeded"}})


if __name__ == "__main__":
    kopf.run(namespaces=[os.environ["BENCH_NAMESPACE"]], standalone=True)
    sys.exit(0)
