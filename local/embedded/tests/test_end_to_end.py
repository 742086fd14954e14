"""The whole pipeline as a user meets it: upload, kubectl, DynamoDB. Needs only a kubeconfig and an AWS endpoint.

S3 -> forwarder -> SQS FIFO -> LogScan -> Job -> scanner process -> DynamoDB -> kubectl, with the operator installed
from the shipped manifests under its own Role. `LOGSCAN_TEST_RUNTIME=docker` runs pods in containers of our images.
"""

import gzip
import json
import urllib.request
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from clouds import EXTERNAL, OPERATOR, Cloud, kill_operator, operator_pod, receiver, restarts, text

from logscan_api.logscans import COLUMNS
from logscan_api.packs import resolve_rules
from logscan_api.results import ScanResult
from logscan_api.rules import RuleSelection
from logscan_local.stack import aws, grep
from logscan_local.stack.kubectl import KubectlError, Object
from logscan_local.stack.stacks import Stack
from logscan_local.stack.zstandard import zstd
from logscan_local.testkit.clusters import Cluster
from logscan_local.testkit.waiting import eventually

pytestmark = pytest.mark.stack
only_embedded = pytest.mark.skipif(EXTERNAL, reason="looks into the embedded stack's own processes or mailbox")

PACKS = ["levels", "kubernetes", "etcd"]  # as the overlay's default policy


@pytest.fixture(scope="module")
def cloud(full_stack: Cluster) -> Cloud:
    cloud = Cloud(full_stack)
    cloud.forget_earlier_runs()
    return cloud


def test_a_second_run_begins_without_what_the_first_one_left(cloud: Cloud) -> None:
    name = cloud.upload("e2e/first-run.log", text(10, 5))
    cloud.ended(name)
    assert cloud.rows("e2e/first-run.log")
    cloud.forget_earlier_runs()
    assert cloud.scan(name) == {}
    assert cloud.rows("e2e/first-run.log") == []


@pytest.mark.parametrize(
    ("key", "pack", "kind"),
    [
        ("e2e/plain.log", bytes, "plain"),
        ("e2e/packed.log.gz", gzip.compress, "gzip"),
        ("e2e/packed.zst", zstd.compress, "zstd"),
        ("e2e/not really.gz", bytes, "plain"),
        ("e2e/größe & + naïve/ä b.txt", gzip.compress, "gzip"),
    ],
)
def test_counts_equal_grep_whatever_the_object_is_called(
    cloud: Cloud, tmp_path: Path, key: str, pack: Any, kind: str
) -> None:
    body = text(3000, len(key))
    (tmp_path / "log").write_bytes(body)
    name = cloud.upload(key, pack(body))
    scan = cloud.ended(name)
    assert scan["status"]["phase"] == "Succeeded", scan["status"]
    (row,) = cloud.rows(key)
    assert [f["S"] for f in row["formats"]["L"]] == [kind]
    counted = {rule: int(lines["N"]) for rule, lines in row["by_rule"]["M"].items()}
    expected = {r.name: grep.count(r, tmp_path / "log") for r in resolve_rules(RuleSelection(packs=PACKS))}
    assert counted == expected
    assert scan["status"]["summary"]["lines"] == 3000


def test_the_same_message_again_changes_nothing(cloud: Cloud) -> None:
    name = cloud.upload("e2e/twice.log", text(100, 7))
    scan = cloud.ended(name)
    source = scan["spec"]["source"]["s3"]
    for attempt in range(2):
        cloud.sqs.send_message(
            QueueUrl=cloud.state.resources.queue_url,
            MessageBody=json.dumps({"schema": 1, **source}),
            MessageGroupId="again",
            MessageDeduplicationId=f"again-{attempt}",
        )
    cloud.ended(cloud.upload("e2e/marker.log", b"ERROR later\n"))
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def drained() -> bool:
        answer = cloud.sqs.get_queue_attributes(QueueUrl=cloud.state.resources.queue_url, AttributeNames=attributes)
        return all(answer["Attributes"][attribute] == "0" for attribute in attributes)

    eventually(drained, what="the queue to be empty")
    assert cloud.scan(name)["metadata"]["uid"] == scan["metadata"]["uid"]
    assert len(cloud.jobs(scan)) == 1
    assert len(cloud.rows("e2e/twice.log")) == 1
    mine = [s for s in cloud.kubectl.get("logscans")["items"] if s["spec"]["source"]["s3"]["key"] == "e2e/twice.log"]
    assert len(mine) == 1


