"""What `local/kind` is made of, as far as it runs without Docker: set-up, bridge, manifests."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from logscan_api.events import read_message
from logscan_local import aws, kind, processes
from logscan_local.cluster import Kubectl
from logscan_local.elsewhere import Elsewhere
from logscan_local.emulator import running, start_bridge
from logscan_local.manifests import CHART
from logscan_local.paths import REPOSITORY
from logscan_local.testing import eventually

FOLDER = REPOSITORY / "local" / "kind"
INSIDE = "http://localstack.localstack.svc:4566/000000000000"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


@pytest.mark.tools
@pytest.mark.parametrize("name", ["localstack.yaml", "bridge.yaml"])
def test_its_manifests_obey_kubernetes_schemas(name: str) -> None:
    for document in documents(name):
        kubernetes_validate.validate(document, "1.37", strict=True)


def test_images_are_pinned_by_digest() -> None:
    (cluster,) = documents("cluster.yaml")
    localstack = next(d for d in documents("localstack.yaml") if d["kind"] == "Deployment")
    images = [cluster["nodes"][0]["image"], localstack["spec"]["template"]["spec"]["containers"][0]["image"]]
    assert all(len(image.partition("@sha256:")[2]) == 64 for image in images)
    assert images[1].startswith("localstack/localstack:4.14.0@")


def test_the_host_reaches_localstack_where_the_set_up_looks_for_it() -> None:
    (cluster,) = documents("cluster.yaml")
    service = next(d for d in documents("localstack.yaml") if d["kind"] == "Service")
    (mapping,) = cluster["nodes"][0]["extraPortMappings"]
    assert mapping["containerPort"] == service["spec"]["ports"][0]["nodePort"]
    assert f"http://localhost:{mapping['hostPort']}" == kind.ENDPOINT


def test_the_bridge_has_the_whole_forwarder_and_the_right_queues() -> None:
    (bridge,) = documents("bridge.yaml")
    pod = bridge["spec"]["template"]["spec"]
    packed = {item["path"] for item in pod["volumes"][0]["configMap"]["items"]}
    code = (REPOSITORY / "terraform" / "forwarder" / "src").glob("logscan_forwarder/*.py")
    assert packed == {"bridge.py"} | {f"logscan_forwarder/{path.name}" for path in code}
    environment = {v["name"]: v["value"] for v in pod["containers"][0]["env"]}
    assert environment["UPLOADS_QUEUE_URL"] == f"{INSIDE}/{aws.UPLOADS_QUEUE}"
    assert environment["QUEUE_URL"] == f"{INSIDE}/{aws.QUEUE}"
    assert environment["FAILURE_QUEUE_URL"] == f"{INSIDE}/{aws.FAILURE_QUEUE}"
    values = yaml.safe_load((CHART / "ci" / "kind.yaml").read_text())
    assert (values["aws"]["queueUrl"], values["aws"]["table"]) == (environment["QUEUE_URL"], aws.TABLE)
    assert (values["aws"]["reportsBucket"], values["aws"]["mailSender"]) == (aws.REPORTS_BUCKET, aws.SENDER)


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.sh")), ids=lambda p: p.name)
def test_its_scripts_pass_shellcheck(script: Path) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run(
        [str(shellcheck), "-x", str(script)], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )
    assert done.returncode == 0, done.stdout


def test_its_scripts_say_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "bash").symlink_to(str(shutil.which("bash")))
    for program in ("dirname", "env"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    said = {}
    for name in ("up.sh", "test.sh"):
        command = [str(shutil.which("bash")), str(FOLDER / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 1
        said[name] = done.stderr
    assert "docker is not on PATH: kind runs its nodes as containers" in said["up.sh"]
    assert "there is no cluster logscan: run `make kind-up` first" in said["test.sh"]


@pytest.fixture(scope="module")
def bridged() -> Iterator[aws.Resources]:
    """Yield the emulator with the resources of kind, and the bridge running."""
    with running("test-bridge") as emulator:
        resources = aws.create_all(emulator.endpoint, bridged=True)
        bridge = start_bridge(emulator.paths, resources)
        yield resources
        processes.stop([bridge])


def received(resources: aws.Resources, url: str) -> dict[str, Any]:
    """Return the next message of a queue, and delete it."""
    sqs = aws.client("sqs", resources.endpoint)

    def next_one() -> dict[str, Any]:
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, AttributeNames=["All"])
        return dict(answer.get("Messages", [{}])[0])

    message = eventually(next_one, 40, "a message")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message


@pytest.mark.emulator
@pytest.mark.parametrize("key", ["app.log", "a b/Größe + 1%.log"])
def test_an_upload_becomes_a_message_of_the_forwarder(key: str, bridged: aws.Resources) -> None:
    stored = aws.client("s3", bridged.endpoint).put_object(Bucket=bridged.bucket, Key=key, Body=b"x")
    message = received(bridged, bridged.queue_url)
    (event,) = read_message(message["Body"]).events
    assert (event.bucket, event.key, event.version_id) == (bridged.bucket, key, stored["VersionId"])
    assert len(message["Attributes"]["MessageGroupId"]) == 64


@pytest.mark.emulator
def test_what_cannot_be_forwarded_is_kept(bridged: aws.Resources) -> None:
    sqs = aws.client("sqs", bridged.endpoint)
    sqs.send_message(QueueUrl=str(bridged.uploads_queue_url), MessageBody=json.dumps({"hello": 1}))
    kept = json.loads(received(bridged, bridged.failure_queue_url)["Body"])
    assert kept["requestPayload"] == {"hello": 1}
    assert "unknown kind of event" in kept["responsePayload"]["errorMessage"]


@pytest.fixture
def own_namespace(bare_kubectl: Kubectl) -> Iterator[Kubectl]:
    """Yield kubectl, and take back what the set-up does to the namespace that other tests use."""
    yield bare_kubectl
    bare_kubectl.run("label", "namespace", bare_kubectl.namespace, "pod-security.kubernetes.io/enforce-")


@pytest.mark.emulator
@pytest.mark.controlplane
def test_the_set_up_makes_resources_secrets_and_a_state_file(own_namespace: Kubectl, tmp_path: Path) -> None:
    with running("test-kind") as emulator:
        for _ in range(2):  # the second time finds everything there
            kind.make_resources(tmp_path, own_namespace, emulator.endpoint)
        state = Elsewhere(tmp_path / "state.json").state()
        assert state.resources.queue_url.endswith(aws.QUEUE)
        names = {s["metadata"]["name"] for s in own_namespace.get("secrets")["items"]}
        assert {"logscan-operator-aws", "logscan-scanner-aws"} <= names
        (tmp_path / "some.log").write_text("ERROR x\n")
        assert kind.upload(tmp_path, tmp_path / "some.log").startswith("some-log-")
