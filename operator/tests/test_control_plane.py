"""The operator in this process, against a real API server, a node that runs the real scanner, and AWS over HTTP."""

import asyncio
import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretBytes
from running import POLICY, Running

from logscan_api.quantities import Quantity
from logscan_local.stack import aws
from logscan_local.stack.install import install_crds
from logscan_local.stack.kubectl import Kubectl
from logscan_local.stack.ports import free_ports
from logscan_local.stack.stacks import Stack
from logscan_local.stack.state import State
from logscan_local.testkit.waiting import eventually
from logscan_operator.errors import ApiError
from logscan_operator.kube import ApiServer, Connection
from logscan_operator.service import serve
from logscan_operator.settings import Settings
from logscan_operator.starting import Probes

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]


@pytest.fixture(scope="module")
def operator(bare_stack: Stack, bare_kubectl: Kubectl, bare_state: State) -> Iterator[Running]:
    resources, kubectl = bare_state.resources, bare_kubectl
    install_crds(kubectl)
    for manifest in (
        POLICY,
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "logscan-scanner"}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "keys"},
            "stringData": resources.scanner.environment(),
        },
    ):
        kubectl.run("apply", "--filename=-", stdin=json.dumps(manifest))
    environment = {
        "AWS_ENDPOINT_URL": resources.endpoint,
        "AWS_REGION": aws.REGION,
        "AWS_DEFAULT_REGION": aws.REGION,
        **resources.operator.environment(),
    }
    settings = Settings(
        namespace=kubectl.namespace,
        queue_urls=[resources.queue_url],
        table=resources.table,
        signing_keys=[SecretBytes(b"k" * 32)],
        scanner_image="logscan-scanner:local",
        scanner_env_secret="keys",
        receive_wait_seconds=1,
        visibility_seconds=10,
        max_concurrent=2,
        queued_after_seconds=1,
        lease_seconds=5,
        pending_seconds=600,
        scanner_memory_most=Quantity("512Mi"),
        debug=True,
        retry_first_seconds=1,
        resync_seconds=2,
        http_port=free_ports(1)[0],
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield from _in_a_thread(Running(kubectl, bare_state, settings), bare_stack)


def _in_a_thread(running: Running, stack: Stack) -> Iterator[Running]:
    stop, started, loops = asyncio.Event(), threading.Event(), []
    connection = Connection(str(stack.paths.kubeconfig))
    failures = running.failures

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        started.set()
        await serve(running.settings, connection, stop, Probes(running.settings.http_port))

    def guarded() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    started.wait(10)
    try:
        yield running
    finally:
        if thread.is_alive():
            loops[0].call_soon_threadsafe(stop.set)
        thread.join(60)
    assert not thread.is_alive(), "the operator did not stop"
    assert not failures, failures


def test_an_upload_becomes_a_succeeded_scan(operator: Running) -> None:
    name = operator.upload("app/größe +.log")
    status = operator.until(name, "Succeeded")
    assert status["summary"]["matchedLines"] == 2
    assert status["summary"]["topRules"] == [{"rule": "err", "severity": "error", "lines": 2}]
    assert (status["policy"], status["attempts"], status["reason"]) == ("default", 1, "Completed")
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "Admitted": "True",
        "JobCreated": "True",
        "Complete": "True",
        "Failed": "False",
        "Ready": "True",
    }


def test_a_message_sent_again_changes_nothing(operator: Running) -> None:
    name = operator.upload("again.log")
    operator.until(name, "Succeeded")
    uid = operator.kubectl.get("logscan", name)["metadata"]["uid"]
    spec = operator.kubectl.get("logscan", name)["spec"]["source"]["s3"]
    body = json.dumps({"schema": 1, **spec})
    operator.sqs.send_message(
        QueueUrl=operator.state.resources.queue_url,
        MessageBody=body,
        MessageGroupId="g",
        MessageDeduplicationId="again",
    )
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def drained() -> bool:
        answer = operator.sqs.get_queue_attributes(
            QueueUrl=operator.state.resources.queue_url, AttributeNames=attributes
        )
        return all(answer["Attributes"][name] == "0" for name in attributes)

    eventually(drained, what="the queue to be empty")
    assert operator.kubectl.get("logscan", name)["metadata"]["uid"] == uid
    jobs = operator.kubectl.get("jobs", f"--selector=logscan.dev/scan-uid={uid}")["items"]
    assert len(jobs) == 1


