"""A fake kubelet and scanner, for tests and benchmarks of the operator with many scans.

It finishes every scan pod of some namespaces at once without running it: it writes the result row that the scanner
would write, and the status of a pod that has ended. Labels of the Job (`spec.job.labels` of a LogScan) change that:

- `fake-kubelet/exit: "75"` ends the pod with that exit code and no row; `"137-OOMKilled"` adds the reason;
- `fake-kubelet/exit: "evicted"` ends it like a node that runs out of memory;
- `fake-kubelet/row: "no"` ends it successfully without a row, `"forged"` with one that another token signed;
- `fake-kubelet/hold: "yes"` leaves it running until the label is gone from the pod.

A pod that notifies of a failure ends well and writes nothing; `fake-kubelet/notice: "hold"` leaves it running.
"""

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from logscan_api.requests import ObjectRows, ScanRequest, joined
from logscan_api.results import ScanResult
from logscan_api.rules import Severity
from logscan_api.statuses import ObjectCounts
from logscan_api.table import put_result
from logscan_local.stack import aws
from logscan_local.stack.apiserver import JSON_MERGE, ApiError, ApiServer
from logscan_local.stack.node.expansion import expand
from logscan_local.stack.node.objects import Object, now

PARALLEL = 32
SELECTOR = "app.kubernetes.io/name=logscan-scanner"
LINES = 100


