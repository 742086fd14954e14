"""A backfill through the whole pipeline while its operator and half of its pods are killed: no count changes.

`make chaos` runs it with 10,000 objects.
"""

import gzip
import json
import os
import random
import signal
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

import psutil
import pytest
from clouds import EXTERNAL, Cloud, kill_operator

from logscan_api.results import ScanResult
from logscan_api.rules import Rule
from logscan_local.stack import aws
from logscan_local.stack.kubectl import KubectlError, Object
from logscan_local.stack.nodes import DOCKER
from logscan_local.testkit.clusters import Cluster
from logscan_local.testkit.waiting import eventually

pytestmark = pytest.mark.stack


class Size(NamedTuple):
    """How much of everything."""

    objects: int
    part: int  # objects of a pod
    kills: int  # of the operator
    seconds: float  # that it may take between two kills of the operator


SIZES = {"short": Size(60, 12, 1, 180), "full": Size(10_000, 250, 3, 900)}
SIZE = SIZES[os.environ.get("LOGSCAN_TEST_CHAOS", "short")]
RULES = [
    Rule(name="refused", pattern="connection refused"),
    Rule(name="any-error", pattern=r"\b(ERROR|E\d{4})\b"),
    Rule(name="slow", pattern=r"took (?!2 )\d+ ms$"),
]
KINDS = (
    "INFO request served, took {n} ms",
    "ERROR connection refused by 10.0.0.{n}",
    "E1124 08:00:00.00000{n} reflector.go:166] failed to watch",
    '{{"level":"warn","msg":"took {n} ms"}}',
)


class PodKiller:
    """Kills (-9) every second scanner that it sees, some moment after its start; a context manager.

    Attributes:
        seen: How many scanners it saw.
        killed: How many of them it killed.
    """

    def __init__(self, node: int) -> None:
        """Kill nothing yet.

        Args:
            node: The process of the node.
        """
        self.seen = self.killed = 0
        self._node = psutil.Process(node)
        self._known: set[int] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        chance = random.Random(1)
        while not self._ended.wait(0.05):
            for process in self._new():
                self.seen += 1
                if self.killed * 2 < self.seen:
                    self._ended.wait(chance.uniform(0, 0.6))
                    with suppress(psutil.NoSuchProcess):
                        process.send_signal(signal.SIGKILL)
                        self.killed += 1

    def _new(self) -> Iterator[psutil.Process]:
        for process in self._node.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                command = process.cmdline()
                if process.pid in self._known or len(command) < 2 or not command[1].endswith("/logscan-scanner"):
                    continue
                self._known.add(process.pid)
                yield process


class Archive:
    """A bucket of its own, which announces nothing, full of logs.

    Attributes:
        bucket: Its name.
        keys: The keys in it.
    """

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        """Create it, and keep all its objects one after the other in a file, which is gzip again."""
        self.bucket = f"archive-{uuid.uuid4().hex[:8]}"
        self.keys = [f"app/{number % 7}/{number:05} a+b.log.gz" for number in range(SIZE.objects)]
        self.all = folder / "all.gz"
        self._cloud = cloud
        cloud.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        chance = random.Random(SIZE.objects)
        bodies = [gzip.compress(log(chance), 1) for _ in self.keys]
        self.all.write_bytes(b"".join(bodies))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._put, self.keys, bodies))

    def _put(self, key: str, body: bytes) -> None:
        self._cloud.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def rows(self) -> Iterator[ScanResult]:
        """Yield the rows of its objects."""
        table, start = self._cloud.state.resources.table, f"{self._cloud.kubectl.namespace}#O#{self.bucket}#"
        for page in self._cloud.dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                if item["pk"]["S"].startswith(start) and item["sk"]["S"].startswith("S#"):
                    found = ScanResult.from_item(table, item)
                    assert found is not None
                    yield found


