"""How pods on the embedded node start, are probed, restarted and ended."""

import pytest
from node_pods import IMAGE, MOUNTS, Pods, only_containers

from logscan_local.stack.kubectl import Object
from logscan_local.stack.ports import free_ports
from logscan_local.testkit.waiting import eventually

pytestmark = pytest.mark.controlplane


SERVER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""


def status_of(pods: Pods, name: str) -> Object:
    """Return the status of a pod's container, empty while there is none."""
    statuses = pods.kubectl.get("pod", name)["status"].get("containerStatuses", [{}])
    found: Object = statuses[0]
    return found


def test_a_container_is_started_once_its_startup_probe_succeeds(pods: Pods) -> None:
    (port,) = free_ports(1)
    get = {"httpGet": {"path": "/", "port": port}, "periodSeconds": 1, "timeoutSeconds": 5}
    probes = {"startupProbe": {**get, "failureThreshold": 60}, "readinessProbe": get}
    code = "import time; time.sleep(2)" + SERVER.format(port=port)
    name = pods.create("slow", code, probes, terminationGracePeriodSeconds=1)

    first = eventually(lambda: status_of(pods, name) if pods.state(name).get("running") else {}, 20, "its start")
    assert (first["started"], first["ready"]) in ((False, False), (True, False), (True, True))
    eventually(lambda: status_of(pods, name).get("ready"), 30, "readiness")
    assert status_of(pods, name)["started"]
    assert status_of(pods, name)["restartCount"] == 0
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
    name = pods.create("waits", "import os; print(os.environ['X'])", {"envFrom": [{"secretRef": {"name": "later"}}]})
    eventually(lambda: pods.state(name).get("waiting", {}).get("reason") == "CreateContainerConfigError", 20)
    pods.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "later"}, "stringData": {"X": "now"}})
    pods.until(name, "Succeeded")
    assert pods.kubectl.run("logs", name).strip() == "now"


@pytest.mark.parametrize(
    ("name", "container", "spec", "message"),
    [
        ("init", {}, {"initContainers": [{"name": "i", "image": IMAGE}]}, "initContainers are not supported"),
        ("exec", {"livenessProbe": {"exec": {"command": ["true"]}}}, {}, "livenessProbe without httpGet"),
        ("disk", {}, {"volumes": [{"name": "d", "hostPath": {"path": "/"}}]}, "volume d is of a kind"),
    ],
)
def test_what_the_node_does_not_support_holds_a_pod_and_is_named(
    pods: Pods, name: str, container: Object, spec: Object, message: str
) -> None:
    pods.create(f"cannot-{name}", "", container, **spec)
    waiting = eventually(lambda: pods.state(f"cannot-{name}").get("waiting", {}).get("message"), 20, "the reason")
    assert message in waiting


def test_a_container_that_ends_is_restarted_and_its_log_kept(pods: Pods) -> None:
    name = pods.create("again", "import os; print(os.getpid()); raise SystemExit(1)", restartPolicy="Always")

    def restarted() -> bool:
        status = status_of(pods, name)
        return status.get("restartCount", 0) >= 2 and status["state"].get("waiting") is not None

    eventually(restarted, 30, "a second restart")
    assert pods.state(name)["waiting"]["reason"] == "CrashLoopBackOff"
    assert pods.kubectl.run("logs", "--previous", name).strip().isdigit()
    pods.kubectl.run("delete", "pod", name)


def test_a_container_that_is_not_alive_is_restarted_and_readiness_shows(pods: Pods) -> None:
    port, closed = free_ports(2)
    ready = {"httpGet": {"port": port}, "periodSeconds": 1, "timeoutSeconds": 5}
    dead = {"httpGet": {"port": closed}, "periodSeconds": 1, "failureThreshold": 1, "initialDelaySeconds": 5}
    name = pods.create(
        "dead",
        SERVER.format(port=port),
        {"livenessProbe": dead, "readinessProbe": ready},
        restartPolicy="Always",
        terminationGracePeriodSeconds=1,
    )
    eventually(lambda: status_of(pods, name).get("ready"), 20, "readiness")
    eventually(lambda: status_of(pods, name).get("restartCount", 0) >= 1, 30, "a restart")
    pods.kubectl.run("delete", "pod", name)


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
    name = pods.create("other-node", "", nodeSelector={"disk": "ssd"})

    def unschedulable() -> bool:
        conditions = pods.kubectl.get("pod", name)["status"].get("conditions", [])
        return any(c["type"] == "PodScheduled" and c.get("reason") == "Unschedulable" for c in conditions)

    eventually(unschedulable, 20, "the reason")
