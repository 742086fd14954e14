"""How much waits in queues, by a real SQS emulator: depth, dead letters, and the age of what waits."""

import uuid
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from logscan_local.stack import aws
from logscan_local.stack.aws import Resources
from logscan_operator.aws import Queue
from logscan_operator.depths import OldestAge, QueueDepths
from logscan_operator.metrics import Metrics
from logscan_operator.view import View

FAR_PAST = 1_000.0


def exported(metrics: Metrics) -> dict[str, float]:
    """Return what a leader exports of queues, without the name of the queue."""
    metrics.lead(True)
    text = metrics.render(View(["logscan"])).decode()
    asked = ("logscan_queue_messages", "logscan_queue_oldest_message_age_seconds", "logscan_dead_letter_messages")
    return {
        f"{sample.name}{{{sample.labels.get('state', '')}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name in asked
    }


@pytest.mark.parametrize(
    ("waiting", "newest", "empty_at", "age"),
    [
        pytest.param(0, 0, None, 0, id="nothing waits"),
        pytest.param(5, 0, None, 100, id="nothing was received: since it began to look"),
        pytest.param(5, 940, None, 60, id="what waits was sent after what was received last"),
        pytest.param(5, 300, None, 700, id="a message received long after it was sent"),
        pytest.param(5, 300, 990, 10, id="nothing waited ten seconds ago"),
        pytest.param(5, 2000, None, 0, id="a clock that is ahead"),
    ],
)
def test_the_age_of_what_waits_is_estimated(waiting: int, newest: float, empty_at: float | None, age: float) -> None:
    oldest = OldestAge(began=900.0)
    if empty_at is not None:
        assert oldest.seconds(0, newest, empty_at) == 0
    assert oldest.seconds(waiting, newest, 1000.0) == age


@pytest.fixture
def sqs(emulator: Resources, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the administrator's client; clients that are made by the operator's code are those of its user."""
    environment = {"AWS_ENDPOINT_URL": emulator.endpoint, "AWS_REGION": aws.REGION, **emulator.operator.environment()}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return aws.client("sqs", emulator.endpoint)


def send(sqs: Any, url: str, *bodies: str) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=body, MessageDeduplicationId=uuid.uuid4().hex)


@pytest.mark.emulator
async def test_what_waits_is_counted_by_the_operators_own_rights(emulator: Resources, sqs: Any) -> None:
    metrics, queue = Metrics(1), Queue(emulator.queue_url, wait_seconds=0, visibility_seconds=600)
    send(sqs, emulator.queue_url, "a", "b", "c")
    send(sqs, emulator.dead_letter_queue_url, "dead")
    try:
        (received,) = await queue.receive(1)
        await QueueDepths(queue, [lambda: FAR_PAST, lambda: received.sent], metrics).update()
    finally:
        for url in (emulator.queue_url, emulator.dead_letter_queue_url):
            sqs.purge_queue(QueueUrl=url)
    told = exported(metrics)
    assert 0 <= told.pop("logscan_queue_oldest_message_age_seconds{") < 3600  # of this test, and not since 1970
    assert told == {
        "logscan_queue_messages{visible": 2,
        "logscan_queue_messages{in_flight": 1,
        "logscan_dead_letter_messages{": 1,
    }


@pytest.mark.emulator
async def test_numbers_of_a_queue_that_cannot_be_asked_are_not_exported(
    emulator: Resources, sqs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.ADMINISTRATOR.environment().items():
        monkeypatch.setenv(name, value)
    metrics, url = Metrics(1), sqs.create_queue(QueueName="gone")["QueueUrl"]
    depths = QueueDepths(Queue(url, wait_seconds=0, visibility_seconds=60), [], metrics)
    await depths.update()
    assert exported(metrics) == {
        "logscan_queue_messages{visible": 0,
        "logscan_queue_messages{in_flight": 0,
        "logscan_queue_oldest_message_age_seconds{": 0,
    }  # and no dead-letter queue, since it has none
    sqs.delete_queue(QueueUrl=url)
    await depths.update()
    assert exported(metrics) == {}
    assert metrics.registry.get_sample_value("logscan_aws_errors_total", {"service": "sqs"}) == 1
