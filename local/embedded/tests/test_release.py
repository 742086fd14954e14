"""The chart as Helm lives with it on a real cluster: install, check, upgrade with objects stored, uninstall."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from logscan_local.stack.install import secrets
from logscan_local.stack.kubectl import Kubectl, KubectlError
from logscan_local.stack.ports import free_ports
from logscan_local.stack.stacks import Stack
from logscan_local.stack.state import State
from logscan_local.testkit.waiting import eventually
from logscan_tools import binaries
from logscan_tools.manifests import CHART

pytestmark = pytest.mark.stack

INSTALLATIONS = int(os.environ.get("LOGSCAN_TEST_INSTALLATIONS", "5"))
CRDS = ("logscans.logscan.dev", "logscanpolicies.logscan.dev", "logscanrulesets.logscan.dev")


class Release:
    """The chart installed by Helm, in a namespace of its own."""

    def __init__(self, stack: Stack, state: State, values: Path) -> None:
        kubectl = stack.kubectl()
        self.kubectl = Kubectl(kubectl.program, kubectl.kubeconfig, "helmed")
        self._values = values
        self.home = values.parent / "home"
        self.resources = resources = state.resources
        self.values: dict[str, Any] = {
            "aws": {
                "region": "eu-central-1",
                "queueUrl": resources.queue_url,
                "table": resources.table,
                "endpointUrl": resources.endpoint,
            },
            "envSecret": "logscan-operator-aws",
            "scanner": {"envSecret": "logscan-scanner-aws"},
            "settings": {"receiveWaitSeconds": 1, "leaseSeconds": 3},
            "httpPort": free_ports(1)[0],
        }

    def helm(self, *arguments: str) -> str:
        self._values.write_text(json.dumps(self.values))
        command = [str(binaries.helm(lambda _: None)), *arguments, "--namespace=helmed"]
        command += [f"--kubeconfig={self.kubectl.kubeconfig}"]
        # Helm and kubectl keep what they have discovered of a cluster below HOME.
        environment = {**os.environ, "HOME": str(self.home), "HELM_CACHE_HOME": str(self.home / "helm")}
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def apply(self, *flags: str) -> str:
        """Install or upgrade."""
        way = ["upgrade", "--install", "logscan", str(CHART), f"--values={self._values}", "--wait", "--timeout=90s"]
        return self.helm(*way, *flags)

    def packs(self, *wanted: str) -> None:
        """Wait until the policy `default` has these packs."""

        def has_them() -> bool:
            found = json.loads(
                self.kubectl.run("get", "logscanpolicy", "default", "--ignore-not-found", "-ojson") or "{}"
            )
            return bool(found) and found["spec"]["rules"]["packs"] == list(wanted)

        eventually(has_them, 60, f"the policy default with {wanted}")


def scan(kubectl: Kubectl, name: str, bucket: str = "logs") -> None:
    """Apply a LogScan of an object that is not there."""
    source = {"s3": {"bucket": bucket, "key": "no.log"}}
    body = {"source": source, "rules": {"packs": ["generic"]}}
    document = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", "metadata": {"name": name}, "spec": body}
    kubectl.run("apply", "--filename=-", stdin=json.dumps(document))


@pytest.fixture
def release(tmp_path: Path) -> Iterator[Release]:
    stack = Stack(f"test-helm-{tmp_path.name}", lambda _: None)
    try:
        made = Release(stack, stack.up(with_operator=False), tmp_path / "values.yaml")
        state = stack.state()
        assert state is not None
        namespace = {"name": "helmed", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
        made.kubectl.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": namespace}])
        made.kubectl.apply(secrets(state.resources, "helmed"))
        yield made
    finally:
        stack.down()


def test_install_check_upgrade_and_uninstall(release: Release) -> None:
    kubectl = release.kubectl
    assert "helm test logscan" in release.apply()
    release.packs("levels")

    told = release.helm("test", "logscan", "--logs")
    assert "ok      read the table logscan-results" in told
    assert "ok      use the queue" in told
    assert "FAILED" not in told

    scan(kubectl, "stored")
    eventually(lambda: kubectl.get("logscan", "stored").get("status", {}).get("phase") == "Failed", 60, "the scan")

    key = kubectl.get("secret", "logscan-signing-keys")["data"]
    release.values["defaultPolicy"] = {"packs": ["generic", "kubernetes"]}
    release.values["allowedBuckets"] = {"helmed": ["logs", "team-*"]}
    release.apply()
    release.packs("generic", "kubernetes")
    assert kubectl.get("secret", "logscan-signing-keys")["data"] == key
    assert kubectl.get("logscan", "stored")["status"]["reason"] == "ObjectNotFound"
    release.values["defaultPolicy"] = {"packs": ["etcd"]}
    release.apply()
    release.packs("etcd")
    # Whoever deletes it gets it again; what somebody adds to it stays.
    kubectl.run("patch", "logscanpolicy", "default", "--type=merge", '--patch={"spec":{"attempts":2}}')
    release.apply("--set=podAnnotations.new=pod")
    release.packs("etcd")
    assert kubectl.get("logscanpolicy", "default")["spec"]["attempts"] == 2
    kubectl.run("delete", "logscanpolicy", "default")
    release.packs("etcd")

    def refused() -> str:
        try:
            scan(kubectl, "elsewhere", "secrets")
        except KubectlError as error:
            return str(error)
        kubectl.run("delete", "logscan", "elsewhere")
        return ""

    said = eventually(refused, 20, "a bucket of others to be refused")
    assert "spec.source.s3.bucket: namespace helmed may not scan secrets" in said
    scan(kubectl, "mine", "team-a-logs")

    # LogScans of further namespaces are run under a Role of less.
    team = Kubectl(kubectl.program, kubectl.kubeconfig, "team-a")
    team.run("create", "namespace", "team-a")
    team.apply(secrets(release.resources, "team-a"))
    release.values["watchNamespaces"] = ["team-a"]
    release.values["allowedBuckets"] = {"team-a": ["logs"]}
    release.apply()
    scan(team, "theirs")
    eventually(
        lambda: team.get("logscan", "theirs").get("status", {}).get("reason") == "ObjectNotFound", 60, "team-a's scan"
    )

    # Scans that are under way hold nothing up, and what is stored stays.
    release.helm("uninstall", "logscan", "--wait", "--timeout=60s")
    assert {s["metadata"]["name"] for s in kubectl.get("logscans")["items"]} == {"stored", "mine"}
    left = kubectl.get("deployments,serviceaccounts,roles,rolebindings,configmaps,networkpolicies")["items"]
    assert {o["metadata"]["name"] for o in left} == {"default", "kube-root-ca.crt"}

    # Again, with what was left; then everything goes.
    release.apply()
    assert kubectl.get("secret", "logscan-signing-keys")["data"] == key
    release.values["crds"] = {"keep": False}
    release.apply()
    release.helm("uninstall", "logscan", "--wait", "--timeout=60s")
    eventually(lambda: not kubectl.get("crds")["items"], 60, "the CRDs to go with all that is stored")


def test_the_first_installation_works_every_time(release: Release) -> None:
    """A cluster that has never heard of the CRDs, and a Helm that has discovered nothing of it."""
    kubectl = release.kubectl
    for _ in range(INSTALLATIONS):
        shutil.rmtree(release.home, ignore_errors=True)
        release.helm("install", "logscan", str(CHART), f"--values={release._values}", "--set=replicaCount=0")
        release.helm("uninstall", "logscan", "--wait", "--timeout=60s")
        # The API server gives up on a deletion that meets a storage which nobody has read so far: it starts with the
        # first read, the deletion's own list is refused meanwhile, and the retry may be lost for minutes.
        for crd in CRDS:
            kubectl.get(crd)
        kubectl.run("delete", "crd", *CRDS, "--timeout=60s")
    release.apply()
    release.packs("levels")


def test_the_check_says_what_is_wrong(release: Release) -> None:
    release.apply()
    release.values["aws"]["table"] = "no-such-table"
    release.values["aws"]["queueUrl"] += "-not"
    release.apply("--set=replicaCount=0")
    kubectl = release.kubectl
    with pytest.raises(AssertionError):
        release.helm("test", "logscan")
    said = kubectl.run("logs", "logscan-check")
    assert "FAILED  read the table no-such-table" in said
    assert "FAILED  use the queue" in said
    assert "ok      list /apis/logscan.dev/v1alpha1/namespaces/helmed/logscans" in said
