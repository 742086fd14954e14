"""The operator in a real container: does it start, lead, judge policies and get a scan done, and what does that cost?

Runs on the embedded stack with pods in containers: a real API server, the chart's manifests, AWS emulated.
"""

import json
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

import psutil

from logscan_local.stack import aws, cgroups
from logscan_local.stack.errors import StackError
from logscan_local.stack.install import operator_ready, operators_words
from logscan_local.stack.kubectl import Kubectl, Object
from logscan_local.stack.node.docker_runtime import OWNER_LABEL
from logscan_local.stack.stacks import Stack
from logscan_local.stack.state import State

DEPLOYMENT = "logscan-operator"
BODY = b"INFO fine\nERROR bad\nERROR worse\n"
START_SECONDS = 90
SCAN_SECONDS = 120
FINISHED = ("Succeeded", "Failed", "Cancelled")
POLICIES = {"good": ("ERROR", "True"), "bad": ("(unclosed", "False InvalidRule")}


@dataclass(frozen=True)
class Cost:
    """What a start took since the container's start.

    Attributes:
        listening: Seconds, and seconds of CPU, until the health server listened.
        ready: The same until the operator was ready.
        peak_mib: The most memory until then, in MiB.
    """

    listening: tuple[float, float]
    ready: tuple[float, float]
    peak_mib: float

    def __str__(self) -> str:
        (listens, listens_cpu), (is_ready, ready_cpu) = self.listening, self.ready
        return (
            f"health server listening after {listens:.1f} s ({listens_cpu:.1f} s of CPU), "
            f"ready after {is_ready:.1f} s ({ready_cpu:.1f} s of CPU), memory at most {self.peak_mib:.0f} MiB"
        )


class StartCheck:
    """Checks on a stack that is up, with pods in containers and the operator installed."""

    def __init__(self, stack: Stack, state: State) -> None:
        """Prepare.

        Args:
            stack: The stack.
            state: Its state.
        """
        self._stack = stack
        self._state = state
        self._kubectl: Kubectl = stack.kubectl()
        deployment = self._kubectl.get("deployment", DEPLOYMENT)
        self._port = deployment["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"]

    def run(self, name: str, user: int | None) -> Cost:
        """See that the operator does its jobs as a user, and return what its start took.

        Args:
            name: A name for this check, for its objects.
            user: A numeric user; None for the one that the manifests name.

        Raises:
            StackError: It does not; the message says what was waited for and what the operator said last.
        """
        try:
            if user is not None:
                self._run_as(user)
            cost = self._start()
            self._kubectl.wait("that the operator leads", START_SECONDS, self._leads)
            self._policies(name)
            self._scan(name)
        except StackError as error:
            raise StackError(f"{error}; {operators_words(self._kubectl, self._stack.paths)}") from error
        return cost

    def _run_as(self, user: int) -> None:
        """Give the operator a user in the root group, as OpenShift does."""
        security = {"runAsUser": user, "runAsGroup": 0, "fsGroup": 0}
        patch = {"spec": {"template": {"spec": {"securityContext": security}}}}
        self._kubectl.run("patch", "deployment", DEPLOYMENT, "--type=merge", f"--patch={json.dumps(patch)}")
        self._kubectl.wait("that the operator is ready", START_SECONDS, lambda: operator_ready(self._kubectl))

    def _start(self) -> Cost:
        """Measure a start, after the operator before has gone: both would want the same port of the machine."""
        self._kubectl.run("scale", "deployment", DEPLOYMENT, "--replicas=0")
        self._kubectl.wait("that the operator is gone", START_SECONDS, lambda: not self._container())
        self._kubectl.run("scale", "deployment", DEPLOYMENT, "--replicas=1")
        container = self._kubectl.wait("a new container", START_SECONDS, self._container)
        pid = int(docker("inspect", "--format={{.State.Pid}}", container))
        began = psutil.Process(pid).create_time()

        def until(path: str) -> tuple[float, float]:
            self._kubectl.wait(f"an answer to {path}", START_SECONDS, lambda: self._get(path))
            return time.time() - began, cgroups.cpu_seconds(pid)

        return Cost(until("/healthz"), until("/readyz"), cgroups.peak_bytes(pid) / 2**20)

    def _leads(self) -> bool:
        return "\nlogscan_leader 1.0\n" in self._get("/metrics")

    def _policies(self, check: str) -> None:
        for kind, (pattern, expected) in POLICIES.items():
            name = f"{kind}-{check}"
            rules = {"inline": [{"name": "error", "pattern": pattern}]}
            self._apply("LogScanPolicy", name, {"match": {"keys": [f"{name}/**"]}, "rules": rules})
            self._kubectl.wait(
                f"that policy {name} is Ready={expected}",
                START_SECONDS,
                lambda name=name, expected=expected: self._verdict(name).startswith(expected),
            )

    def _verdict(self, policy: str) -> str:
        conditions = self._kubectl.get("logscanpolicy", policy).get("status", {}).get("conditions", [])
        return next((f"{c['status']} {c['reason']}" for c in conditions if c["type"] == "Ready"), "")

    def _scan(self, name: str) -> None:
        key = f"check/{name}.log"
        aws.client("s3", self._state.resources.endpoint).put_object(Bucket=aws.BUCKET, Key=key, Body=BODY)
        source = {"s3": {"bucket": aws.BUCKET, "key": key}}
        self._apply("LogScan", name, {"source": source, "rules": {"inline": [{"name": "error", "pattern": "ERROR"}]}})
        status = self._kubectl.wait("that the scan ends", SCAN_SECONDS, lambda: self._final_status(name))
        matched = status.get("summary", {}).get("matchedLines")
        if (status["phase"], matched) != ("Succeeded", BODY.count(b"ERROR")):
            raise StackError(f"the scan ended as {json.dumps(status)}")

    def _final_status(self, name: str) -> Object:
        status: Object = self._kubectl.get("logscan", name).get("status", {})
        return status if status.get("phase") in FINISHED else {}

    def _apply(self, kind: str, name: str, spec: Object) -> None:
        document = {"apiVersion": "logscan.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self._kubectl.apply([document])

    def _container(self) -> str:
        """Return the id of the operator's container, empty while there is none."""
        labels = {"io.kubernetes.container.name": "operator", OWNER_LABEL: str(self._stack.paths.pods)}
        return docker("ps", "--quiet", "--no-trunc", *(f"--filter=label={k}={v}" for k, v in labels.items()))

    def _get(self, path: str) -> str:
        """Return what the operator answers, empty while it does not or says no."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=2) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            return ""


def docker(*arguments: str) -> str:
    """Run docker and return what it prints.

    Raises:
        StackError: It failed.
    """
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()