class FakeKubelet:
    """Finishes scan pods until it is cancelled."""

    def __init__(self, api: ApiServer, endpoint: str, namespaces: Iterable[str], rows_of_objects: bool = True) -> None:
        """Take what it works on.

        Args:
            api: The API server.
            endpoint: The AWS emulator.
            namespaces: The namespaces of the pods.
            rows_of_objects: Whether to write the row of each object of a batch, which the operator does not read,
                beside that of the batch.
        """
        self._api = api
        self._dynamodb = aws.client("dynamodb", endpoint)
        self._namespaces = list(namespaces)
        self._rows_of_objects = rows_of_objects
        self._parallel = asyncio.Semaphore(PARALLEL)
        self._taken: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Follow the pods of all namespaces until cancelled."""
        try:
            await asyncio.gather(*(self._follow(namespace) for namespace in self._namespaces))
        finally:
            self._dynamodb.close()

    async def _follow(self, namespace: str) -> None:
        path = f"/api/v1/namespaces/{namespace}/pods"
        while True:
            with suppress(ApiError):
                listed = await self._api.request("GET", path, query={"labelSelector": SELECTOR})
                for pod in listed["items"]:
                    self._take(pod)
                version = listed["metadata"]["resourceVersion"]
                query = {"labelSelector": SELECTOR, "resourceVersion": version}
                async for event in self._api.watch(path, query):
                    if event["type"] in ("ADDED", "MODIFIED"):
                        self._take(event["object"])
            await asyncio.sleep(0.2)

    def _take(self, pod: Object) -> None:
        uid, labels = pod["metadata"]["uid"], pod["metadata"].get("labels", {})
        ended = pod["status"].get("phase") in ("Succeeded", "Failed")
        if uid in self._taken or ended or _held(pod, labels) or "deletionTimestamp" in pod["metadata"]:
            return
        self._taken.add(uid)
        task = asyncio.create_task(self._end(pod, labels))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self, pod: Object, labels: dict[str, str]) -> None:
        if _notifies(pod):
            labels = {"fake-kubelet/row": "no"}
        code, _, reason = labels.get("fake-kubelet/exit", "0").replace("evicted", "137-evicted").partition("-")
        async with self._parallel:
            if code == "0" and labels.get("fake-kubelet/row") != "no":
                forged = labels.get("fake-kubelet/row") == "forged"
                await asyncio.to_thread(self._write_row, pod, forged)
            metadata = pod["metadata"]
            path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
            status = ended_status(pod, int(code), reason)
            try:
                await self._api.request("PATCH", path, {"status": status}, content_type=JSON_MERGE)
            except ApiError:  # gone, or the API server is: then the list that follows brings it again
                self._taken.discard(metadata["uid"])

    def _write_row(self, pod: Object, forged: bool) -> None:
        variables = {entry["name"]: entry.get("value", "") for entry in pod["spec"]["containers"][0]["env"]}
        request = ScanRequest.from_variable(expand(joined(variables) or ""))
        result = result_of(request, pod["metadata"]["uid"])
        if request.rows is not None:
            objects = len(request.source.each)
            written = [True] * objects
            if self._rows_of_objects:
                written = self._write_rows_of_objects(request, request.rows, result)
            result = sum_of(result, written)
        self._put(result, "forged" if forged else request.tokens[0])

    def _write_rows_of_objects(self, request: ScanRequest, rows: ObjectRows, result: ScanResult) -> list[bool]:
        """Write the row of each object; return of each whether it was not there."""
        written = []
        for source, tokens in zip(request.source.each, rows.tokens, strict=True):
            ref = rows.ref(request.result.table, request.scan, source)
            facts = {"ref": ref, "key": source.key, "prefix": False, "version_id": source.version_id}
            written.append(self._put(result.model_copy(update=facts), tokens[0]))
        return written

    def _put(self, result: ScanResult, token: str) -> bool:
        """Write a row if there is none; return whether it was written."""
        try:
            self._dynamodb.put_item(
                **put_result(result.ref, result.to_item(), token, int(datetime.now(UTC).timestamp()))
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _held(pod: Object, labels: dict[str, str]) -> bool:
    if _notifies(pod):
        return labels.get("fake-kubelet/notice") == "hold"
    return labels.get("fake-kubelet/hold") == "yes"


def _notifies(pod: Object) -> bool:
    return bool(pod["spec"]["containers"][0].get("args") == ["notify"])


def sum_of(result: ScanResult, written: list[bool]) -> ScanResult:
    """Return the result of several objects, from that of one and whether each had no row."""
    done = sum(written)
    found = ObjectCounts(total=len(written), done=done, skipped=len(written) - done, failed=0)
    sums = {name: getattr(result, name) * len(written) for name in ("bytes", "lines", "matched_lines")}
    return result.model_copy(update={**sums, "objects": done, "object_counts": found})


def result_of(request: ScanRequest, job_uid: str) -> ScanResult:
    """Return a result as a scanner might find it."""
    moment = datetime.now(UTC)
    counts = {rule.name: LINES if number == 0 else 0 for number, rule in enumerate(request.rules)}
    return ScanResult(
        ref=request.result,
        bucket=request.source.bucket,
        key=request.source.common,
        prefix=request.source.key is None,
        started_at=moment,
        finished_at=moment,
        objects=1,
        bytes=10 * LINES,
        decompressed_bytes=10 * LINES,
        lines=LINES,
        matched_lines=LINES,
        cut_records=0,
        by_rule=counts,
        by_severity={s: LINES if request.rules[0].severity is s else 0 for s in Severity},
        severities={rule.name: rule.severity for rule in request.rules},
        samples=[],
        formats=["plain"],
        scan=request.scan.name,
        scan_uid=request.scan.uid,
        job_uid=job_uid,
        attempt=request.scan.attempt,
        scanner_version="fake-kubelet",
        expires_at=int((moment + timedelta(days=request.ttl_days)).timestamp()),
    )


def ended_status(pod: Object, code: int, reason: str) -> Object:
    """Return the status of a pod whose scanner has ended."""
    moment = now()
    if reason == "evicted":
        return {"phase": "Failed", "reason": "Evicted", "message": "the node was low on memory", "startTime": moment}
    terminated = {"exitCode": code, "reason": reason or ("Completed" if code == 0 else "Error")}
    message = json.dumps({"code": code, "message": f"the fake kubelet ended the pod with {code}"})
    terminated |= {"startedAt": moment, "finishedAt": moment, "message": message}
    container = {
        "name": "scanner",
        "image": pod["spec"]["containers"][0]["image"],
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"terminated": terminated},
    }
    phase = "Succeeded" if code == 0 else "Failed"
    return {"phase": phase, "startTime": moment, "containerStatuses": [container]}
