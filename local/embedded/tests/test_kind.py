"""What `local/kind` is made of, as far as it runs without kind: manifests, AWS set-up, bridge, upload."""

import io
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from kindfolder import chart_values, documents
from rich.console import Console

from logscan_local.kind import __main__ as kind
from logscan_local.kind import cluster as kindcluster
from logscan_local.stack import aws
from logscan_local.stack.aws import Resources
from logscan_local.stack.emulator import running
from logscan_local.stack.kubectl import Kubectl
from logscan_local.stack.ports import free_ports
from logscan_local.stack.stacks import Stack
from logscan_local.stack.state import State
from logscan_local.testkit.waiting import eventually
from logscan_operator.settings import Settings

# What kubeadm's static pods, CoreDNS and kindnet request on a node (kubeadm, phases/controlplane; kind, its manifests).
SYSTEM_MILLICORES = 250 + 200 + 100 + 100 + 2 * 100 + 100


@pytest.mark.tools
def test_its_manifests_obey_kubernetes_schemas() -> None:
    for document in [*documents("localstack.yaml"), *documents("bridge.yaml"), *kindcluster.bridge("o:1")]:
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


def test_what_runs_there_fits_two_cpus() -> None:
    """All scans that may run at once, and the operator twice, as while a new pod replaces the old one."""
    values, localstack = (
        chart_values("ci/kind.yaml"),
        next(d for d in documents("localstack.yaml") if d["kind"] == "Deployment"),
    )
    (container,) = localstack["spec"]["template"]["spec"]["containers"]
    settings = values["settings"]
    scan = settings.get("scannerCpuRequest", Settings.model_fields["scanner_cpu_request"].default)
    operator = values.get("resources", chart_values("values.yaml")["resources"])["requests"]["cpu"]
    requests = [container["resources"]["requests"]["cpu"], *2 * [operator], *settings["maxConcurrent"] * [scan]]
    assert all(request.endswith("m") for request in requests)
    assert SYSTEM_MILLICORES + sum(int(request[:-1]) for request in requests) <= 2000


@pytest.fixture
def own_namespace(bare_kubectl: Kubectl) -> Iterator[Kubectl]:
    """Yield kubectl, and take back what the set-up does to the namespace that other tests use."""
    yield bare_kubectl
    bare_kubectl.run("label", "namespace", bare_kubectl.namespace, "pod-security.kubernetes.io/enforce-")


def what_is_there(endpoint: str, folder: Path) -> set[str]:
    """Return which of the resources that a state file names are really there, and which keys work."""
    resources, found = State.read(folder / "state.json").resources, set()
    s3, sqs = aws.client("s3", endpoint), aws.client("sqs", endpoint)

    def look(name: str, call: Any, **arguments: Any) -> None:
        with suppress(Exception):
            call(**arguments)
            found.add(name)

    look("bucket", s3.head_bucket, Bucket=resources.bucket)
    look("reports", s3.head_bucket, Bucket=resources.reports_bucket)
    for name in (aws.QUEUE, aws.DEAD_LETTER_QUEUE, aws.FAILURE_QUEUE, aws.UPLOADS_QUEUE):
        look(name, sqs.get_queue_url, QueueName=name)
    look("table", aws.client("dynamodb", endpoint).describe_table, TableName=resources.table)
    look("topic", aws.client("sns", endpoint).get_topic_attributes, TopicArn=resources.topic_arn)
    if s3.get_bucket_notification_configuration(Bucket=resources.bucket).get("QueueConfigurations"):
        found.add("notification")
    for name, user in (("operator", resources.operator), ("scanner", resources.scanner)):
        look(name, aws.client("sts", endpoint, user).get_caller_identity)
    return found


EVERYTHING = {
    "bucket",
    "reports",
    aws.QUEUE,
    aws.DEAD_LETTER_QUEUE,
    aws.FAILURE_QUEUE,
    aws.UPLOADS_QUEUE,
    "table",
    "topic",
    "notification",
    "operator",
    "scanner",
}


def keys(kubectl: Kubectl) -> dict[str, Any]:
    """Return what is in the Secrets."""
    names = ("logscan-operator-aws", "logscan-scanner-aws")
    return {name: kubectl.get("secret", name)["data"] for name in names}


