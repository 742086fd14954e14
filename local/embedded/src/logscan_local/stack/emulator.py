"""MiniStack, the process that emulates AWS, and the bridge that replaces its Lambda."""

import os
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from logscan_local.stack import aws, processes
from logscan_local.stack.aws import Resources
from logscan_local.stack.paths import StackPaths
from logscan_local.stack.ports import free_ports
from logscan_local.stack.processes import Part
from logscan_tools.paths import REPOSITORY

READY_SECONDS = 60
SERVICES = "s3,sqs,sns,dynamodb,ses,events,lambda,iam,sts,logs"
BRIDGE = REPOSITORY / "local" / "kind" / "bridge.py"


@dataclass(frozen=True)
class Emulator:
    """A running emulator.

    Attributes:
        endpoint: Its address.
        port: The port in it.
        paths: Where its files are.
    """

    endpoint: str
    port: int
    paths: StackPaths


def start(paths: StackPaths, port: int, repaired: bool = True) -> Part:
    """Start MiniStack and return when it answers.

    Args:
        paths: Where its files go.
        port: Where it listens, on the loopback interface.
        repaired: Whether to correct where it differs from AWS (`logscan_local.stack.repairs`).

    Raises:
        PartFailedError: It did not start.
    """
    data = paths.root / "aws"
    temporary = data / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    endpoint = f"http://127.0.0.1:{port}"
    scripts = Path(sys.executable).parent
    environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": aws.REGION,
        "MINISTACK_ACCOUNT_ID": aws.ACCOUNT,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": aws.REGION,
        "S3_DATA_DIR": str(data / "s3"),
        "TMPDIR": str(temporary),
        "SERVICES": SERVICES,
        "LOG_LEVEL": "WARNING",
        "AUTH": "true",  # evaluate IAM policies instead of allowing everything
        # Its Lambda runs handlers with the first python3 on PATH, which must have boto3.
        "PATH": f"{scripts}:{os.environ.get('PATH', '')}",
        **aws.ADMINISTRATOR.environment(),
    }
    application = "logscan_local.stack.emulated:app" if repaired else "ministack.app:app"
    # As `ministack --detach` starts itself, but in one process, which the stack's file names.
    command = [sys.executable, "-m", "hypercorn", "--workers=0", "--keep-alive=75", "--log-level=WARNING"]
    command += [f"--bind=127.0.0.1:{port}", application]
    part = processes.start("ministack", command, paths.logs / "ministack.log", environment)
    processes.wait_ready(part, lambda: _answers(f"{endpoint}/_ministack/health"), READY_SECONDS)
    return part


@contextmanager
def running(purpose: str, repaired: bool = True, port: int | None = None) -> Iterator[Emulator]:
    """Yield an emulator without any resource; it is stopped and its files are removed at the end.

    Args:
        purpose: A name for its folder.
        repaired: Whether to correct where it differs from AWS.
        port: Where it listens; a free port by default.
    """
    paths = StackPaths(f"{purpose}-{os.getpid()}")
    port = port or free_ports(1)[0]
    part = start(paths, port, repaired)
    try:
        yield Emulator(f"http://127.0.0.1:{port}", port, paths)
    finally:
        processes.stop([part])
        shutil.rmtree(paths.root, ignore_errors=True)


def start_bridge(paths: StackPaths, resources: Resources) -> Part:
    """Start the bridge of kind for resources that were created for it (`create_all(..., bridged=True)`).

    Raises:
        PartFailedError: It could not read its queue in time.
    """
    environment = {
        "AWS_ENDPOINT_URL": resources.endpoint,
        "AWS_DEFAULT_REGION": aws.REGION,
        "UPLOADS_QUEUE_URL": str(resources.uploads_queue_url),
        "QUEUE_URL": resources.queue_url,
        "FAILURE_QUEUE_URL": resources.failure_queue_url,
        "READY_FILE": str(bridge_ready(paths)),
        **aws.ADMINISTRATOR.environment(),
    }
    part = processes.start("bridge", [sys.executable, str(BRIDGE)], paths.logs / "bridge.log", environment)
    processes.wait_ready(part, bridge_ready(paths).exists, READY_SECONDS)
    return part


def bridge_ready(paths: StackPaths) -> Path:
    """Return the file that exists while the bridge can read its queue."""
    return paths.root / "bridge.ready"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
