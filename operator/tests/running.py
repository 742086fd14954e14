"""An operator that runs in this process, and what a test asks of it."""

import json
from typing import Any

from logscan_api.events import ObjectEvent
from logscan_api.identity import scan_name
from logscan_local.stack import aws
from logscan_local.stack.kubectl import Kubectl, Object
from logscan_local.stack.state import State
from logscan_local.testkit.waiting import eventually
from logscan_operator.settings import Settings

POLICY = {
    "apiVersion": "logscan.dev/v1alpha1",
    "kind": "LogScanPolicy",
    "metadata": {"name": "default"},
    "spec": {"rules": {"inline": [{"name": "err", "pattern": "ERROR"}]}},
}
BODY = b"ok\nERROR one\nERROR two\n"


class Running:
    """The operator in a thread, and what it works on."""

    def __init__(self, kubectl: Kubectl, state: State, settings: Settings) -> None:
        self.kubectl = kubectl
        self.state = state
        self.settings = settings
        self.s3 = aws.client("s3", state.resources.endpoint)
        self.sqs = aws.client("sqs", state.resources.endpoint)
        self.failures: list[BaseException] = []

    def upload(self, key: str, body: bytes = BODY) -> str:
        """Upload an object and return the name of its LogScan."""
        answer = self.s3.put_object(Bucket=self.state.resources.bucket, Key=key, Body=body)
        return scan_name(ObjectEvent(bucket=self.state.resources.bucket, key=key, version_id=answer["VersionId"]))

    def apply(self, name: str, **spec: Any) -> str:
        """Apply a LogScan and return its name."""
        source = {"s3": {"bucket": self.state.resources.bucket, "key": "a.log"}}
        rules = {"inline": [{"name": "err", "pattern": "ERROR"}]}
        document = {**POLICY, "kind": "LogScan", "metadata": {"name": name}}
        document["spec"] = {"source": source, "rules": rules, **spec}
        self.kubectl.run("apply", "--filename=-", stdin=json.dumps(document))
        return name

    def status(self, name: str) -> Object:
        """Return the status of a LogScan, empty while there is none."""
        found = json.loads(self.kubectl.run("get", "logscan", name, "--ignore-not-found", "--output=json") or "{}")
        status: Object = found.get("status", {})
        return status

    def until(self, name: str, phase: str, seconds: float = 40) -> Object:
        """Return the status once it has a phase."""

        def reached() -> Object:
            assert not self.failures, self.failures
            status = self.status(name)
            return status if status.get("phase") == phase else {}

        return eventually(reached, seconds, lambda: f"{name} to be {phase} ({self.status(name)}); this")