def log(chance: random.Random) -> bytes:
    """Return a log that the rules match here and there."""
    lines = (chance.choice(KINDS).format(n=chance.randrange(9)) for _ in range(chance.randrange(1, 60)))
    return "".join(f"2026-11-24T08:00:00Z {line}\n" for line in lines).encode()


def zgrep(rule: Rule, path: Path) -> int:
    """Return how many lines of a file zgrep finds."""
    command = ["zgrep", "-a", "-c", "-P", "-e", str(rule.pattern), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"})
    return int(done.stdout)


@contextmanager
def allowed(cloud: Cloud, bucket: str) -> Iterator[None]:
    """Let operator and scanner read a bucket meanwhile."""
    iam = aws.client("iam", cloud.state.resources.endpoint)
    arn = f"arn:aws:s3:::{bucket}"
    statements = [
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [arn]},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": [f"{arn}/*"]},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    users = ("logscan-operator", "logscan-scanner")
    for user in users:
        iam.put_user_policy(UserName=user, PolicyName=bucket, PolicyDocument=document)
    yield
    for user in users:
        iam.delete_user_policy(UserName=user, PolicyName=bucket)


def finished(cloud: Cloud) -> int:
    """Return how many objects of the backfill are finished; what was seen last counts while nothing answers."""
    with suppress(KubectlError):
        counts = cloud.scan("chaos").get("status", {}).get("objects", {})
        return sum(int(counts.get(name, 0)) for name in ("done", "skipped", "failed"))
    return 0


def disturbed(cloud: Cloud, node: int) -> tuple[Object, PodKiller]:
    """Kill the operator now and then, and half of the pods, while the backfill goes on; return how it ended."""
    with PodKiller(node) as killer:
        for kill in range(1, SIZE.kills + 1):
            goal = SIZE.objects * kill // (SIZE.kills + 1)
            eventually(lambda goal=goal: finished(cloud) >= goal, SIZE.seconds, f"{goal} objects to be finished")  # type: ignore[misc]
            kill_operator(cloud)
        return cloud.ended("chaos", SIZE.seconds)["status"], killer


@pytest.mark.skipif(EXTERNAL, reason="it kills the processes of pods")
def test_a_backfill_counts_the_same_whatever_is_killed(
    full_stack: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = Cloud(full_stack)
    if cloud.state.runtime.kind == DOCKER:
        pytest.skip("it kills the processes of pods")
    (node,) = [part.pid for part in cloud.state.parts if part.name == "node"]
    archive = Archive(cloud, tmp_path)
    source = {"bucket": archive.bucket, "prefix": "app/", "pageObjects": SIZE.part, "parallelism": 4}
    rules = {"inline": [rule.wire() for rule in RULES]}
    spec = {"source": {"s3": source}, "rules": rules, "attempts": 10}
    document = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", "metadata": {"name": "chaos"}, "spec": spec}
    began = time.monotonic()
    with allowed(cloud, archive.bucket):
        cloud.kubectl.run("apply", "--filename=-", stdin=json.dumps(document))
        status, killer = disturbed(cloud, node)
    took = time.monotonic() - began
    assert status["phase"] == "Succeeded", status
    expected = {rule.name: zgrep(rule, archive.all) for rule in RULES}
    counts, rows, found = status["objects"], Counter[str](), Counter[str]()
    for row in archive.rows():
        rows[row.key] += 1
        found.update(row.by_rule)
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{SIZE.objects} objects, {took:.0f} s, operator killed {SIZE.kills} times, {killer.killed} of "
            f"{killer.seen} scanners killed, {sum(rows.values())} rows, lines by rule {dict(found)}, zgrep {expected}, "
            f"counts {counts['done']} done and {counts['skipped']} skipped"
        )
    assert rows == dict.fromkeys(archive.keys, 1)
    assert dict(found) == expected
    assert {top["rule"]: top["lines"] for top in status["summary"]["topRules"]} == expected
    assert counts["done"] + counts["skipped"] == counts["total"] == SIZE.objects
    assert killer.killed * 3 > killer.seen
    cloud.kubectl.run("delete", "logscan", "chaos")
