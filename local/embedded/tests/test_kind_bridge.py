"""The bridge of kind, which does what the forwarder does on AWS."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kindfolder import INSIDE, chart_values

from logscan_api.events import ObjectEvent, read_message
from logscan_local.kind import cluster as kindcluster
from logscan_local.stack import aws, processes
from logscan_local.stack.aws import Resources
from logscan_local.stack.emulator import bridge_ready, running, start_bridge
from logscan_local.stack.paths import StackPaths
from logscan_local.testkit.waiting import eventually
from logscan_tools.paths import REPOSITORY
from logscan_tools.terraform import archive


def test_the_bridge_has_the_whole_forwarder_and_the_right_queues() -> None:
    config_map, bridge = kindcluster.bridge("logscan-operator:kind-1")
    pod = bridge["spec"]["template"]["spec"]
    packed = {item["key"]: item["path"] for item in pod["volumes"][-1]["configMap"]["items"]}
    code = (REPOSITORY / "terraform" / "forwarder" / "src").glob("logscan_forwarder/*.py")
    assert set(packed.values()) == {"bridge.py"} | {f"logscan_forwarder/{path.name}" for path in code}
    assert packed.keys() == config_map["data"].keys()
    (container,) = pod["containers"]
    assert container["image"] == "logscan-operator:kind-1"
    environment = {v["name"]: v["value"] for v in container["env"]}
    assert environment["UPLOADS_QUEUE_URL"] == f"{INSIDE}/{aws.UPLOADS_QUEUE}"
    assert environment["QUEUE_URL"] == f"{INSIDE}/{aws.QUEUE}"
    assert environment["FAILURE_QUEUE_URL"] == f"{INSIDE}/{aws.FAILURE_QUEUE}"
    assert container["readinessProbe"]["exec"]["command"] == ["test", "-e", environment["READY_FILE"]]
    values = chart_values("ci/kind.yaml")
    assert (values["aws"]["queueUrl"], values["aws"]["table"]) == (environment["QUEUE_URL"], aws.TABLE)
    assert (values["aws"]["reportsBucket"], values["aws"]["mailSender"]) == (aws.REPORTS_BUCKET, aws.SENDER)


def test_other_code_makes_another_bridge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def annotations() -> dict[str, str]:
        found: dict[str, str] = kindcluster.bridge("o:1")[1]["spec"]["template"]["metadata"]["annotations"]
        return found

    before = annotations()
    assert annotations() == before
    (tmp_path / "events.py").write_text("changed = True\n")
    monkeypatch.setattr(archive, "SOURCE", tmp_path)
    assert annotations() != before


@pytest.fixture(scope="module")
def bridged() -> Iterator[tuple[Resources, StackPaths]]:
    """Yield the emulator with the resources of kind, and the bridge running."""
    with running("test-bridge") as emulator:
        resources = aws.create_all(emulator.endpoint, bridged=True)
        bridge = start_bridge(emulator.paths, resources)
        yield resources, emulator.paths
        processes.stop([bridge])


def received(resources: Resources, url: str) -> dict[str, Any]:
    """Return the next message of a queue, and delete it."""
    sqs = aws.client("sqs", resources.endpoint)

    def next_one() -> dict[str, Any]:
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, AttributeNames=["All"])
        return dict(answer.get("Messages", [{}])[0])

    message = eventually(next_one, 40, "a message")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message


def event_in(message: dict[str, Any]) -> ObjectEvent:
    """Return the event of a message that the operator understands."""
    (event,) = read_message(message["Body"]).events
    return event


@pytest.mark.emulator
@pytest.mark.parametrize("key", ["app.log", "a b/Größe + 1%.log"])
def test_an_upload_becomes_a_message_of_the_forwarder(key: str, bridged: tuple[Resources, StackPaths]) -> None:
    resources, _ = bridged
    stored = aws.client("s3", resources.endpoint).put_object(Bucket=resources.bucket, Key=key, Body=b"x")
    message = received(resources, resources.queue_url)
    event = event_in(message)
    assert (event.bucket, event.key, event.version_id) == (resources.bucket, key, stored["VersionId"])
    assert len(message["Attributes"]["MessageGroupId"]) == 64


@pytest.mark.emulator
@pytest.mark.parametrize(("body", "kept"), [('{"hello": 1}', {"hello": 1}), ("{no JSON", "{no JSON")])
def test_what_cannot_be_forwarded_is_kept(body: str, kept: Any, bridged: tuple[Resources, StackPaths]) -> None:
    resources, _ = bridged
    sqs = aws.client("sqs", resources.endpoint)
    sqs.send_message(QueueUrl=str(resources.uploads_queue_url), MessageBody=body)
    record = json.loads(received(resources, resources.failure_queue_url)["Body"])
    assert record["requestPayload"] == kept
    assert record["responsePayload"]["errorMessage"]


@pytest.mark.emulator
def test_the_bridge_is_ready_only_while_it_can_read_its_queue(bridged: tuple[Resources, StackPaths]) -> None:
    """As when LocalStack restarts and `make kind-up` makes everything again."""
    resources, paths = bridged
    assert bridge_ready(paths).exists()
    aws.client("sqs", resources.endpoint).delete_queue(QueueUrl=resources.uploads_queue_url)
    eventually(lambda: not bridge_ready(paths).exists(), 40, "the bridge to be unready")
    aws.create_all(resources.endpoint, bridged=True, known=resources)
    eventually(bridge_ready(paths).exists, 40, "the bridge to be ready again")
    aws.client("s3", resources.endpoint).put_object(Bucket=resources.bucket, Key="after.log", Body=b"x")
    assert event_in(received(resources, resources.queue_url)).key == "after.log"
