"""A normal load beside a hostile user: how much LogScans, policies, Jobs and nonsensical messages slow it down."""

import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
from operator_bench import GROUP, RULES, Bench, at_rest

from logscan_local.stack.apiserver import RefusedError
from logscan_local.testkit.fakekubelet import FakeKubelet

RATE = 5  # messages a second
PAUSE_SECONDS = 0.5  # between two hostile acts
HEAD = {"apiVersion": "logscan.dev/v1alpha1"}
# Rules that are refused only after work, or cost as much as a rule may.
COSTLY = [f"(?:{'|'.join(f'[a-z]{{{n}}}x{n}' for n in range(2, 40))}){{1,9}}y", r"(\w+\s?)*z", r"(?=a)(b|c)*\1d"]
BODIES = (
    "[" * 100_000,
    '{"schema": 1, "bucket": "logs", "key": ' + '{"a":' * 20_000,
    "garbage",
    json.dumps({"Records": [{"eventSource": "aws:ses"}, {"eventSource": "aws:s3", "s3": {"object": {"key": "%ff"}}}]}),
    json.dumps({"schema": 1, "bucket": "logs", "key": "a*" * 500 + "\u202e\x85", "etag": "e", "size": -(2**70)}),
    json.dumps({"schema": 1, "bucket": "logs", "key": "k", "etag": "e", "size": 10**30, "sequencer": "z" * 9000}),
)


def scans(number: int) -> Iterator[dict[str, Any]]:
    """Yield the LogScans of one round: each accepted by the API, and most of them nonsensical."""
    source = {"s3": {"bucket": "logs", "key": f"hostile/{number}"}}
    filler = [{"name": f"r{n}", "pattern": f"never {n} " + "x" * 900} for n in range(60)]
    yield {"source": source, "rules": {"inline": filler}, "suspend": True}  # near the largest spec
    yield {"source": source, "rules": RULES, "ttlSecondsAfterFinished": 2**31 - 1, "job": {"labels": {"attempt": "x"}}}
    yield {"source": source, "rules": RULES, "job": {"labels": {"fake-kubelet/exit": "137-OOMKilled"}}}
    yield {"source": source, "rules": RULES, "job": {"resources": {"limits": {"memory": "268435456000m"}}}}
    yield {"source": {"s3": {"bucket": "logs", "key": "\u202e\x85[31m*" + "a*" * 400}}, "rules": RULES}
    yield {"source": source, "rules": {"inline": [{"name": "slow", "pattern": COSTLY[number % len(COSTLY)]}]}}


class Hostile:
    """Acts in a namespace that the operator watches, and on its queue, until it is cancelled."""

    def __init__(self, bench: Bench, namespace: str, victim: str, url: str) -> None:
        """Take where to act.

        Args:
            bench: The stack.
            namespace: Its own namespace.
            victim: The namespace of the normal load.
            url: The queue.
        """
        self._bench, self._namespace, self._victim, self._url = bench, namespace, victim, url
        self.acts = 0

    async def run(self) -> None:
        """Act until cancelled."""
        for number in itertools.count():
            for spec in scans(number):
                await self._create(f"{GROUP}/{self._namespace}/logscans", "LogScan", spec)
            await self._create(f"{GROUP}/{self._namespace}/logscanpolicies", "LogScanPolicy", self._policy(number))
            await self._forge(number)
            body = BODIES[number % len(BODIES)]
            await asyncio.to_thread(self._send, body, f"hostile-{number}-{time.monotonic()}")

    async def _create(self, path: str, kind: str, spec: dict[str, Any]) -> None:
        await self._post(path, {**HEAD, "kind": kind, "metadata": {"generateName": "hostile-"}, "spec": spec})

    async def _post(self, path: str, document: dict[str, Any]) -> None:
        with suppress(RefusedError):
            await self._bench.api.request("POST", path, document)
        self.acts += 1
        await asyncio.sleep(PAUSE_SECONDS)

    async def _forge(self, number: int) -> None:
        """Create a Job that looks like one of the operator's for a scan of the normal load."""
        labels = {
            "app.kubernetes.io/name": "logscan-scanner",
            "app.kubernetes.io/managed-by": "logscan",
            "logscan.dev/scan": f"{self._victim}-{number}.log",
            "logscan.dev/attempt": "first",
        }
        container = {"name": "scanner", "image": "none"}
        pod = {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never", "containers": [container]}}
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "forged-", "labels": labels}}
        path = f"/apis/batch/v1/namespaces/{self._namespace}/jobs"
        await self._post(path, {**job, "spec": {"suspend": True, "template": pod}})

    def _policy(self, number: int) -> dict[str, Any]:
        inline = [{"name": f"r{n}", "pattern": pattern} for n, pattern in enumerate(COSTLY * 5)]
        return {"priority": number % 1000, "match": [{"keys": ["a*" * 100 + "b"]}], "rules": {"inline": inline}}

    def _send(self, body: str, unique: str) -> None:
        self._bench.sqs.send_message(
            QueueUrl=self._url, MessageBody=body, MessageGroupId=unique[:60], MessageDeduplicationId=unique[:60]
        )
        self.acts += 1


