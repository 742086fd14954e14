"""The node as kubectl sees it: real pods on a real API server, by the runtime `LOGSCAN_TEST_RUNTIME`."""

import pytest
from node_pods import CONTAINERS, MOUNTS, RESTRICTED, RUNTIME, USERS, Pods, only_containers

from logscan_local.testkit.waiting import eventually

pytestmark = pytest.mark.controlplane


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
pathlib.Path("/srv/data/file").write_text("mine")
print(pathlib.Path("/srv/data/file").stat().st_gid, pathlib.Path("/etc/cfg/a.txt").read_text())
print(len(pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount/token").read_text()) > 100)
try: pathlib.Path("/root/x").write_text("")
except OSError as error: print(type(error).__name__)
"""
    mounted = [
        {"name": "data", "mountPath": "/srv/data"},
        {"name": "cfg", "mountPath": "/etc/cfg"},
    ]
    name = pods.create(
        f"user-{user}",
        code,
        {"securityContext": RESTRICTED, "volumeMounts": mounted},
        securityContext={"runAsNonRoot": True, "runAsUser": user, "runAsGroup": 3000, "fsGroup": 2000},
        volumes=[{"name": "data", "emptyDir": {}}, {"name": "cfg", "configMap": {"name": "cfg"}}],
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