def test_a_missing_object_fails_with_the_reason(operator: Running) -> None:
    name = operator.apply("missing", source={"s3": {"bucket": "logs", "key": "no/such.log"}})
    status = operator.until(name, "Failed")
    assert status["reason"] == "ObjectNotFound"
    assert "s3://logs/no/such.log" in status["message"]
    assert status["attempts"] == 1


def test_an_invalid_rule_fails_with_its_name(operator: Running) -> None:
    name = operator.apply("invalid", rules={"inline": [{"name": "broken", "pattern": "(a"}]})
    status = operator.until(name, "Failed")
    assert status["reason"] == "InvalidRule"
    assert "rule 'broken'" in status["message"]


def test_an_unknown_pack_fails_without_a_job(operator: Running) -> None:
    status = operator.until(operator.apply("pack", rules={"packs": ["nope"]}), "Failed")
    assert (status["reason"], "job" in status) == ("InvalidRule", False)
    assert "unknown rule pack 'nope'" in status["message"]


def test_a_scan_that_no_policy_takes_fails_with_advice(operator: Running) -> None:
    operator.kubectl.run("delete", "logscanpolicy", "default")
    try:
        name = operator.apply("norules", rules=None)
        status = operator.until(name, "Failed")
        assert (status["reason"], status["message"].split(":")[0]) == (
            "NoRules",
            "spec.rules is absent and no LogScanPolicy with rules matches the object",
        )
    finally:
        operator.kubectl.run("apply", "--filename=-", stdin=json.dumps(POLICY))


def test_out_of_memory_is_told(operator: Running) -> None:
    operator.upload("a.log")
    # So little that it is exceeded long before the scan ends: the node looks ten times a second.
    name = operator.apply("hungry", job={"resources": {"limits": {"memory": "8Mi"}, "requests": {"memory": "8Mi"}}})
    status = operator.until(name, "Failed")
    assert (status["reason"], status["attempts"], status["memoryLimit"]) == ("OutOfMemory", 2, "16Mi")


def test_suspend_and_resume(operator: Running) -> None:
    operator.upload("a.log")
    name = operator.apply("held", suspend=True)
    assert operator.until(name, "Suspended")["reason"] == "Suspended"
    operator.kubectl.run("patch", "logscan", name, "--type=merge", '--patch={"spec":{"suspend":false}}')
    assert operator.until(name, "Succeeded")["summary"]["lines"] == 3


def test_cancel(operator: Running) -> None:
    name = operator.apply("given-up", suspend=True)
    operator.until(name, "Suspended")
    operator.kubectl.run("patch", "logscan", name, "--type=merge", '--patch={"spec":{"cancel":true}}')
    assert operator.until(name, "Cancelled")["reason"] == "Cancelled"


def test_a_job_that_is_deleted_is_replaced(operator: Running) -> None:
    operator.upload("a.log")
    held = {"nodeSelector": {"no": "such-node"}}
    name = operator.apply("lost", job=held)
    job = operator.until(name, "Running")["job"]["name"]
    operator.kubectl.run("delete", "job", job)
    eventually(lambda: operator.status(name).get("attempts") == 2, what="a second attempt")
    operator.kubectl.run("delete", "logscan", name)


def test_a_finished_scan_is_deleted_after_its_time(operator: Running) -> None:
    operator.upload("a.log")
    name = operator.apply("short-lived", ttlSecondsAfterFinished=1)
    eventually(lambda: not operator.kubectl.run("get", "logscan", name, "--ignore-not-found"), 40, "its deletion")


