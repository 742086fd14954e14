"""The node as kubectl sees it: real pods on a real API server, by the runtime `LOGSCAN_TEST_RUNTIME`."""

import json
import os
from typing import Any

import pytest

from logscan_local.cluster import Kubectl, Object
from logscan_local.imagebuild import LOCAL_BASE
from logscan_local.node import mounts
from logscan_local.nodes import DOCKER
from logscan_local.testing import eventually, wanted_runtime

pytestmark = pytest.mark.controlplane

RUNTIME = wanted_runtime()
CONTAINERS = RUNTIME.kind == DOCKER
MOUNTS = pytest.mark.skipif(
    not CONTAINERS and mounts.namespace_command() is None,
    reason="this machine gives a process no mount namespace of its own",
)
USERS = pytest.mark.skipif(
    not CONTAINERS and not (mounts.is_root() and mounts.namespace_command()),
    reason="only root may run processes as other users",
)
only_containers = pytest.mark.skipif(not CONTAINERS, reason="shows what an engine does for a container")
# An image with Python and nothing of ours.
IMAGE = os.environ.get("LOGSCAN_TEST_BASE", LOCAL_BASE) if CONTAINERS else "registry/python:3"
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


class Pods:
    """Creates pods of an image with Python."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl = kubectl

    def create(self, name: str, code: str, container: Object | None = None, **spec: Any) -> str:
        """Create a pod whose container runs some Python."""
        run = {"name": "c", "image": IMAGE, "command": ["python3", "-c", code], **(container or {})}
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
    name = pods.create("whoami", code, {"image": RUNTIME.images.get("logscan-operator", "logscan-operator:local")})
    pods.until(name, "Succeeded")
    assert pods.kubectl.run("logs", name).strip() == f"system:serviceaccount:{pods.kubectl.namespace}:default"


def test_too_much_memory_is_oom_killed(pods: Pods) -> None:
    code = "x = bytearray(200 << 20); import time; time.sleep(60)"
    name = pods.create("hungry", code, {"resources": {"limits": {"memory": "64Mi"}}})
    ended = pods.until(name, "Failed")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")


@USERS
@pytest.mark.parametrize("user", [65532, 1000860000])
def test_a_pod_runs_as_the_user_that_it_names(pods: Pods, user: int) -> None:
    code = """