def test_the_row_of_an_earlier_scan_is_taken_only_if_nobody_has_changed_it(cloud: Cloud) -> None:
    name = cloud.upload("e2e/forged.log", text(100, 9))
    first = cloud.ended(name)
    (row,) = cloud.rows("e2e/forged.log")
    forged = {**row, "matched_lines": {"N": "0"}, "by_rule": {"M": {rule: {"N": "0"} for rule in row["by_rule"]["M"]}}}
    cloud.dynamodb.put_item(TableName=cloud.state.resources.table, Item=forged)

    def again(attempt: str) -> Object:
        cloud.kubectl.run("delete", "logscan", name)
        cloud.sqs.send_message(
            QueueUrl=cloud.state.resources.queue_url,
            MessageBody=json.dumps({"schema": 1, **first["spec"]["source"]["s3"]}),
            MessageGroupId="forged",
            MessageDeduplicationId=f"forged-{attempt}",
        )
        eventually(lambda: cloud.scan(name), 30, "the LogScan of the message")
        return cloud.ended(name)

    scanned = again("first")
    assert scanned["status"]["summary"] == first["status"]["summary"]
    assert "takenFrom" not in scanned["status"]["result"]
    assert again("second")["status"]["result"]["takenFrom"] == name
    (replaced,) = cloud.rows("e2e/forged.log")
    assert replaced["scan_uid"]["S"] == scanned["metadata"]["uid"]


def test_the_same_bytes_uploaded_again_are_another_scan(cloud: Cloud) -> None:
    names = [cloud.upload("e2e/same.log", text(100, 8)) for _ in range(2)]
    assert names[0] != names[1]
    assert cloud.ended(names[1])["status"]["phase"] == "Succeeded"


def test_yaml_applied_again_changes_nothing(cloud: Cloud) -> None:
    cloud.upload("e2e/hand.log", text(100, 3))
    name = cloud.apply("hand", "e2e/hand.log", rules={"packs": ["etcd"]})
    first = cloud.ended(name)
    cloud.apply("hand", "e2e/hand.log", rules={"packs": ["etcd"]})
    assert cloud.scan(name)["metadata"]["uid"] == first["metadata"]["uid"]
    assert len(cloud.jobs(first)) == 1
    sort_keys = [row["sk"]["S"] for row in cloud.rows("e2e/hand.log")]
    assert sort_keys.count(first["status"]["result"]["sk"]) == 1


def test_kubectl_shows_describes_logs_and_deletes(cloud: Cloud) -> None:
    name = cloud.upload("e2e/shown.log", text(50, 1))
    scan = cloud.ended(name)
    header, *lines = cloud.kubectl.run("get", "logscans", "--output=wide").splitlines()
    assert header.split() == ["NAME", *(column["name"].upper() for column in COLUMNS)]
    (line,) = [one for one in lines if one.startswith(f"{name} ")]
    assert line.split()[1] == "Succeeded"
    assert "e2e/shown.log" in line
    described = cloud.kubectl.run("describe", "logscan", name)
    for words in ("Succeeded", "lines matched", "Top Rules", "JobCreated"):
        assert words in described
    job = scan["status"]["job"]["name"]
    last = json.loads(cloud.kubectl.run("logs", f"job/{job}").splitlines()[-1])
    assert last["lines"] == 50
    followed = cloud.kubectl.run("logs", "--follow", "--tail=1", f"job/{job}")
    assert json.loads(followed) == last
    cloud.kubectl.run("delete", "logscan", name)
    eventually(lambda: not cloud.jobs(scan), what="its Job to go")
    selector = f"--selector=logscan.dev/scan-uid={scan['metadata']['uid']}"
    eventually(lambda: not cloud.kubectl.get("pods", selector)["items"], what="its pods to go")


def test_what_fails_says_why_and_what_to_do(cloud: Cloud) -> None:
    aws.create_bucket(cloud.state.resources.endpoint, "private-logs")
    cloud.upload("secret.log", b"ERROR\n", bucket="private-logs")
    cloud.upload("e2e/there.log", b"ERROR\n")
    broken = {"inline": [{"name": "broken", "pattern": "(unclosed"}]}
    names = {
        "ObjectNotFound": cloud.apply("f-missing", "e2e/no such.log"),
        "InvalidRule": cloud.apply("f-rule", "e2e/there.log", rules=broken),
    }
    if not EXTERNAL:  # LocalStack's community image lets everybody do everything
        names["AccessDenied"] = cloud.apply("f-denied", "secret.log", bucket="private-logs")
    words = {
        "ObjectNotFound": "cannot read s3://logs/e2e/no such.log",
        "AccessDenied": "check the role of the scanner's service account",
        "InvalidRule": "rule 'broken': the group at 0 has no closing parenthesis",
    }
    for reason, name in names.items():
        status = cloud.ended(name)["status"]
        assert (status["phase"], status["reason"]) == ("Failed", reason)
        assert words[reason] in status["message"]
        assert status["attempts"] == 1, "a permanent failure is not tried again"