def test_the_limit_holds_and_the_others_say_why_they_wait(operator: Running) -> None:
    held = {"nodeSelector": {"no": "such-node"}}
    names = [operator.apply(f"limited-{n}", job=held) for n in range(4)]
    eventually(lambda: sum(operator.status(n).get("phase") == "Running" for n in names) == 2, what="two running")
    eventually(
        lambda: sum(operator.status(n).get("reason") == "ConcurrencyLimit" for n in names) == 2, what="two waiting"
    )
    operator.kubectl.run("delete", "logscan", *names)


def test_a_job_of_somebody_else_is_waited_for(operator: Running) -> None:
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "none"}]}}}
    foreign = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "taken-1"},
        "spec": {**spec, "suspend": True},
    }
    operator.kubectl.run("apply", "--filename=-", stdin=json.dumps(foreign))
    operator.upload("a.log")
    name = operator.apply("taken")
    status = operator.until(name, "Queued")
    assert (status["reason"], "taken-1" in status["message"]) == ("JobConflict", True)
    operator.kubectl.run("delete", "job", "taken-1")
    assert operator.until(name, "Succeeded")["summary"]["lines"] == 3, "a Job of its own has run"


def test_a_message_nobody_can_read_goes_to_the_dead_letter_queue(operator: Running) -> None:
    operator.sqs.send_message(
        QueueUrl=operator.state.resources.queue_url,
        MessageBody="garbage",
        MessageGroupId="p",
        MessageDeduplicationId="p",
    )
    url = operator.state.resources.dead_letter_queue_url

    def dead() -> list[Any]:
        found: list[Any] = operator.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
        return found

    (letter,) = eventually(dead, 150, "the message in the dead-letter queue")
    assert letter["Body"] == "garbage"
    operator.until(operator.upload("after-poison.log"), "Succeeded")


@pytest.mark.parametrize("path", ["healthz", "readyz"])
def test_health(operator: Running, path: str) -> None:
    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{operator.settings.http_port}/{path}") as answer:
                return bool(answer.status == 200)
        except urllib.error.URLError:  # it has just started
            return False

    eventually(answers, what=path)


@pytest.mark.tools
def test_prometheus_understands_what_a_running_operator_tells(operator: Running, promtool: str) -> None:
    operator.until(operator.upload("measured.log"), "Succeeded")
    with urllib.request.urlopen(f"http://127.0.0.1:{operator.settings.http_port}/metrics") as answer:
        text = answer.read()
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
    series = dict(line.rsplit(" ", 1) for line in text.decode().splitlines() if not line.startswith("#"))
    assert float(series['logscan_scans_finished_total{phase="Succeeded"}']) >= 1
    watches = [name for name in series if name.startswith("logscan_watch_age_seconds")]
    assert sorted(name.split('"')[1] for name in watches) == ["jobs", "logscanpolicies", "logscanrulesets", "logscans"]
    queue = operator.state.resources.queue_url.rsplit("/", 1)[-1]
    assert float(series[f'logscan_queue_receive_age_seconds{{queue="{queue}"}}']) < 60


async def test_refusals_of_the_api_server_carry_its_words(operator: Running, bare_stack: Stack) -> None:
    async with ApiServer(Connection(str(bare_stack.paths.kubeconfig))) as api:
        with pytest.raises(ApiError, match='404 NotFound: pods "nobody" not found') as refusal:
            await api.request("GET", "/api/v1/namespaces/default/pods/nobody")
        assert not refusal.value.retryable
        with pytest.raises(ApiError) as plain:
            await api.request("GET", "/no/such/path")
        assert plain.value.status == 404


async def test_a_client_works_only_while_it_is_open(bare_stack: Stack) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await ApiServer(Connection(str(bare_stack.paths.kubeconfig))).request("GET", "/api")