import os, pathlib
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(os.getuid(), os.getgid(), sorted(os.getgroups()))
print(int(status["CapEff"], 16), int(status["CapBnd"], 16), int(status["NoNewPrivs"]))
print(os.environ.get("USER"), os.environ["HOME"], os.environ["HOSTNAME"])
pathlib.Path("/work/file").write_text("mine")
print(pathlib.Path("/work/file").stat().st_gid, pathlib.Path("/etc/cfg/a.txt").read_text())
print(len(pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount/token").read_text()) > 100)
try: pathlib.Path("/root/x").write_text("")
except OSError as error: print(type(error).__name__)
"""
    mounted = [
        {"name": "work", "mountPath": "/work" if CONTAINERS else "/srv/work"},
        {"name": "cfg", "mountPath": "/etc/cfg"},
    ]
    name = pods.create(
        f"user-{user}",
        code.replace("/work/", f"{mounted[0]['mountPath']}/"),
        {"securityContext": RESTRICTED, "volumeMounts": mounted},
        securityContext={"runAsNonRoot": True, "runAsUser": user, "runAsGroup": 3000, "fsGroup": 2000},
        volumes=[{"name": "work", "emptyDir": {}}, {"name": "cfg", "configMap": {"name": "cfg"}}],
    )
    pods.until(name, "Succeeded")
    told = pods.kubectl.run("logs", name).splitlines()
    assert told[:5] == [
        f"{user} 3000 [2000, 3000]" if CONTAINERS else f"{user} 3000 [2000]",
        "0 0 1",
        f"None / {name}",
        "2000 from cfg",
        "True",
    ]
    assert told[5] in ("PermissionError", "OSError")


def test_what_must_not_run_as_root_does_not(pods: Pods) -> None:
    name = pods.create("root", "", securityContext={"runAsNonRoot": True})
    message = eventually(lambda: pods.state(name).get("waiting", {}).get("message"), 20, "the reason")
    assert message == "container has runAsNonRoot and image will run as root"


def test_services_are_in_the_environment_where_the_pod_wants_links(pods: Pods) -> None:
    spec = {"selector": {"app": "none"}, "ports": [{"name": "web", "port": 8080}]}
    pods.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "some-app"}, "spec": spec})
    code = "import os; print([os.environ.get(n) for n in ('SOME_APP_SERVICE_PORT_WEB', 'SET', 'KUBERNETES_PORT')])"
    env = [{"name": "SET", "value": "$(SOME_APP_SERVICE_PORT)$$"}]
    for name, links in (("linked", True), ("unlinked", False)):
        pods.create(name, code, {"env": env}, enableServiceLinks=links)
    told = {}
    for name in ("linked", "unlinked"):
        pods.until(name, "Succeeded")
        told[name] = pods.kubectl.run("logs", name)
    assert told["linked"].startswith("['8080', '8080$', 'tcp://127.0.0.1:")
    assert told["unlinked"].startswith("[None, '$(SOME_APP_SERVICE_PORT)$', 'tcp://127.0.0.1:")


def test_a_container_is_started_once_its_startup_probe_succeeds(pods: Pods) -> None:
    code = "import pathlib, time; time.sleep(2); pathlib.Path('/tmp/up').touch(); time.sleep(60)"
    test = ["python3", "-c", "import os, sys; sys.exit(not os.path.exists('/tmp/up'))"]
    probes = {
        "startupProbe": {"exec": {"command": test}, "periodSeconds": 1, "failureThreshold": 30, "timeoutSeconds": 5},
        "readinessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1},
    }
    name = pods.create("slow", code, probes, terminationGracePeriodSeconds=1)

    def status() -> Object:
        found: Object = pods.kubectl.get("pod", name)["status"].get("containerStatuses", [{}])[0]
        return found

    first = eventually(lambda: status() if "running" in status().get("state", {}) else {}, 20, "its start")
    assert (first["started"], first["ready"]) in ((False, False), (True, False), (True, True))
    eventually(lambda: status().get("ready"), 30, "readiness")
    assert status()["started"]
    assert status()["restartCount"] == 0
    pods.kubectl.run("delete", "pod", name)


@only_containers
def test_a_container_is_alone_with_its_processes_and_limits(pods: Pods) -> None:
    code = """
import os, pathlib
print(os.getpid(), [p.name for p in pathlib.Path("/proc").glob("[0-9]*")], os.path.exists("/opt/logscan"))
for path in ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"):
    if os.path.exists(path): print(pathlib.Path(path).read_text().strip())
"""
    name = pods.create("alone", code, {"resources": {"limits": {"memory": "64Mi", "cpu": "500m"}}})
    pods.until(name, "Succeeded")
    assert pods.kubectl.run("logs", name).splitlines() == ["1 ['1'] False", str(64 << 20)]


@only_containers
def test_the_first_process_gets_sigterm_then_sigkill(pods: Pods) -> None:
    """Process 1 ignores a signal that it has no handler for; the grace period ends that."""
    name = pods.create(
        "deaf", "import time; print('ready', flush=True); time.sleep(60)", terminationGracePeriodSeconds=1
    )
    eventually(lambda: pods.kubectl.run("logs", name) == "ready\n" if pods.state(name).get("running") else "", 20)
    pods.kubectl.run("delete", "pod", name, "--wait=false", "--grace-period=1")
    eventually(lambda: not pods.kubectl.run("get", "pod", name, "--ignore-not-found"), 20, "its end")


@only_containers
def test_a_program_that_is_not_in_the_image(pods: Pods) -> None:
    name = pods.create("nothing", "", {"command": ["/no/such/program"]})
    ended = pods.until(name, "Failed")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "/no/such/program" in ended["message"]


def test_an_image_that_is_never_pulled(pods: Pods) -> None:
    name = pods.create("never", "", {"image": "nobody/knows:1", "imagePullPolicy": "Never"})
    eventually(lambda: pods.state(name).get("waiting", {}).get("reason") == "ErrImageNeverPull", 20, "the reason")


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


@MOUNTS
def test_a_pod_that_fills_its_volume_is_evicted(pods: Pods) -> None:
    code = "import pathlib, time; pathlib.Path('/tmp/large').write_bytes(bytes(3 << 20)); time.sleep(60)"
    volume = {"name": "tmp", "emptyDir": {"sizeLimit": "1Mi"}}
    mounted = {"volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}
    name = pods.create("full", code, mounted, volumes=[volume], terminationGracePeriodSeconds=1)
    eventually(lambda: pods.kubectl.get("pod", name)["status"].get("phase") == "Failed", 60, "its eviction")
    status = pods.kubectl.get("pod", name)["status"]
    assert (status["reason"], status["message"]) == (
        "Evicted",
        'Usage of EmptyDir volume "tmp" exceeds the limit "1Mi". ',
    )


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
    first = {"name": "first", "image": IMAGE, "command": ["python3", "-c", "print('first')"]}
    name = pods.create("ordered", "print('second')", initContainers=[first])
    pods.until(name, "Succeeded")
    assert pods.kubectl.run("logs", name, "--container=first") == "first\n"
