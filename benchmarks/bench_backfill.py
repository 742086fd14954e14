"""`make bench-backfill`: small objects under a prefix on the embedded stack, beside a download and zgrep for each rule.

Everything is as a user has it: the operator lists, Jobs scan, and the time ends when `kubectl get` shows the end. Both
read from the stack's S3 emulator and may use all cores. What the peer counts in its objects must be in their rows.
"""

import argparse
import json
import os
import statistics
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

import log_corpus
import peers
from stored_logs import small_bodies

from logscan_api.identity import partition_key
from logscan_api.rules import Rule
from logscan_api.sources import S3Source
from logscan_local.stack import aws
from logscan_local.stack.stacks import Stack
from logscan_local.stack.state import State
from logscan_tools.manifests import NAMESPACE
from logscan_tools.polling import poll

PREFIX = "bench/"
DIFFERENT = 500  # contents; more keys have them again
SECONDS = 3600


class Bench:
    """A running stack with a bucket of objects."""

    def __init__(self, stack: Stack, state: State, rules: list[Rule], keys: list[str]) -> None:
        self.state, self.rules, self.keys = state, rules, keys
        self._kubectl = stack.kubectl()
        self._s3 = aws.client("s3", state.resources.endpoint)

    def store(self, size: int, failing: float) -> None:
        """Store gzipped logs where no notification is sent, since each would be an upload of its own."""
        bodies = list(small_bodies(min(len(self.keys), DIFFERENT), size, failing))
        print(f"{len(self.keys)} objects of {statistics.mean(map(len, bodies)) / 1000:.1f} KB on average", flush=True)

        def put(number: int) -> None:
            self._s3.put_object(Bucket=aws.BUCKET, Key=self.keys[number], Body=bodies[number % len(bodies)])

        silent: dict[str, Any] = {"Bucket": aws.BUCKET, "NotificationConfiguration": {}}
        self._s3.put_bucket_notification_configuration(**silent)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(put, range(len(self.keys))))

    def scan(self, name: str, prefix: str) -> tuple[float, dict[str, Any]]:
        """Scan a prefix and return the seconds from `kubectl apply` to its end, and its status."""
        rules = [rule.model_dump(mode="json", by_alias=True, exclude_defaults=True) for rule in self.rules]
        source = {"bucket": aws.BUCKET, "prefix": prefix}
        document = {
            "apiVersion": "logscan.dev/v1alpha1",
            "kind": "LogScan",
            "metadata": {"name": name},
            "spec": {"source": {"s3": source}, "rules": {"inline": rules}},
        }
        begin = perf_counter()
        self._kubectl.run("apply", "--filename=-", stdin=json.dumps(document))

        def ended() -> dict[str, Any]:
            status: dict[str, Any] = self._kubectl.get("logscan", name).get("status", {})
            return status if status.get("phase") in ("Succeeded", "Failed") else {}

        status = poll(ended, SECONDS, f"{name} to end", 0.5)
        return perf_counter() - begin, status

    def counts(self, keys: Sequence[str]) -> Counter[str]:
        """Return the sums of some objects' rows, by rule."""
        dynamodb, found = aws.client("dynamodb", self.state.resources.endpoint), Counter[str]()
        for key in keys:
            query = {
                "KeyConditionExpression": "pk = :pk AND begins_with(sk, :scans)",
                "ExpressionAttributeValues": {
                    ":pk": {"S": partition_key(NAMESPACE, S3Source(bucket=aws.BUCKET, key=key))},
                    ":scans": {"S": "S#"},
                },
            }
            (row,) = dynamodb.query(TableName=self.state.resources.table, **query)["Items"]
            found.update({name: int(count["N"]) for name, count in row["by_rule"]["M"].items()})
        return found

    def peer(self, keys: Sequence[str], folder: Path) -> tuple[float, Counter[str]]:
        """Download objects and count with zgrep, a rule on each core; return the seconds, and lines by rule."""
        environment = {**os.environ, **aws.ADMINISTRATOR.environment(), "AWS_DEFAULT_REGION": aws.REGION}
        environment["AWS_ENDPOINT_URL"] = self.state.resources.endpoint
        files = [folder / key for key in keys]
        begin = perf_counter()
        peers.download(aws.BUCKET, keys, folder, environment)
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            found = threads.map(lambda rule: peers.zgrep(rule, files), self.rules)
            counts = Counter(dict(zip((rule.name for rule in self.rules), found, strict=True)))
        return perf_counter() - begin, counts


def _measure(bench: Bench, peer_objects: int) -> None:
    seconds, status = bench.scan("whole", PREFIX)
    if status["objects"]["done"] != len(bench.keys):
        raise RuntimeError(f"not all objects were scanned: {status}")
    some = bench.keys[:peer_objects]
    with tempfile.TemporaryDirectory(prefix="logscan-bench-") as folder:
        theirs, counts = bench.peer(some, Path(folder))
    if +bench.counts(some) != +counts:
        raise RuntimeError(f"by rule: ours found {+bench.counts(some)}, the peer {+counts}")
    speed, peer = len(bench.keys) / seconds, len(some) / theirs
    print("\n| what | ours | download and zgrep -c for each rule | ratio |\n| --- | --- | --- | --- |")
    print(
        f"| {len(bench.keys)} objects under a prefix, {len(bench.rules)} rules, embedded stack | "
        f"{seconds:.0f} s, {speed:.0f}/s | {peer:.1f}/s ({len(some)} objects) | {speed / peer:.1f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=20_000, help="bytes of an object, gzipped, on average")
    parser.add_argument("--rules", type=int, default=30)
    parser.add_argument("--failing", type=float, default=0.14, help="share of lines that are bad news")
    parser.add_argument("--peer-objects", type=int, default=200, help="so few, since the peer takes a minute for them")
    options = parser.parse_args()
    keys = [f"{PREFIX}{number:06}.log.gz" for number in range(options.objects)]
    stack = Stack(f"bench-{os.getpid()}", lambda line: None)
    try:
        bench = Bench(stack, stack.up(), log_corpus.rules(options.rules), keys)
        bench.store(options.size, options.failing)
        _measure(bench, options.peer_objects)
    finally:
        stack.down()


if __name__ == "__main__":
    main()
