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


def test_exit_code_times_and_logs(pods: Pods) -> None:
    name = pods.create("exits", "print('one'); print('two'); raise SystemExit(7)")
    ended = pods.until(name, "Failed")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (7, "Error")
    assert ended["startedAt"] <= ended["finishedAt"]
    assert pods.kubectl.run("logs", name) == "one\ntwo\n"
    assert pods.kubectl.run("logs", "--tail=1", name) == "two\n"


def test_environment_and_fields(pods: Pods) -> None:
    container = {
        "env": [
            {"name": "A", "value": "plain"},
            {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "envFrom": [{"configMapRef": {"name": "cfg"}}, {"secretRef": {"name": "sec"}}],
    }
    name = pods.create("env", "import os; print([os.environ[n] for n in 'ABCD'])", container)
    pods.until(name, "Succeeded")
    assert pods.kubectl.run("logs", name).strip() == "['plain', 'env', 'from cfg', 'from sec']"


@MOUNTS
def test_volumes_are_where_the_pod_wants_them_and_the_rest_is_read_only(pods: Pods) -> None:
    code = """
import pathlib
print(pathlib.Path('/var/run/secrets/kubernetes.io/serviceaccount/namespace').read_text())
pathlib.Path('/tmp/scratch').write_text('x')
pathlib.Path('/dev/termination-log').write_text('last words')
try: pathlib.Path('/etc/app-not-there').write_text('x')
except OSError as error: print(type(error).__name__)
"""
    container = {
        "securityContext": {"readOnlyRootFilesystem": True},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    name = pods.create("volumes", code, container, volumes=[{"name": "tmp", "emptyDir": {}}])
    pod = pods.until(name, "Succeeded")
    assert pods.kubectl.run("logs", name).splitlines() == [pods.kubectl.namespace, "OSError"]
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
print(pathlib.Path("/srv/data/file").stat().st_gid)
print(len(pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount/token").read_text()) > 100)
try: pathlib.Path("/root/x").write_text("")
except OSError as error: print(type(error).__name__)
"""
    name = pods.create(
        f"user-{user}",
        code,
        {"securityContext": RESTRICTED, "volumeMounts": [{"name": "data", "mountPath": "/srv/data"}]},
        securityContext={"runAsNonRoot": True, "runAsUser": user, "runAsGroup": 3000, "fsGroup": 2000},
        volumes=[{"name": "data", "emptyDir": {}}],
    )
    pods.until(name, "Succeeded")
    lines = pods.kubectl.run("logs", name).splitlines()
    assert lines[:5] == [
        f"{user} 3000 [2000, 3000]" if CONTAINERS else f"{user} 3000 [2000]",
        "0 0 1",
        f"None / {name}",
        "2000",
        "True",
    ]
    assert lines[5] in ("PermissionError", "OSError")


def test_what_must_not_run_as_root_does_not(pods: Pods) -> None:
    name = pods.create("root", "", securityContext={"runAsNonRoot": True})
    message = eventually(lambda: pods.state(name).get("waiting", {}).get("message"), 20, "the reason")
    assert message == "container has runAsNonRoot and image will run as root"


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
