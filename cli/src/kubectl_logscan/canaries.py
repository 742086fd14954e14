"""An object that is uploaded to see whether it is scanned, followed step by step, and taken away at the end."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from kubectl_logscan.awscalls import asked
from kubectl_logscan.errors import CliError, UnhealthyError
from kubectl_logscan.following import follow
from kubectl_logscan.rows import Rows
from logscan_api.statuses import Phase, ResultRef

if TYPE_CHECKING:
    from kubectl_logscan.cluster import Cluster

PAUSE = 0.5  # seconds between two lists of LogScans, whose names only the operator knows
LINES = "ERROR logscan selftest {number}: this line is to be found\nINFO and this one is not\n"


@dataclass(frozen=True)
class Step:
    """A step that was done.

    Attributes:
        name: What was done.
        about: On what.
    """

    name: str
    about: str


class Canary:
    """A small log in a bucket, and what becomes of it."""

    def __init__(self, found: "Cluster", bucket: str, prefix: str, seconds: float) -> None:
        """Upload nothing yet.

        Args:
            found: The cluster, in the namespace in which the operator makes LogScans of uploads.
            bucket: The bucket.
            prefix: What its key begins with.
            seconds: How long to wait for all steps together.

        Raises:
            AwsError: The configuration of AWS is incomplete.
        """
        self._cluster = found
        self._number = uuid.uuid4().hex
        self._bucket, self.key = bucket, f"{prefix}{self._number}.log"
        self._deadline = time.monotonic() + seconds
        self._s3: Any = asked(lambda: boto3.client("s3"), "reads S3")
        self._version: dict[str, str] = {}
        self._uploaded = False
        self._scan: str | None = None

    def steps(self) -> Iterator[Step]:
        """Yield each step once it is done.

        Raises:
            UnhealthyError: A step failed, or was not done in time; the message names it.
        """
        where = f"s3://{self._bucket}/{self.key}"
        self._done("upload", "grant s3:PutObject", self._upload)
        yield Step("uploaded", where)
        hint = f"`kubectl logscan doctor --bucket {self._bucket} --key {self.key}` looks at the way to it"
        scan = self._done("queue -> LogScan", hint, self._appeared)
        self._scan = scan["metadata"]["name"]
        yield Step("LogScan", str(self._scan))
        hint = f"`kubectl logscan why {self._scan}` explains it"
        scan = self._done("LogScan -> Job", hint, lambda: self._reached(lambda status: "job" in status))
        yield Step("Job", scan["status"].get("job", {}).get("name", "none: an earlier result was taken"))
        scan = self._done("Job -> result", hint, lambda: self._reached(lambda status: "summary" in status))
        yield Step("finished", f"{scan['status']['summary']['matchedLines']} of 2 lines matched")
        ref = ResultRef.model_validate(scan["status"]["result"])
        hint = f"`kubectl logscan results {self._scan}`"
        row = self._done("result -> row", hint, lambda: Rows().result(ref))
        if row.lines < 1:
            raise UnhealthyError(f"the row has {row.lines} lines, and the canary 2: {hint} shows it")
        yield Step("row", f"{ref.table}: {ref.pk}")

    def clean_up(self) -> list[str]:
        """Delete the object and the LogScan, and return what could not be deleted."""
        left = []
        if self._uploaded:
            try:
                where = {"Bucket": self._bucket, "Key": self.key, **self._version}
                asked(lambda: self._s3.delete_object(**where), f"DeleteObject of {self.key}")
            except CliError as error:
                left.append(str(error))
        if self._scan is not None:
            try:
                self._cluster.delete(self._scan)
            except CliError as error:
                left.append(str(error))
        return left

    def _upload(self) -> None:
        body = LINES.format(number=self._number).encode()
        call = f"PutObject into {self._bucket}"
        answer = asked(lambda: self._s3.put_object(Bucket=self._bucket, Key=self.key, Body=body), call)
        self._uploaded = True
        if "VersionId" in answer:
            self._version = {"VersionId": answer["VersionId"]}

    def _appeared(self) -> dict[str, Any]:
        while time.monotonic() < self._deadline:
            for scan in self._cluster.scans():
                source = scan["spec"]["source"]["s3"]
                keys = [source.get("key"), *(part["key"] for part in source.get("objects") or [])]
                if source["bucket"] == self._bucket and self.key in keys:
                    return scan
            time.sleep(PAUSE)
        raise UnhealthyError("no LogScan of it in time")

    def _reached(self, far: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        phase = None
        for scan in follow(self._cluster, str(self._scan), max(1.0, self._deadline - time.monotonic())):
            status = scan.get("status") or {}
            phase = status.get("phase")
            if far(status) or (phase == Phase.SUCCEEDED and "summary" in status):
                return scan
            if phase in (Phase.FAILED, Phase.CANCELLED):
                raise UnhealthyError(f"it is {phase}: {status.get('message', '')}")
        raise UnhealthyError(f"it is {phase or 'Pending'} and went no further in time")

    def _done(self, step: str, hint: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except CliError as error:
            raise UnhealthyError(f"stopped at {step}: {error}: {hint}") from error