@pytest.mark.emulator
@pytest.mark.controlplane
def test_the_set_up_repairs_what_a_restart_of_localstack_has_lost(own_namespace: Kubectl, tmp_path: Path) -> None:
    (port,), said = free_ports(1), list[str]()

    def make() -> str:
        return kindcluster.make_resources(tmp_path, own_namespace, f"http://127.0.0.1:{port}", said.append)

    with running("test-kind", port=port) as emulator:
        first, before = make(), keys(own_namespace)
        assert what_is_there(emulator.endpoint, tmp_path) == EVERYTHING
        assert (make(), keys(own_namespace)) == (first, before), "what is there is left"
        # Some of it lost, by somebody's hand.
        sqs = aws.client("sqs", emulator.endpoint)
        sqs.delete_queue(QueueUrl=State.read(tmp_path / "state.json").resources.queue_url)
        aws.client("dynamodb", emulator.endpoint).delete_table(TableName=aws.TABLE)
        failures = sqs.get_queue_url(QueueName=aws.FAILURE_QUEUE)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=failures, Attributes={"MessageRetentionPeriod": "60"})
        assert (make(), keys(own_namespace)) == (first, before), "users keep their keys as long as they are good"
        assert what_is_there(emulator.endpoint, tmp_path) == EVERYTHING
        kept = sqs.get_queue_attributes(QueueUrl=failures, AttributeNames=["MessageRetentionPeriod"])["Attributes"]
        assert kept == {"MessageRetentionPeriod": str(aws.RETENTION_SECONDS)}, "attributes of before are put right"
    with running("test-kind-restarted", port=port) as emulator:
        second = make()
        assert what_is_there(emulator.endpoint, tmp_path) == EVERYTHING
        assert second != first, "the pods' annotation changes, so the operator takes the new keys"
        assert keys(own_namespace) != before
        # The state file is lost or damaged: nobody knows the keys' secrets any more.
        (tmp_path / "state.json").write_text('{"parts": [')
        assert make() != second
        assert what_is_there(emulator.endpoint, tmp_path) == EVERYTHING
    assert [line for line in said if "keeps nothing over a restart" in line]


@pytest.mark.emulator
def test_a_localstack_that_starts_is_waited_for() -> None:
    (port,), said = free_ports(1), list[str]()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(kindcluster.wait_for_localstack, f"http://127.0.0.1:{port}", 120, said.append)
        eventually(lambda: said, what="the wait to begin")
        assert not waiting.done()
        with running("test-late", port=port):
            waiting.result()


def ran(folder: Path, kubectl: Kubectl, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the scripts' helper as they do."""
    if not (folder / "kubeconfig").exists():
        (folder / "kubeconfig").symlink_to(kubectl.kubeconfig)
    command = [sys.executable, "-m", "logscan_local.kind", "--state", str(folder), "--kubectl", str(kubectl.program)]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def written(folder: Path, resources: Resources, kubectl: Kubectl) -> None:
    """Write the state file of a cluster."""
    State([], resources, kubectl.program, kubectl.kubeconfig).write(folder / "state.json")


@pytest.mark.emulator
@pytest.mark.controlplane
def test_what_aws_refuses_is_one_sentence_that_says_what_to_do(bare_kubectl: Kubectl, tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    log.write_text("ERROR x\n")
    with running("test-empty") as emulator:
        written(tmp_path, aws.create_all(emulator.endpoint, bridged=True), bare_kubectl)
        aws.client("s3", emulator.endpoint).delete_bucket(Bucket=aws.BUCKET)
        lost = ran(tmp_path, bare_kubectl, "demo", str(log))
    away = ran(tmp_path, bare_kubectl, "demo", str(log))
    for done, words in ((lost, "NoSuchBucket"), (away, emulator.endpoint)):
        assert done.returncode == 1
        assert words in done.stderr
        assert "make kind-up" in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
    asked = ran(tmp_path, bare_kubectl, "--endpoint", emulator.endpoint, "resources", "--seconds=1")
    assert asked.returncode == 1
    assert f"LocalStack at {emulator.endpoint} was not ready after 1 s" in asked.stderr
    assert "logs deployment/localstack" in asked.stderr
    assert "Traceback" not in asked.stderr
    nothing = ran(tmp_path, bare_kubectl, "demo", str(tmp_path / "no such.log"))
    assert (nothing.returncode, nothing.stderr.count("\n")) == (1, 1)


@pytest.mark.emulator
@pytest.mark.controlplane
def test_the_printed_variables_are_all_that_aws_and_kubectl_need(bare_kubectl: Kubectl, tmp_path: Path) -> None:
    with running("test-env") as emulator:
        written(tmp_path, aws.create_all(emulator.endpoint, bridged=True), bare_kubectl)
        printed = ran(tmp_path, bare_kubectl, "env").stdout
        put = "import boto3; print(boto3.client('s3').put_object(Bucket='logs', Key='k', Body=b'x')['VersionId'])"
        script = (
            f"{printed}\n{shlex.quote(sys.executable)} -c {shlex.quote(put)}\n{bare_kubectl.program} get --raw=/readyz"
        )
        done = subprocess.run(
            ["bash", "-euc", script], capture_output=True, text=True, check=False, env={"HOME": str(tmp_path)}
        )
        assert done.returncode == 0, done.stderr
        version, ready = done.stdout.split()
        assert ready == "ok"
        head = aws.client("s3", emulator.endpoint).head_object(Bucket="logs", Key="k")
        assert head["VersionId"] == version


@pytest.mark.stack
def test_an_upload_is_followed_to_its_own_result(full_stack: Stack, tmp_path: Path) -> None:
    """A key that is written twice, large enough for an upload in parts: each time its own version's scan is shown."""
    state = full_stack.state()
    assert state is not None
    written(tmp_path, state.resources, full_stack.kubectl())
    log, shown = tmp_path / "größe 1.log", io.StringIO()
    for errors in (1, 2):
        log.write_text(
            f"{errors * 'ERROR something failed' + chr(10)}" * errors + "fine and nothing to see here\n" * 400_000
        )
        assert kind.demo(tmp_path, full_stack.kubectl(), log, Console(file=shown, width=200)) == 0
    assert "1 of 400001 lines" in shown.getvalue()
    assert "2 of 400002 lines" in shown.getvalue()