async def p99_of(bench: Bench, namespace: str, url: str, prefix: str, seconds: int) -> float:
    """Return the 99th percentile of the seconds from message to a final status at a steady rate."""
    ended: dict[str, float] = {}
    count = RATE * seconds

    async def follow() -> None:
        async for event in bench.watch(f"{GROUP}/{namespace}/logscans"):
            scan = event["object"]
            key = scan.get("spec", {}).get("source", {}).get("s3", {}).get("key", "")
            if key.startswith(prefix) and scan.get("status", {}).get("phase") == "Succeeded":
                ended.setdefault(key, time.monotonic())
                if len(ended) >= count:
                    return

    keys = [f"{prefix}{number}.log" for number in range(count)]
    _, sent = await asyncio.gather(asyncio.wait_for(follow(), seconds + 120), bench.send_steadily(url, keys, RATE))
    waits = sorted(ended[key] - at for key, at in sent.items())
    return waits[int(len(waits) * 0.99) - 1]


async def beside_a_hostile_user(bench: Bench, rounds: int, seconds: int) -> None:
    """Measure a normal load without and with a hostile user of another namespace, in turns."""
    namespace, other = await bench.namespace(), await bench.namespace()
    url = bench.queue(namespace)
    kubelet = FakeKubelet(bench.api, bench.state.resources.endpoint, [namespace, other])
    background = asyncio.create_task(kubelet.run())
    operator = bench.operator(namespace, url, watch_namespaces=other, max_concurrent="20", max_finished="100")
    calm, disturbed, acts = [], [], 0
    await p99_of(bench, namespace, url, "first/", 3)  # until it leads, and has done all once
    for number in range(rounds):
        calm.append(await p99_of(bench, namespace, url, f"calm-{number}/", seconds))
        hostile = Hostile(bench, other, namespace, url)
        acting = asyncio.create_task(hostile.run())
        disturbed.append(await p99_of(bench, namespace, url, f"disturbed-{number}/", seconds))
        acting.cancel()
        acts += hostile.acts
        await at_rest(psutil.Process(operator.process.pid))
    ratios = [two / one for one, two in zip(calm, disturbed, strict=True)]
    label = f"p99 of message to final status, {RATE}/s, beside {acts} hostile acts; ratio to that without, worst"
    ratio = f"{statistics.median(ratios):.2f}, {max(ratios):.2f}"
    bench.row(label, "<= 1.20", f"{statistics.median(disturbed):.2f} s, {statistics.median(calm):.2f} s; {ratio}")
    if operator.process.poll() is not None:
        raise RuntimeError("the operator ended")
    operator.kill()
    background.cancel()
    await asyncio.gather(bench.clear(namespace), bench.clear(other))
