"""`make bench-batches`: one scanner process with many small objects, beside a download and `zgrep -c` for each rule.

The scanner runs as in a Job, a thousand objects a process, one process after the other, on one core; what serves it
runs on the others. The peer's counts must be ours.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import log_corpus
import peers
import row_server
import s3_gateway
from processes import Run, run
from stored_logs import small_bodies

from logscan_api.requests import ObjectRows, ScanIdentity, ScanRequest, resolve_limits
from logscan_api.rules import Rule
from logscan_api.sources import MOST_OBJECTS, S3Source
from logscan_api.statuses import ResultRef
from logscan_local.stack import aws
from logscan_scanner.program import read_request

BUCKET, TABLE = "bench-logs", "bench-results"
BAR, BAR_RESIDENT = 200, 128
DIFFERENT = 500  # contents; more keys have them again


class Bench:
    """Objects in an S3 server, and what scans them."""

    def __init__(self, folder: Path, rules: list[Rule], s3: str, rows: str, core: int) -> None:
        self.folder, self.rules, self.s3, self.rows, self.core = folder, rules, s3, rows, core
        self._environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self._environment |= {"MALLOC_ARENA_MAX": "1", **aws.ADMINISTRATOR.environment(), "AWS_REGION": aws.REGION}
        self._environment |= {"AWS_DEFAULT_REGION": aws.REGION, "AWS_ENDPOINT_URL_S3": s3}

    def store(self, count: int, size: int, failing: float) -> list[str]:
        """Store gzipped logs and return their keys."""
        s3 = aws.client("s3", self.s3)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        bodies = list(small_bodies(min(count, DIFFERENT), size, failing))
        print(f"{count} objects of {statistics.mean(map(len, bodies)) / 1000:.1f} KB on average", flush=True)
        keys = [f"app/{number % 97:02}/{number:06}.log.gz" for number in range(count)]
        for number, key in enumerate(keys):
            s3.put_object(Bucket=BUCKET, Key=key, Body=bodies[number % len(bodies)])
        return keys

    def scan(self, keys: Sequence[str], prefix: Sequence[str] = ()) -> tuple[Run, dict[str, Any]]:
        """Scan objects in one process; return what it took, and the row of the sum."""
        request = _request(keys, self.rules)
        more = {"AWS_ENDPOINT_URL_DYNAMODB": self.rows, "LOGSCAN_TERMINATION_PATH": os.devnull}
        environment = {**self._environment, **more, "LOGSCAN_REQUEST": request.to_variable()}
        read_request(environment, ScanRequest)  # or the scanner ends before it asks for anything
        command = [*prefix, "taskset", "-c", str(self.core), sys.executable, "-m", "logscan_scanner"]
        took = run(command, environment)
        key = {"pk": {"S": request.result.pk}, "sk": {"S": request.result.sk}}
        row: dict[str, Any] = aws.client("dynamodb", self.rows).get_item(TableName=TABLE, Key=key)["Item"]
        return took, row

    def peer(self, keys: Sequence[str]) -> tuple[float, dict[str, int]]:
        """Download objects and count with zgrep, all on the scanner's core; return seconds, and lines of each rule."""
        target, pin = self.folder / "downloaded", ["taskset", "-c", str(self.core)]
        begin = perf_counter()
        peers.download(BUCKET, keys, target, {**self._environment, "AWS_ENDPOINT_URL": self.s3}, pin)
        counts = {rule.name: peers.zgrep(rule, [target / key for key in keys], pin) for rule in self.rules}
        seconds = perf_counter() - begin
        shutil.rmtree(target)
        return seconds, counts


def _request(keys: Sequence[str], rules: list[Rule]) -> ScanRequest:
    uid = uuid.uuid4().hex
    return ScanRequest(
        scan=ScanIdentity(namespace="n", name="s", uid=uid, attempt=1),
        source=S3Source.model_validate({"bucket": BUCKET, "objects": [{"key": key} for key in keys]}),
        rules=rules,
        limits=resolve_limits(),
        result=ResultRef(table=TABLE, pk=f"n#B#{BUCKET}#{uid}", sk="S#1"),
        tokens=["t" * 64],
        rows=ObjectRows(outcome="0" * 16, tokens=[["t" * 64]] * len(keys)),
    )


def _counts(row: dict[str, Any]) -> Counter[str]:
    return Counter({name: int(count["N"]) for name, count in row["by_rule"]["M"].items()})


def _measure(bench: Bench, keys: Sequence[str], rounds: int, peer_objects: int) -> None:
    speeds, resident, cpu = [], 0.0, []
    for _ in range(rounds):
        runs = []
        for start in range(0, len(keys), MOST_OBJECTS):
            took, row = bench.scan(keys[start : start + MOST_OBJECTS])
            assert int(row["object_counts"]["M"]["done"]["N"]) == len(keys[start : start + MOST_OBJECTS])
            runs.append(took)
        speeds.append(len(keys) / sum(took.seconds for took in runs))
        cpu.append(sum(took.cpu_seconds for took in runs) / len(keys) * 1000)
        resident = max(resident, *(took.resident for took in runs))
    some = keys[:peer_objects]
    seconds, theirs = bench.peer(some)
    if _counts(bench.scan(some)[1]) != Counter(theirs):
        raise RuntimeError(f"by rule: ours found {_counts(bench.scan(some)[1])}, the peer {theirs}")
    matched = int(row["matched_lines"]["N"]) / int(row["lines"]["N"])
    speed, peer = statistics.median(speeds), len(some) / seconds
    print("\n| what | ours | worst | CPU an object | resident | download and zgrep -c for each rule | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(
        f"| {len(keys)} objects, {len(bench.rules)} rules, {matched:.0%} of lines match (bar: {BAR}/s, "
        f"{BAR_RESIDENT} MiB) | {speed:.0f}/s | {min(speeds):.0f}/s | {statistics.median(cpu):.2f} ms | "
        f"{resident:.0f} MiB | {peer:.1f}/s | {speed / peer:.0f} |"
    )


@contextmanager
def _servers(folder: Path, core: int) -> Iterator[tuple[str, str]]:
    """Serve S3 and a table on other cores than the scanner's, and yield their endpoints."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, usable - {core} or usable)
    with s3_gateway.serving(folder / "s3") as s3, row_server.serving() as rows:
        os.sched_setaffinity(0, usable)
        yield s3, rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=20_000, help="bytes of an object, gzipped, on average")
    parser.add_argument("--rules", type=int, default=30)
    parser.add_argument("--failing", type=float, default=0.14, help="share of lines that are bad news")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-objects", type=int, default=200, help="so few, since the peer takes a minute for them")
    options = parser.parse_args()
    core = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, _servers(Path(folder), core) as (s3, rows):
        bench = Bench(Path(folder), log_corpus.rules(options.rules), s3, rows, core)
        keys = bench.store(options.objects, options.size, options.failing)
        _measure(bench, keys, options.rounds, options.peer_objects)


if __name__ == "__main__":
    main()
