"""A namespace on a real API server, and the AWS emulator's table, for tests of commands."""

import json
from typing import TYPE_CHECKING, Any

from conftest import Done, Run

from logscan_api import table
from logscan_api.statuses import ResultRef
from logscan_local.testkit.results import RESULT

if TYPE_CHECKING:
    from logscan_local.stack.kubectl import Kubectl
    from logscan_local.stack.stacks import Stack

KEPT_UNTIL = 2**32  # in seconds since the epoch: the emulator deletes rows that have expired
FOUND = {"phase": "Succeeded", "reason": "Completed", "message": "done"}


def summary(matched: int, severity: str | None, by_severity: dict[str, int] | None = None) -> dict[str, Any]:
    counts: dict[str, Any] = {"bytes": 1, "decompressedBytes": 1, "lines": 9, "matchedLines": matched, "topRules": []}
    counts["bySeverity"] = by_severity or {}
    return {"summary": {**counts, **({"worstSeverity": severity} if severity else {})}}


class Place:
    """A namespace with LogScans whose statuses the test writes, as the operator would."""

    def __init__(self, stack: "Stack", run: Run) -> None:
        state = stack.state()
        assert state is not None
        self.state = state
        self.kubectl: Kubectl = stack.kubectl()
        self.environment = stack.environment()
        self._run = run

    def logscan(self, *arguments: str, **variables: str) -> Done:
        """Run a command in the namespace."""
        return self.run(*arguments, "--namespace", self.kubectl.namespace, **variables)

    def run(self, *arguments: str, **variables: str) -> Done:
        """Run a command that has no namespace."""
        return self._run(*arguments, **{**self.environment, **variables})

    def scan(self, name: str, status: dict[str, Any] | None = None, key: str = "a.log") -> None:
        """Create a LogScan with a status."""
        spec = {"source": {"s3": {"bucket": "logs", "key": key}}, "rules": {"packs": ["levels"]}}
        document = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", "metadata": {"name": name}, "spec": spec}
        self.kubectl.apply([document])
        if status is not None:
            self.status(name, status)

    def status(self, name: str, status: dict[str, Any]) -> None:
        """Write the status of a LogScan."""
        patch = json.dumps({"status": status})
        self.kubectl.run("patch", "logscan", name, "--subresource=status", "--type=merge", f"--patch={patch}")

    def spec(self, name: str) -> dict[str, Any]:
        """Return the spec of a LogScan."""
        spec: dict[str, Any] = self.kubectl.get("logscan", name)["spec"]
        return spec

    def row(self, pk: str = "cli", sk: str = "S#1", **facts: Any) -> ResultRef:
        """Write a row into the table and return where it is."""
        ref = ResultRef(table=self.state.resources.table, pk=pk, sk=sk)
        result = RESULT.model_copy(update={"ref": ref, **facts})
        self.put(table.put_result(result.ref, result.to_item(), "token", 0))
        return ref

    def put(self, call: table.Call) -> None:
        """Put an item into the table."""
        from logscan_local.stack import aws

        aws.client("dynamodb", self.state.resources.endpoint).put_item(**call)
