"""Calls of SQS that are repeated without botocore's client: the same answers, and the client's errors."""

import asyncio
import json
from typing import Any

import pytest
from services import Service

from logscan_local.stack import aws
from logscan_local.stack.aws import Resources
from logscan_operator.aws import AT_ONCE, Message, Queue
from logscan_operator.errors import AwsError

BODIES = ["plain", 'quotes " and \\', "Grüße, 日本, 😀", json.dumps({"key": "a/b.log", "size": 1}), "lines\n\ttabs"]


class World:
    """A standard queue of the emulator, and how many calls botocore's client has made."""

    def __init__(self, resources: Resources, name: str, environment: pytest.MonkeyPatch) -> None:
        for variable, value in {**aws.ADMINISTRATOR.environment(), "AWS_ENDPOINT_URL": resources.endpoint}.items():
            environment.setenv(variable, value)
        self.sqs = aws.client("sqs", resources.endpoint)
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.queue = Queue(self.url, 0, 60)
        self.calls: list[str] = []
        self.queue._sqs.meta.events.register("before-call.sqs", self._called)

    def send(self, body: str) -> None:
        """Send a message."""
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    async def one(self) -> Message:
        """Return the next message."""
        (message,) = await self.queue.receive(1)
        return message

    def _called(self, model: Any, **_: object) -> None:
        self.calls.append(model.name)


@pytest.mark.emulator
async def test_the_first_call_is_the_clients_and_all_others_say_the_same(
    emulator: Resources, environment: pytest.MonkeyPatch
) -> None:
    world = World(emulator, "repeated", environment)
    for body in BODIES:
        world.send(body)
        message = await world.one()
        assert (message.body, message.receives, message.group) == (body, 1, message.id)
        assert message.sent > 0
        assert await world.queue.delete([message]) == []
    assert await world.queue.receive() == []
    assert world.calls == ["ReceiveMessage", "DeleteMessageBatch"]
    depth = await world.queue.depth()
    assert (depth.visible, depth.in_flight) == (0, 0)


@pytest.mark.emulator
async def test_what_sqs_refuses_has_the_code_that_the_client_gives_it(
    emulator: Resources, environment: pytest.MonkeyPatch
) -> None:
    world = World(emulator, "refused", environment)
    await world.queue.receive()
    world.sqs.delete_queue(QueueUrl=world.url)
    codes: list[str] = []
    for queue in (world.queue, Queue(world.url, 0, 60)):
        with pytest.raises(AwsError, match="queue") as caught:
            await queue.receive()
        codes.append(caught.value.code)
    assert codes[0] == codes[1] != ""


async def test_an_answer_that_is_no_success_is_asked_for_again_by_the_client(service: Service) -> None:
    queue = Queue("http://q", 0, 10)
    raw = {"MessageId": "m", "ReceiptHandle": "r", "Body": "b"}
    service.answer = {"Messages": [raw]}
    first, second = await queue.receive(), await queue.receive()
    assert first == second == [Message(id="m", receipt="r", body="b", group="m", receives=1)]
    service.status, service.answer = 400, {"__type": "com.amazonaws.sqs#OverLimit", "message": "too many"}
    with pytest.raises(AwsError, match="too many") as caught:
        await queue.receive()
    assert caught.value.code == "OverLimit"
    assert all(asked == service.asked[0] for asked in service.asked), "the same is asked each time"
    service.status, service.answer = 200, {"Messages": [raw]}
    assert await queue.receive() == first


async def test_a_queue_that_is_gone_is_an_error_without_a_code(service: Service) -> None:
    queue = Queue("http://q", 0, 10)
    await queue.receive()
    service.server.shutdown()
    service.server.server_close()
    with pytest.raises(AwsError) as caught:
        await queue.receive()
    assert caught.value.code == ""


async def test_the_messages_of_a_whole_list_are_deleted_in_few_calls_at_once(service: Service) -> None:
    queue = Queue("http://q", 0, 10)
    gone = Message(id="m", receipt="r", body="b", group="m", receives=1)
    await asyncio.gather(*(queue.delete([gone]) for _ in range(50)))
    assert len(service.asked) == 50
    assert 1 <= service.at_once <= AT_ONCE
