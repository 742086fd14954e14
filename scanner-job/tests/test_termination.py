"""SIGTERM at any moment of a scanner's life, as real processes: it ends soon and asks for a retry."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from logscan_api.exitcodes import ExitCode
from logscan_api.requests import ScanIdentity, ScanRequest, resolve_limits
from logscan_api.rules import Rule
from logscan_api.sources import S3Source
from logscan_api.statuses import ResultRef
from logscan_local.testkit.signals import AS_PID_1, can_run, catches_sigterm, pid_within
from logscan_local.testkit.waiting import eventually

PROGRAM = [sys.executable, "-m", "logscan_scanner"]
MOMENTS = [round(random.Random(number).uniform(0, 1.5), 3) for number in range(3)]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a scan that never ends: AWS accepts its connection and never answers."""
    request = ScanRequest(
        scan=ScanIdentity(namespace="logscan", name="x", uid="x", attempt=1),
        source=S3Source(bucket="logs", key="x.log"),
        rules=[Rule(name="bad", pattern="x")],
        limits=resolve_limits(),
        tokens=["t" * 64],
        result=ResultRef(table="results", pk="p", sk="s"),
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "LOGSCAN_REQUEST": request.to_variable(),
            "LOGSCAN_TERMINATION_PATH": str(tmp_path / "words"),
        }


@pytest.mark.parametrize(
    ("number", "moment"), [(signal.SIGINT, None), (signal.SIGTERM, None), *((signal.SIGTERM, at) for at in MOMENTS)]
)
@pytest.mark.parametrize("prefix", [[], AS_PID_1], ids=["child", "pid-1"])
def test_a_signal_is_never_lost(
    environment: dict[str, str], tmp_path: Path, prefix: list[str], moment: float | None, number: signal.Signals
) -> None:
    if prefix and not can_run(prefix):
        pytest.skip("this machine does not allow PID namespaces")
    with subprocess.Popen([*prefix, *PROGRAM], env=environment, stderr=subprocess.DEVNULL) as process:
        pid = pid_within(process) if prefix else process.pid
        # Before Python has run its first line nobody can handle a signal; to PID 1 the kernel does not even deliver it.
        eventually(lambda: catches_sigterm(pid), 60, "a handler")
        time.sleep(moment or 0)  # the moment is the case under test: during the start, or in the scan
        os.kill(pid, number)
        assert process.wait(60) == ExitCode.TRY_AGAIN
    words = json.loads((tmp_path / "words").read_text())
    assert (words["code"], words["reason"]) == (75, "TryAgainLater")
    assert "stopped by a signal" in words["message"]
