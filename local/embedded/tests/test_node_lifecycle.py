"""How pods on the embedded node start, are probed, restarted and ended."""

import pytest
from node_pods import IMAGE, MOUNTS, Pods, only_containers

from logscan_local.stack.kubectl import Object
from logscan_local.testkit.waiting import eventually

pytestmark = pytest.mark.controlplane


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
