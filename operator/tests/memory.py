"""A queue and an API server in memory, for tests of the intake."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

from objects import SETTINGS, synced_view

from logscan_operator.accepting import Acceptor
from logscan_operator.aws import Message
from logscan_operator.circuit import Circuit
from logscan_operator.errors import ApiError
from logscan_operator.gatherer import Gatherer
from logscan_operator.intake import Intake
from logscan_operator.items import Object
from logscan_operator.metrics import Metrics
from logscan_operator.storing import Store
from logscan_operator.view import View

DEFAULT = {
    "metadata": {"namespace": "logscan", "name": "default", "resourceVersion": "1"},
    "spec": {"rules": {"packs": ["generic"]}},
}


class MemoryQueue:
    """A queue in memory with the interface of `aws.Queue`."""

    def __init__(self, *batches: list[Message] | Exception) -> None:
        self.batches = list(batches)
        self.asked: list[int] = []
        self.deleted: list[str] = []
        self.hidden: list[tuple[str, float]] = []
        self.intake: Intake | None = None

    async def receive(self, most: int) -> list[Message]:
        """Return the next batch; the last one stops the intake."""
        self.asked.append(most)
        batch = self.batches.pop(0)
        if not self.batches and self.intake is not None:
            self.intake.stopping.set()
        if isinstance(batch, Exception):
            raise batch
        return batch

    async def delete(self, messages: list[Message]) -> list[str]:
        """Record what is deleted; report a problem, which must harm nothing."""
        self.deleted += [message.id for message in messages]
        return ["ReceiptHandleIsInvalid: expired"]

    async def hide(self, messages: list[Message], seconds: float) -> list[str]:
        """Record what is hidden."""
        self.hidden += [(message.id, seconds) for message in messages]
        return []


class MemoryApi:
    """The part of `kube.ApiServer` that the intake uses; refuses some keys."""

    def __init__(self, refusals: dict[str, Exception], *there: Object) -> None:
        self.refusals = refusals
        self.created: list[str] = []
        self.stored: dict[str, Object] = {body["metadata"]["name"]: body for body in there}

    def holds(self) -> bool:
        """Say that this process leads."""
        return True

    async def request(
        self, method: str, path: str, body: Object | None = None, query: dict[str, str] | None = None
    ) -> Object:
        """Store a LogScan, or say whether it would be stored."""
        if body is None:
            name = (query or {}).get("fieldSelector", "").partition("=")[2]
            return {"items": [self.stored[name]] if name in self.stored else []}
        source, name = body["spec"]["source"]["s3"], body["metadata"]["name"]
        keys = [found["key"] for found in source.get("objects", [source])]
        for key in keys:
            if key in self.refusals:
                raise self.refusals[key]
        if name in self.stored:
            raise ApiError(409, "AlreadyExists", f"{name} exists")
        facts = {"uid": name, "resourceVersion": "1", "creationTimestamp": "2026-11-24T08:00:00Z"}
        made = {**body, "metadata": {**body["metadata"], **facts}}
        if not query:
            self.created.append(" ".join(keys))
            self.stored[name] = made
        return made


def newer(body: Object) -> Object:
    """Return an object in its next version."""
    body["metadata"]["resourceVersion"] = str(int(body["metadata"]["resourceVersion"]) + 1)
    return body


def message(number: int, group: str, key: str | None = None, receives: int = 1, **facts: Any) -> Message:
    event = {"schema": 1, "bucket": "logs", "key": key, "etag": str(number), **facts}
    body = json.dumps(event) if key else "garbage"
    return Message(id=f"m{number}", receipt="r", body=body, group=group, receives=receives)


def intake_of(
    queue: MemoryQueue, api: MemoryApi, view: View, alive: Callable[[], None] = lambda: None, **settings: Any
) -> Intake:
    metrics = Metrics(1)
    circuit = Circuit(cast("Any", api), "logscan", metrics)
    use = SETTINGS.model_copy(update=settings)
    acceptor = Acceptor(Store(cast("Any", api), view, metrics), circuit)
    gatherer = Gatherer(acceptor, "logscan", use.supersede)
    queue.intake = Intake(cast("Any", queue), acceptor, gatherer, circuit, view, use, metrics, alive)
    return queue.intake


def handled(queue: MemoryQueue, refusals: dict[str, Exception] | None = None) -> tuple[MemoryApi, View]:
    api, view = MemoryApi(refusals or {}), synced_view()
    view.policies.take(DEFAULT)
    asyncio.run(asyncio.wait_for(intake_of(queue, api, view).run(), 20))
    return api, view