@only_embedded
def test_who_wants_to_know_is_told_once(cloud: Cloud) -> None:
    """By mail, to a topic, to a webhook, and with all findings in a file."""
    endpoint, posted = cloud.state.resources.endpoint, SimpleQueue[dict[str, Any]]()
    queue = cloud.sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = cloud.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = cloud.state.resources.topic_arn
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]}
    cloud.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    aws.client("sns", endpoint).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    cloud.s3.put_object(Bucket=aws.BUCKET, Key="told.log", Body=b"2026-11-24T08:00:00Z FATAL password=hunter2\nok\n")
    with receiver(posted) as url:
        notify = {"email": {"to": ["sre@example.com"]}, "sns": {"topicArn": topic}, "webhook": {"url": url}}
        scan = cloud.ended(cloud.apply("told", "told.log", notify=notify))
    assert scan["status"]["reason"] == "Completed"
    assert posted.get_nowait()["worstSeverity"] == "critical"
    assert posted.empty()
    (received,) = cloud.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(json.loads(received["Body"])["Message"])["byRule"] == {"fatal": 1}
    (mail,) = mails_about(cloud, "told.log")
    assert "hunter2" not in mail
    # The upload was scanned by itself too, and nobody asked to be told of that.
    (row,) = [row for row in cloud.rows("told.log") if row["notified"]["M"]]
    uid = scan["metadata"]["uid"]
    assert row["notified"]["M"].keys() == {f"{uid}/{channel}_sent_at" for channel in ("email", "sns", "webhook")}
    assert scan["status"]["result"]["reportUri"] == row["report_uri"]["S"]
    assert scan["status"]["result"]["htmlReportUri"] == row["html_report_uri"]["S"]
    page = cloud.stored(row["html_report_uri"]["S"]).decode()
    assert "1 of 2 lines matched" in page
    assert "FATAL password=***" in page
    assert "hunter2" not in page
    report = gzip.decompress(cloud.stored(row["report_uri"]["S"]))
    (finding,) = [json.loads(line) for line in report.splitlines()]
    assert (finding["rule"], finding["line"], finding["text"]) == (
        "fatal",
        1,
        "2026-11-24T08:00:00Z FATAL password=***",
    )


@only_embedded
def test_channels_use_secrets_of_their_namespace_and_say_which_is_missing(cloud: Cloud) -> None:
    posted = SimpleQueue[dict[str, Any]]()
    cloud.s3.put_object(Bucket=aws.BUCKET, Key="channels.log", Body=b"FATAL <b>x</b>\n")
    with receiver(posted) as url:
        metadata = {"name": "hooks", "namespace": cloud.kubectl.namespace}
        cloud.kubectl.apply([{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"url": url}}])
        kinds = ("slack", "teams", "webhook")
        channels = [{"name": t, "type": t, "secretRef": {"name": "hooks", "key": "url"}} for t in kinds]
        channels.append({"name": "lost", "type": "slack", "secretRef": {"name": "no-such", "key": "url"}})
        bus = f"arn:aws:events:{aws.REGION}:{aws.ACCOUNT}:event-bus/default"
        channels.append({"name": "bus", "type": "eventbridge", "eventBusArn": bus})
        scan = cloud.ended(cloud.apply("channels", "channels.log", notify={"channels": channels}))
    assert scan["status"]["reason"] == "Completed"
    slack, teams, hook = (posted.get_nowait() for _ in kinds)
    assert posted.empty()
    assert "&lt;b&gt;" in json.dumps(slack["blocks"])
    assert teams["attachments"][0]["content"]["type"] == "AdaptiveCard"
    assert hook["id"].startswith("msg_")
    (row,) = [row for row in cloud.rows("channels.log") if row["notified"]["M"]]
    notes, uid = row["notified"]["M"], scan["metadata"]["uid"]
    assert notes.keys() == {
        *(f"{uid}/channels/{name}_sent_at" for name in (*kinds, "bus")),
        f"{uid}/channels/lost_error",
    }
    assert "the Secret no-such has no key url" in notes[f"{uid}/channels/lost_error"]["S"]


