"""The node as kubectl sees it: real pods on a real API server, each a process of this machine."""

import json
from typing import Any

import pytest

from logscan_local.cluster import Kubectl, Object
from logscan_local.node import mounts
from logscan_local.testing import eventually

pytestmark = pytest.mark.controlplane

MOUNTS = pytest.mark.skipif(
    mounts.namespace_command() is None, reason="this machine gives a process no mount namespace of its own"
)


class Pods:
    """Creates pods of the image `python`."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl

    def create(self, name: str, code: str, container: Object | None = None, **spec: Any) -> str:
        """Create a pod whose container runs some Python."""
        run = {"name": "c", "image": "registry/python:3", "command": ["python", "-c", code], **(container or {})}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}
        self.apply({**pod, "spec": {"restartPolicy": "Never", "containers": [run], **spec}})
        return name

    def apply(self, document: Object) -> None:
        """Apply an object."""
        self.kubectl.run("apply", "--filename=-", stdin=json.dumps(document))

    def until(self, name: str, phase: str) -> Object:
        """Return a pod once it has a phase."""

        def reached() -> Object:
            pod = self.kubectl.get("pod", name)
            return pod if pod["status"].get("phase") == phase else {}

        return eventually(reached, 20, f"pod {name} to be {phase}")

    def state(self, name: str) -> Object:
        """Return the state of a pod's container."""
        statuses = self.kubectl.get("pod", name)["status"].get("containerStatuses", [{"state": {}}])
        state: Object = statuses[0]["state"]
        return state


@pytest.fixture(scope="module")
def pods(bare_kubectl: Kubectl) -> Pods:
    found = Pods(bare_kubectl)
    eventually(lambda: bare_kubectl.get("serviceaccounts")["items"], 20, "the default service account")
    found.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cfg"}, "data": {"a.txt": "from cfg"}})
    found.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sec"}, "stringData": {"k": "from sec"}})
    return found


def test_the_node_is_ready_and_heartbeats(pods: Pods) -> None:
    (node,) = eventually(lambda: pods.kubectl.get("nodes")["items"], 20, "the node to register")
    assert {c["type"]: c["status"] for c in node["status"]["conditions"]}["Ready"] == "True"
    lease = pods.kubectl.get("lease", node["metadata"]["name"], "--namespace=kube-node-lease")
    assert lease["spec"]["holderIdentity"] == node["metadata"]["name"]


def test_exit_code_times_last_words_and_logs(pods: Pods) -> None:
    code = "print('one'); print('two'); raise SystemExit(7)"
    name = pods.create("exits", code, {"terminationMessagePolicy": "FallbackToLogsOnError"})
    ended = pods.until(name, "Failed")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (7, "Error", "one\ntwo")
    assert ended["startedAt"] <= ended["finishedAt"]
    assert pods.kubectl.run("logs", name) == "one\ntwo\n"
    assert pods.kubectl.run("logs", "--tail=1", name) == "two\n"


def test_environment_and_fields(pods: Pods) -> None:
    env = [
        {"name": "A", "value": "plain"},
        {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "a.txt"}}},
        {"name": "D", "valueFrom": {"secretKeyRef": {"name": "sec", "key": "k"}}},
    ]
    name = pods.create("env", "import os; print([os.environ[n] for n in 'ABCD'])", {"env": env})
    pods.until(name, "Succeeded")
    assert pods.kubectl.run("logs", name).strip() == "['plain', 'env', 'from cfg', 'from sec']"


@MOUNTS
def test_volumes_are_where_the_pod_wants_them_and_the_rest_is_read_only(pods: Pods) -> None:
    code = """
import pathlib
print(pathlib.Path('/etc/app/a.txt').read_text())
pathlib.Path('/tmp/scratch').write_text('x')
pathlib.Path('/dev/termination-log').write_text('last words')
try: pathlib.Path('/etc/app-not-there').write_text('x')
except OSError as error: print(type(error).__name__)
"""
    container = {
        "securityContext": {"readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": "cfg", "mountPath": "/etc/app"}, {"name": "tmp", "mountPath": "/tmp"}],
    }
    volumes = [{"name": "cfg", "configMap": {"name": "cfg"}}, {"name": "tmp", "emptyDir": {}}]
    name = pods.create("volumes", code, container, volumes=volumes)
    pod = pods.until(name, "Succeeded")
    assert pods.kubectl.run("logs", name).splitlines() == ["from cfg", "OSError"]
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"] == "last words"


