"""How kind's scripts wait for a Deployment, and explain one that does not come up."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from kindfolder import bash

from logscan_local.stack.kubectl import Kubectl, Object
from logscan_local.testkit.waiting import eventually


class Deployments:
    """Deployments on the embedded control plane and node, waited for by `rolled_out`."""

    def __init__(self, kubectl: Kubectl, cache: Path) -> None:
        self.kubectl = kubectl
        self._environment = {"LOGSCAN_CACHE": str(cache), "KUBECTL": str(kubectl.program)}
        state = cache / "kind" / "logscan"
        state.mkdir(parents=True)
        (state / "kubeconfig").symlink_to(kubectl.kubeconfig)

    def apply(self, name: str, code: str, container: Object | None = None, **spec: Any) -> None:
        """Apply a Deployment whose container runs some Python."""
        run = {"name": "c", "image": "registry/python:3", "command": ["python", "-c", code], **(container or {})}
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [run], **spec}}
        document = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
        wanted = {"selector": {"matchLabels": labels}, "template": template}
        self.kubectl.run("apply", "--filename=-", stdin=json.dumps({**document, "spec": wanted}))

    def rolled_out(self, name: str, seconds: int) -> subprocess.CompletedProcess[str]:
        """Wait as the scripts do; the Deployment is removed."""
        try:
            return bash(f"rolled_out {self.kubectl.namespace} {name} {seconds}; echo went on", **self._environment)
        finally:
            self.kubectl.run("delete", "deployment", name)

    def restarts(self, name: str) -> int:
        """Return how often the container was restarted."""
        pods = self.kubectl.get("pods", f"--selector=app={name}")["items"]
        return sum(s["restartCount"] for pod in pods for s in pod["status"].get("containerStatuses", []))


@pytest.fixture(scope="module")
def deployments(bare_kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Deployments:
    eventually(lambda: bare_kubectl.get("serviceaccounts")["items"], 20, "the default service account")
    return Deployments(bare_kubectl, tmp_path_factory.mktemp("cache"))


@pytest.mark.controlplane
def test_a_deployment_that_is_ready_is_waited_for(deployments: Deployments) -> None:
    deployments.apply("fine", "import time; time.sleep(600)")
    done = deployments.rolled_out("fine", 60)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr


@pytest.mark.controlplane
def test_a_crash_loop_shows_the_words_that_it_ended_with(deployments: Deployments) -> None:
    deployments.apply("crashing", "print('the cause: no such queue', flush=True); raise SystemExit(3)")
    eventually(lambda: deployments.restarts("crashing"), 60, "a restart")
    done = deployments.rolled_out("crashing", 2)
    assert (done.returncode, done.stdout) == (1, "")
    assert "exit code 3" in done.stderr
    assert "the cause: no such queue" in done.stderr
    assert "--previous" in done.stderr


@pytest.mark.controlplane
@pytest.mark.parametrize("policy", ["Never", "IfNotPresent"])
def test_an_image_that_is_not_there_is_named(deployments: Deployments, policy: str) -> None:
    name = f"imageless-{policy.lower()}"
    deployments.apply(name, "", {"image": "registry/nosuch:1", "imagePullPolicy": policy})
    done = deployments.rolled_out(name, 5)
    assert done.returncode == 1
    assert "registry/nosuch:1" in done.stderr
    assert "Image" in done.stderr


@pytest.mark.controlplane
def test_a_pod_that_no_node_takes_or_that_is_refused_is_explained(deployments: Deployments) -> None:
    deployments.apply("nowhere", "", nodeSelector={"no": "such-node"})
    waiting = deployments.rolled_out("nowhere", 3)
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    deployments.kubectl.run("apply", "--filename=-", stdin=json.dumps(quota))
    try:
        eventually(
            lambda: deployments.kubectl.get("resourcequota", "none").get("status", {}).get("hard"), 30, "the quota"
        )
        deployments.apply("refused", "")
        refused = deployments.rolled_out("refused", 5)
    finally:
        deployments.kubectl.run("delete", "resourcequota", "none")
    assert (waiting.returncode, refused.returncode) == (1, 1)
    assert "exceeded quota: none" in refused.stderr
    assert "nowhere-" in waiting.stderr


@pytest.mark.controlplane
def test_the_api_server_is_waited_for(deployments: Deployments, tmp_path: Path) -> None:
    there = bash("helper answers 30", **deployments._environment)
    assert there.returncode == 0, there.stderr
    state = tmp_path / "kind" / "logscan"
    state.mkdir(parents=True)
    config = json.loads(deployments.kubectl.run("config", "view", "--raw", "--output=json"))
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"  # discard: nobody listens
    (state / "kubeconfig").write_text(json.dumps(config))
    away = bash("helper answers 1", **{**deployments._environment, "LOGSCAN_CACHE": str(tmp_path)})
    assert away.returncode == 1
    assert "the API server was not ready after 1 s" in away.stderr
    assert "refused" in away.stderr