@only_embedded
def test_a_scan_that_is_killed_is_told_of_by_another_pod(cloud: Cloud) -> None:
    posted = SimpleQueue[dict[str, Any]]()
    cloud.s3.put_object(Bucket=aws.BUCKET, Key="e2e/killed.log", Body=b"FATAL\n")
    little = {"requests": {"memory": "8Mi"}, "limits": {"memory": "8Mi"}}  # Docker takes no less than 6 MiB
    with receiver(posted) as url:
        metadata = {"name": "failures", "namespace": cloud.kubectl.namespace}
        cloud.kubectl.apply([{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"url": url}}])
        hook = {"name": "hook", "type": "webhook", "secretRef": {"name": "failures", "key": "url"}, "when": "Failure"}
        name = cloud.apply("killed", "e2e/killed.log", notify={"channels": [hook]}, job={"resources": little})
        status = cloud.ended(name)["status"]
        assert (status["phase"], status["reason"]) == ("Failed", "OutOfMemory")
        told = posted.get(timeout=60)
    assert (told["event"], told["scan"]["name"], told["key"]) == ("ScanFailed", name, "e2e/killed.log")
    assert (told["reason"], told["message"]) == (status["reason"], status["message"])
    assert posted.empty()


def mails_about(cloud: Cloud, key: str) -> list[str]:
    """Return the mails that name an object, as JSON."""
    with urllib.request.urlopen(f"{cloud.state.resources.endpoint}/_ministack/ses/messages") as answer:
        boxes = json.load(answer)["messages"].values()
    return [text for box in boxes for mail in box if key in (text := json.dumps(mail))]


def test_an_incomplete_scan_is_never_shown_as_clean(cloud: Cloud) -> None:
    """A rule over its match limit, and input that is cut off: in the status, in kubectl's list, in the row, by mail."""
    cloud.s3.put_object(Bucket=aws.BUCKET, Key="incomplete.log", Body=b"x" * 60 + b"!!z\nok\n")
    cloud.s3.put_object(Bucket=aws.BUCKET, Key="cut.log.gz", Body=gzip.compress(text(100, 1))[:-8])
    endless = {"inline": [{"name": "endless", "pattern": r"^(x|xx)+\1!?z$"}]}
    notify = {"email": {"to": ["sre@example.com"], "when": "Always"}}
    names = {
        "MatchLimit": cloud.apply("incomplete-rule", "incomplete.log", rules=endless, notify=notify),
        "Damaged": cloud.apply("incomplete-input", "cut.log.gz"),
    }
    scans = {reason: cloud.ended(name) for reason, name in names.items()}
    listed = cloud.kubectl.run("get", "logscans").splitlines()
    for reason, scan in scans.items():
        assert scan["status"]["phase"] == "Succeeded", scan["status"]
        assert reason in scan["status"]["message"]
        (line,) = [line for line in listed if line.startswith(f"{names[reason]} ")]
        assert reason in line.split()
    (part,) = scans["MatchLimit"]["status"]["summary"]["incomplete"]
    assert (part["reason"], part["rule"]) == ("MatchLimit", "endless")
    results = [ScanResult.from_item("t", row) for row in cloud.rows("incomplete.log")]
    assert [part.rule for result in results if result for part in result.incomplete] == ["endless"]
    if not EXTERNAL:
        (mail,) = mails_about(cloud, "incomplete.log")
        assert "clean" not in mail
        assert "MatchLimit (rule endless)" in mail


def test_the_operator_may_be_killed_at_any_time(cloud: Cloud) -> None:
    names = [cloud.upload(f"e2e/kill/{n}.log", text(200, n)) for n in range(12)]
    eventually(lambda: cloud.scan(names[0]).get("status", {}).get("phase"), what="work to begin")
    before = operator_pod(cloud)
    for _ in range(2):
        kill_operator(cloud)
        eventually(lambda: cloud.kubectl.get("pods", OPERATOR)["items"], what="its pod")
    for name in names:
        assert cloud.ended(name, 120)["status"]["phase"] == "Succeeded"
    after = operator_pod(cloud)
    if EXTERNAL:
        assert after["metadata"]["uid"] != before["metadata"]["uid"]
    else:
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert restarts(after) > restarts(before)
    for number, name in enumerate(names):
        assert len(cloud.jobs(cloud.scan(name))) == 1, f"{name} ran twice"
        assert len(cloud.rows(f"e2e/kill/{number}.log")) == 1


@only_embedded
def test_up_again_changes_nothing(cloud: Cloud, full_stack: Stack) -> None:
    assert full_stack.up() == cloud.state
    assert all(part.alive for part in full_stack.parts())


def test_the_namespace_enforces_the_restricted_level(cloud: Cloud) -> None:
    bad = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bad"},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }
    with pytest.raises(KubectlError, match='violates PodSecurity "restricted'):
        cloud.kubectl.run("apply", "--filename=-", stdin=json.dumps(bad))
