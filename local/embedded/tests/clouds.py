"""What a user sees of a stack or cluster, and what the end-to-end tests do there."""

import json
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread
from typing import Any

import psutil

from logscan_api.events import ObjectEvent
from logscan_api.identity import scan_name
from logscan_local.stack import aws
from logscan_local.stack.kubectl import Kubectl, Object
from logscan_local.stack.nodes import DOCKER
from logscan_local.stack.state import State
from logscan_local.testkit.clusters import Cluster
from logscan_local.testkit.waiting import eventually

# On kind or a real cluster there is no process to kill and no mailbox to read.
EXTERNAL = "LOGSCAN_TEST_STATE" in os.environ
OPERATOR = "--selector=app.kubernetes.io/component=operator"
OURS = ("e2e/", "secret.log", "told.log", aws.INVENTORIES)  # keys that the tests write


def text(lines: int, seed: int) -> bytes:
    """Return a log that the shipped rules match here and there."""
    chance = random.Random(seed)
    kinds = [
        "2026-11-24T08:00:00Z INFO request served in 5 ms",
        "2026-11-24T08:00:00Z ERROR connection refused by 10.0.0.1",
        "E1124 08:00:00.000001       1 reflector.go:166] Failed to watch",
        '{"level":"warn","msg":"apply request took too long"}',
        "2026-11-24T08:00:00Z WARN i/o timeout",
    ]
    return "".join(f"{chance.choice(kinds)} #{n}\n" for n in range(lines)).encode()


class Cloud:
    """What a user sees of the stack."""

    def __init__(self, stack: Cluster) -> None:
        state = stack.state()
        assert state is not None
        self.state: State = state
        self.kubectl: Kubectl = stack.kubectl()
        self.s3 = aws.client("s3", state.resources.endpoint)
        self.sqs = aws.client("sqs", state.resources.endpoint)
        self.dynamodb = aws.client("dynamodb", state.resources.endpoint)

    def upload(self, key: str, body: bytes, bucket: str = aws.BUCKET) -> str:
        """Upload an object and return the name of the LogScan that it becomes."""
        stored = self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        event = ObjectEvent(bucket=bucket, key=key, version_id=stored.get("VersionId"))
        return scan_name(event)

    def scan(self, name: str) -> Object:
        """Return a LogScan, empty while there is none."""
        found: Object = json.loads(self.kubectl.run("get", "logscan", name, "--ignore-not-found", "-ojson") or "{}")
        return found

    def ended(self, name: str, seconds: float = 60) -> Object:
        """Return a LogScan once it is finished."""

        def finished() -> Object:
            scan = self.scan(name)
            return scan if scan.get("status", {}).get("phase") in ("Succeeded", "Failed") else {}

        return eventually(finished, seconds, f"{name} to end")

    def rows(self, key: str) -> list[dict[str, Any]]:
        """Return the result rows of an object."""
        query = {
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :scans)",
            "ExpressionAttributeValues": {
                ":pk": {"S": f"{self.kubectl.namespace}#O#logs#{key}"},
                ":scans": {"S": "S#"},
            },
        }
        found: list[dict[str, Any]] = self.dynamodb.query(TableName=self.state.resources.table, **query)["Items"]
        return found

    def stored(self, uri: str) -> bytes:
        """Return what is in an object of S3, by its address."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        content: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def jobs(self, scan: Object) -> list[Object]:
        """Return the Jobs of a LogScan."""
        selector = f"--selector=logscan.dev/scan-uid={scan['metadata']['uid']}"
        found: list[Object] = self.kubectl.get("jobs", selector)["items"]
        return found

    def apply(self, name: str, key: str, bucket: str = aws.BUCKET, **spec: Any) -> str:
        """Apply a LogScan by hand and return its name."""
        document = {
            "apiVersion": "logscan.dev/v1alpha1",
            "kind": "LogScan",
            "metadata": {"name": name},
            "spec": {"source": {"s3": {"bucket": bucket, "key": key}}, "rules": {"packs": ["generic"]}, **spec},
        }
        self.kubectl.run("apply", "--filename=-", stdin=json.dumps(document))
        return name

    def forget_earlier_runs(self) -> None:
        """Remove what an earlier run of these tests has left on the same cluster: its LogScans and rows."""
        for scan in self.kubectl.get("logscans")["items"]:
            if str(scan["spec"]["source"]["s3"].get("key", "")).startswith(OURS):
                self.kubectl.run("delete", "logscan", scan["metadata"]["name"], "--ignore-not-found")
        table = self.state.resources.table
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk, sk"):
            for key in page["Items"]:
                if key["pk"]["S"].partition("#logs#")[2].startswith(OURS):
                    self.dynamodb.delete_item(TableName=table, Key=key)


@contextmanager
def receiver(posted: "SimpleQueue[dict[str, Any]]") -> Iterator[str]:
    """Yield the URL of a server that takes what is posted to it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            posted.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook"
        server.shutdown()


def kill_operator(cloud: Cloud) -> None:
    """Kill it without a word: its process or container, or where that is out of reach its pod."""
    if EXTERNAL:
        cloud.kubectl.run("delete", "pods", OPERATOR, "--force", "--grace-period=0")
    elif cloud.state.runtime.kind == DOCKER:
        subprocess.run(["docker", "kill", "--signal=KILL", operator_container(cloud)], check=True, capture_output=True)
    else:
        os.kill(operator_pid(cloud), signal.SIGKILL)


def operator_pod(cloud: Cloud) -> Object:
    """Return the operator's pod."""
    (pod,) = cloud.kubectl.get("pods", OPERATOR)["items"]
    found: Object = pod
    return found


def restarts(pod: Object) -> int:
    """Return how often a pod's container was restarted."""
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


def operator_container(cloud: Cloud) -> str:
    """Return the container of the operator, once it runs."""
    labels = {"container.name": "operator", "pod.uid": operator_pod(cloud)["metadata"]["uid"]}
    filters = [f"--filter=label=io.kubernetes.{name}={value}" for name, value in labels.items()]

    def running() -> str:
        listed = subprocess.run(["docker", "ps", "--quiet", *filters], check=True, capture_output=True, text=True)
        return listed.stdout.strip()

    return eventually(running, what="the operator's container")


def operator_pid(cloud: Cloud) -> int:
    """Return the process of the operator's container, once it runs."""
    (node,) = [part for part in cloud.state.parts if part.name == "node"]

    def running() -> int:
        for process in psutil.Process(node.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it has ended since it was listed
                command = process.cmdline()
                if len(command) > 1 and command[1].endswith("/logscan-operator"):
                    return process.pid
        return 0

    return eventually(running, what="the operator's process")
