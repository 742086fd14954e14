"""Some minutes of uploads: parts of the logs that the running control plane writes, steady and in bursts."""

import random
import time
from pathlib import Path

from logscan_local.stack import aws
from logscan_local.stack.kubectl import Kubectl
from logscan_local.stack.state import State

PIECES = (20_000, 400_000)  # bytes of an object
PAUSE_SECONDS = 1.5
BURST = 40
BURSTS = (0.3, 0.65)  # when, as a part of the whole time
LOGS = ("kube-apiserver", "kube-controller-manager", "etcd", "node", "ministack")


def upload_for(seconds: float, state: State, kubectl: Kubectl, logs: Path) -> None:
    """Upload parts of logs for some time, and apply a LogScan that fails.

    Args:
        seconds: How long.
        state: Where the stack is.
        kubectl: The cluster.
        logs: The folder of the stack's logs.
    """
    s3 = aws.client("s3", state.resources.endpoint)
    chance, number, bursts = random.Random(1), 0, list(BURSTS)  # noqa: S311
    began = time.monotonic()
    kubectl.run("create", "--filename=-", stdin=MISSING)
    while (passed := (time.monotonic() - began) / seconds) < 1:
        many = BURST if bursts and passed > bursts[0] else 1
        if many > 1:
            bursts.pop(0)
        for _ in range(many):
            number += 1
            name = chance.choice(LOGS)
            body = _piece((logs / f"{name}.log").read_bytes(), chance)
            s3.put_object(Bucket=state.resources.bucket, Key=f"app/{name}-{number}.log", Body=body)
        time.sleep(PAUSE_SECONDS)


def _piece(log: bytes, chance: random.Random) -> bytes:
    """Return some lines of a log."""
    size = chance.randint(*PIECES)
    at = chance.randrange(max(len(log) - size, 1))
    return log[at : at + size].partition(b"\n")[2] or b"nothing was logged\n"


MISSING = """
apiVersion: logscan.dev/v1alpha1
kind: LogScan
metadata: {name: missing}
spec:
  source: {s3: {bucket: logs, key: shop/chekcout.log}}
"""
