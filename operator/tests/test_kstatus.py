"""What kstatus, by its own code, makes of the statuses that the operator writes."""

import json
import subprocess
from typing import Any

import pytest
from objects import NOW, job_body, scan_body

from logscan_api.exitcodes import Reason
from logscan_api.statuses import LogScanStatus, Phase
from logscan_local.testkit.results import RESULT
from logscan_operator import statuses
from logscan_operator.conditions import Verdict
from logscan_operator.items import Policy, Scan
from logscan_operator.policychecks import checked
from logscan_operator.rulechecks import COMPILED, invalid, undecided
from logscan_operator.scanjobs import ScanJob
from logscan_tools import binaries

pytestmark = pytest.mark.tools

SCAN = Scan.parse(scan_body())
POLICY = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy", "spec": {"action": "Ignore"}}


def ended(phase: Phase, reason: Reason) -> LogScanStatus:
    running = statuses.running(SCAN, ScanJob.parse(job_body()), NOW)
    scan = Scan.parse(scan_body(status=running.wire()))
    return statuses.finished(scan, Verdict(phase, reason, "why"), NOW, summary=RESULT.summary())


def kstatus(document: dict[str, Any]) -> str:
    """Return the verdict of kstatus in one word."""
    program = [str(binaries.pinned(binaries.GITOPS, lambda _: None)), "status"]
    done = subprocess.run(program, input=json.dumps(document), capture_output=True, text=True, check=True)
    return done.stdout.partition(":")[0]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (statuses.waiting(SCAN, Verdict(Phase.QUEUED, Reason.QUOTA_EXCEEDED, "why"), NOW), "InProgress"),
        (statuses.waiting(SCAN, Verdict(Phase.SUSPENDED, Reason.SUSPENDED, "why"), NOW), "InProgress"),
        (statuses.running(SCAN, ScanJob.parse(job_body()), NOW), "InProgress"),
        (ended(Phase.SUCCEEDED, Reason.COMPLETED), "Current"),
        (ended(Phase.CANCELLED, Reason.SUPERSEDED), "Current"),
        (ended(Phase.FAILED, Reason.ACCESS_DENIED), "Failed"),
    ],
)
def test_a_scan(status: LogScanStatus, expected: str) -> None:
    body = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", **scan_body()}
    assert kstatus({**body, "status": status.wire()}) == expected


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [(COMPILED, "Current"), (invalid("rule 'a'"), "Failed"), (undecided("no memory"), "InProgress")],
)
def test_a_policy(verdict: Any, expected: str) -> None:
    metadata = {"name": "p", "namespace": "logscan", "resourceVersion": "1", "generation": 2}
    body = {**POLICY, "metadata": metadata}
    status = checked(Policy.parse(body), verdict, NOW)
    assert kstatus({**body, "status": status.wire()}) == expected
