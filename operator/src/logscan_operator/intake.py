"""From messages to LogScans. A message means "make this resource"; it is deleted once the resource is stored.

Messages of one group are handled in order. The first that fails holds back the rest of its group, which come again
after a back-off; other groups go on. A message that nobody can read is left for the dead-letter queue.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import aiohttp

from logscan_api import API_VERSION, MalformedMessageError
from logscan_api.events import ObjectEvent, parse_message
from logscan_api.identity import identity_hash, scan_name
from logscan_api.labels import BUCKET_LABEL, POLICY_LABEL, label_value
from logscan_api.policies import LogScanPolicySpec, PolicyAction, choose
from logscan_operator import paths
from logscan_operator.aws import AwsError, Message, Queue
from logscan_operator.hearing import Receiving
from logscan_operator.items import IDENTITY_LABEL, Object
from logscan_operator.kube import ApiError
from logscan_operator.leases import FencedApi
from logscan_operator.metrics import Metrics
from logscan_operator.settings import Settings
from logscan_operator.view import View

PAUSE_SECONDS = 0.5
BACKOFF_FIRST_SECONDS = 2.0
BACKOFF_MOST_SECONDS = 300.0
POISON_SECONDS = 5.0

log = logging.getLogger("logscan.intake")


@dataclass(frozen=True)
class Ignored:
    """An object that is not to be scanned, and why."""

    reason: str


def decide(event: ObjectEvent, policies: dict[str, LogScanPolicySpec], namespace: str) -> Object | Ignored:
    """Return the LogScan to create for an event, or why there is to be none.

    Args:
        event: The object that was created.
        policies: The namespace's policies by name.
        namespace: Where LogScans are created.
    """
    if event.key.endswith("/") or event.size == 0:
        return Ignored("a folder or an empty object")
    name = choose(policies, event.bucket, event.key)
    if name is None:
        return Ignored("no LogScanPolicy matches it")
    if policies[name].action is PolicyAction.IGNORE:
        return Ignored(f"the LogScanPolicy {name} says so")
    source = event.model_dump(by_alias=True, exclude_none=True, include={"bucket", "key", "etag", "size", "sequencer"})
    if event.version_id not in (None, "null"):
        source["versionId"] = event.version_id
    return {
        "apiVersion": API_VERSION,
        "kind": "LogScan",
        "metadata": {
            "name": scan_name(event),
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/managed-by": "logscan",
                IDENTITY_LABEL: identity_hash(event),
                BUCKET_LABEL: label_value(event.bucket),
                POLICY_LABEL: label_value(name),
            },
        },
        "spec": {"source": {"s3": source}},
    }


def grouped(messages: Iterable[Message]) -> list[list[Message]]:
    """Return messages by group, in the order in which they were received."""
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.group, []).append(message)
    return list(groups.values())


def backoff_seconds(receives: int) -> float:
    """Return how long to hide a message that failed: doubled with each receive, up to five minutes."""
    return float(min(BACKOFF_FIRST_SECONDS * 2 ** min(receives - 1, 20), BACKOFF_MOST_SECONDS))


class Intake:
    """Reads the queue until told to stop."""

    def __init__(
        self,
        queue: Queue,
        api: FencedApi,
        view: View,
        settings: Settings,
        metrics: Metrics,
        alive: Callable[[], None],
    ) -> None:
        """Prepare.

        Args:
            queue: Where messages come from.
            api: Where LogScans are created.
            view: For policies, and for how many scans are unfinished.
            settings: The operator's settings.
            metrics: Where numbers go.
            alive: Called whenever the loop makes progress.
        """
        self._queue = queue
        self._api = api
        self._view = view
        self._settings = settings
        self._metrics = metrics
        self._alive = alive
        self.stopping = asyncio.Event()
        self.trouble: str | None = None
        self.receiving = Receiving()

    async def run(self) -> None:
        """Receive and handle messages until `stopping` is set; what is in hand then is finished."""
        failures = 0
        while not self.stopping.is_set():
            self._alive()
            full = sum(1 for _ in self._view.unfinished_in_sight()) >= self._settings.max_unfinished
            self._metrics.paused.set(full)
            if not self._view.synced or full or self._lacks_policies():
                self.receiving.rests()
                await self._pause(PAUSE_SECONDS)
                continue
            try:
                self.receiving.asks()
                messages = await self._queue.receive()
                self.receiving.rests()
                failures, self.trouble = 0, None
            except AwsError as error:
                failures += 1
                self.trouble = str(error)
                self._metrics.aws_errors.labels("sqs").inc()
                log.warning("cannot receive from the queue: %s", error)
                # Jitter, so that replicas of many clusters do not come back at the same moment.
                await self._pause(min(0.5 * 2.0**failures, 60.0) * random.uniform(0.5, 1))  # noqa: S311
                continue
            self._metrics.received.inc(len(messages))
            await self._handle(messages)

    def _lacks_policies(self) -> bool:
        """Return whether there is no policy at all, as in the middle of an installation: no message is lost to that."""
        lacking = not self._view.policies_in(self._settings.namespace)
        if lacking and self._view.synced:
            self.trouble = f"there is no LogScanPolicy in {self._settings.namespace}: messages wait in the queue"
        return lacking

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def _handle(self, messages: list[Message]) -> None:
        beat = asyncio.create_task(self._keep_hidden(messages))
        try:
            results = await asyncio.gather(*(self._handle_group(group) for group in grouped(messages)))
        finally:
            beat.cancel()
        done = [message for group in results for message in group]
        self._metrics.deleted.inc(len(done))
        await self._quietly("delete", self._queue.delete(done))

    async def _keep_hidden(self, messages: list[Message]) -> None:
        """Renew the visibility timeout of all messages in hand."""
        while messages:
            await asyncio.sleep(self._settings.visibility_seconds / 3)
            await self._quietly("extend", self._queue.hide(messages, self._settings.visibility_seconds))

    async def _handle_group(self, group: list[Message]) -> list[Message]:
        """Return the messages of a group that are done; the rest was put back."""
        for number, message in enumerate(group):
            try:
                await self._handle_message(message)
            except MalformedMessageError as error:
                self._metrics.rejected.labels("malformed").inc()
                facts = {"messageId": message.id, "receives": message.receives}
                log.error("a message cannot be read and is left for the dead-letter queue: %s", error, extra=facts)
                await self._quietly("release", self._queue.hide(group[number:], POISON_SECONDS))
                return group[:number]
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                self._metrics.rejected.labels("not-created").inc()
                seconds = backoff_seconds(message.receives)
                facts = {"messageId": message.id, "retrySeconds": seconds}
                log.warning("a LogScan was not created, the message comes again: %s", error, extra=facts)
                await self._quietly("release", self._queue.hide(group[number:], seconds))
                return group[:number]
        return group

    async def _handle_message(self, message: Message) -> None:
        namespace = self._settings.namespace
        for event in parse_message(message.body):
            decision = decide(event, self._view.policies_in(namespace), namespace)
            if isinstance(decision, Ignored):
                self._metrics.ignored.inc()
                log.info("not scanned: %s", decision.reason, extra={"messageId": message.id, "key": event.key})
            else:
                await self._create(decision, message)

    async def _create(self, manifest: Object, message: Message) -> None:
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        facts = {"scan": name, "messageId": message.id}
        try:
            self._view.scans.take(await self._api.request("POST", paths.scans(namespace), manifest))
            log.info("LogScan created", extra=facts)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            self._metrics.duplicates.inc()
            log.info("the LogScan is there already", extra=facts)

    async def _quietly(self, what: str, call: Awaitable[list[str]]) -> None:
        """Await a queue call whose failure means no more than that messages come again."""
        try:
            for problem in await call:
                log.warning("could not %s a message: %s", what, problem)
        except AwsError as error:
            log.warning("could not %s messages: %s", what, error)