def test_in_cluster_credentials_are_the_service_accounts(pods: Pods) -> None:
    code = """
import asyncio
from logscan_operator.kube import ApiServer, Connection
async def main():
    async with ApiServer(Connection()) as api:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = await api.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
        print(answer["status"]["userInfo"]["username"])
asyncio.run(main())
"""
    name = pods.create("whoami", code)
    pods.until(name, "Succeeded")
    assert pods.kubectl.run("logs", name).strip() == f"system:serviceaccount:{pods.kubectl.namespace}:default"


def test_too_much_memory_is_oom_killed(pods: Pods) -> None:
    code = "x = bytearray(200 << 20); import time; time.sleep(60)"
    name = pods.create("hungry", code, {"resources": {"limits": {"memory": "64Mi"}}})
    ended = pods.until(name, "Failed")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")


def test_an_unknown_image_is_not_pulled(pods: Pods) -> None:
    name = pods.create("nobody", "", {"image": "nobody/knows:1"})
    waiting = eventually(lambda: pods.state(name).get("waiting", {}).get("message"), 20, "the reason")
    assert pods.state(name)["waiting"]["reason"] in ("ErrImagePull", "ImagePullBackOff")
    assert "nobody/knows:1" in waiting


def test_a_missing_secret_holds_a_container(pods: Pods) -> None:
    env = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "later", "key": "k"}}}]
    name = pods.create("waits", "import os; print(os.environ['X'])", {"env": env})
    eventually(lambda: pods.state(name).get("waiting", {}).get("reason") == "CreateContainerConfigError", 20)
    pods.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "later"}, "stringData": {"k": "now"}})
    pods.until(name, "Succeeded")
    assert pods.kubectl.run("logs", name).strip() == "now"


def test_a_failed_container_is_restarted_and_its_first_log_kept(pods: Pods) -> None:
    name = pods.create("again", "import os; print(os.getpid()); raise SystemExit(1)", restartPolicy="OnFailure")

    def restarted() -> bool:
        statuses = pods.kubectl.get("pod", name)["status"].get("containerStatuses", [{}])
        return statuses[0].get("restartCount", 0) >= 2 and statuses[0]["state"].get("waiting") is not None

    eventually(restarted, 30, "a second restart")
    assert pods.state(name)["waiting"]["reason"] == "CrashLoopBackOff"
    assert pods.kubectl.run("logs", "--previous", name).strip().isdigit()


def test_a_container_that_is_not_alive_is_restarted_and_readiness_shows(pods: Pods) -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
    ready = {"exec": {"command": ["true"]}, "periodSeconds": 1}
    code = "import time; time.sleep(60)"
    name = pods.create(
        "dead",
        code,
        {"livenessProbe": probe | {"initialDelaySeconds": 3}, "readinessProbe": ready},
        restartPolicy="Always",
        terminationGracePeriodSeconds=1,
    )

    def status() -> Object:
        statuses = pods.kubectl.get("pod", name)["status"].get("containerStatuses", [{}])
        found: Object = statuses[0]
        return found

    eventually(lambda: status().get("ready"), 20, "readiness")
    eventually(lambda: status().get("restartCount", 0) >= 1, 30, "a restart")
    pods.kubectl.run("delete", "pod", name)


def test_a_pod_past_its_deadline_fails(pods: Pods) -> None:
    name = pods.create("late", "import time; time.sleep(60)", activeDeadlineSeconds=1, terminationGracePeriodSeconds=1)
    assert pods.until(name, "Failed")["status"]["reason"] == "DeadlineExceeded"


def test_a_deleted_pod_gets_its_grace(pods: Pods) -> None:
    code = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print('goodbye', flush=True), sys.exit(0)))
print('ready', flush=True)
time.sleep(60)
"""
    name = pods.create("polite", code)
    eventually(lambda: pods.kubectl.run("logs", name) == "ready\n" if pods.state(name).get("running") else "", 20)
    pods.kubectl.run("delete", "pod", name, "--timeout=20s")
    assert not pods.kubectl.run("get", "pod", name, "--ignore-not-found")


def test_a_pod_for_another_node_stays_unscheduled(pods: Pods) -> None:
    name = pods.create("elsewhere", "", nodeSelector={"disk": "ssd"})

    def unschedulable() -> bool:
        conditions = pods.kubectl.get("pod", name)["status"].get("conditions", [])
        return any(c["type"] == "PodScheduled" and c.get("reason") == "Unschedulable" for c in conditions)

    eventually(unschedulable, 20, "the scheduler's word")


def test_init_containers_run_first(pods: Pods) -> None:
    first = {"name": "first", "image": "python", "command": ["python", "-c", "print('first')"]}
    name = pods.create("ordered", "print('second')", initContainers=[first])
    pods.until(name, "Succeeded")
    assert pods.kubectl.run("logs", name, "--container=first") == "first\n"
