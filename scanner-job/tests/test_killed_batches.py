"""Batches by the real process, which is killed or has many objects, beside a real S3 emulator."""

import gzip
import os
import random
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from logscan_api.requests import ObjectRows, ScanIdentity, ScanRequest, resolve_limits
from logscan_api.rules import Rule
from logscan_api.signatures import is_signed, tokens
from logscan_api.sources import S3Source
from logscan_api.statuses import ResultRef
from logscan_api.table import table_definition
from logscan_local.stack import aws
from logscan_local.stack.emulator import running
from logscan_local.testkit.waiting import eventually
from logscan_scanner.batches import members_of

pytestmark = pytest.mark.emulator

BUCKET, TABLE, OBJECTS = "batch-logs", "batch-results", 1000
LARGE_BYTES = 20_000_000
RULES = [
    Rule(name="bad", pattern=r"\bbad\b"),
    Rule(name="late", pattern=r"took [5-9]\d{3} ms"),
    Rule(name="none", pattern="absent"),
]
LAUNCHER = """
import os, sys
child = os.fork()
if not child:
    os.execv(sys.executable, [sys.executable, "-m", "logscan_scanner"])
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


@dataclass(frozen=True)
class Stored:
    """The emulator, and the files that its objects were made of.

    Attributes:
        endpoint: The emulator's.
        files: The gzipped logs by their keys.
    """

    endpoint: str
    files: dict[str, Path]

    def request(self, keys: list[str]) -> ScanRequest:
        """Return a request of a new LogScan for some objects."""
        source = S3Source.model_validate({"bucket": BUCKET, "objects": [{"key": key} for key in keys]})
        identity = ScanIdentity(namespace="n", name="s", uid=uuid.uuid4().hex, attempt=1)
        rows = ObjectRows(outcome="0" * 16, tokens=[])
        signing = [tokens([b"key"], rows.ref(TABLE, identity, found)) for found in source.each]
        return ScanRequest(
            scan=identity,
            source=source,
            rules=RULES,
            limits=resolve_limits(),
            tokens=["t" * 64],
            result=ResultRef(table=TABLE, pk=f"n#B#{BUCKET}#{identity.uid}", sk="S#1"),
            rows=rows.model_copy(update={"tokens": signing}),
        )

    def environment(self, request: ScanRequest) -> dict[str, str]:
        """Return the environment of a Job."""
        more = {"AWS_REGION": aws.REGION, "AWS_ENDPOINT_URL": self.endpoint, "MALLOC_ARENA_MAX": "1"}
        more |= {"LOGSCAN_REQUEST": request.to_variable(), "LOGSCAN_TERMINATION_PATH": os.devnull}
        return {**os.environ, **aws.ADMINISTRATOR.environment(), **more}

    def rows(self, request: ScanRequest) -> dict[str, dict[str, Any]]:
        """Return the rows of a request's objects that are there, by key."""
        dynamodb, found = aws.client("dynamodb", self.endpoint), {}
        for page in dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True):
            for item in page["Items"]:
                if request.scan.uid in item["sk"]["S"]:
                    assert item["key"]["S"] not in found, "two rows of one object"
                    found[item["key"]["S"]] = item
        return found

    def has_rows(self, request: ScanRequest, least: int) -> bool:
        """Return whether so many of a request's objects have a row."""
        return len(self.rows(request)) >= least

    def sum(self, request: ScanRequest) -> dict[str, Any]:
        """Return the row of the sum."""
        key = {"pk": {"S": request.result.pk}, "sk": {"S": request.result.sk}}
        answer = aws.client("dynamodb", self.endpoint).get_item(TableName=TABLE, Key=key, ConsistentRead=True)
        row: dict[str, Any] = answer["Item"]
        return row

    def expected(self, keys: list[str]) -> dict[str, int]:
        """Return what zgrep counts for each rule in some of the logs."""
        files = [str(self.files[key]) for key in keys]
        commands = {rule.name: ["zgrep", "-h", "-c", "-P", str(rule.pattern), *files] for rule in RULES}
        told = {name: subprocess.run(command, capture_output=True, check=False) for name, command in commands.items()}
        return {name: sum(map(int, done.stdout.split())) for name, done in told.items()}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    chance, folder = random.Random(5), tmp_path_factory.mktemp("logs")
    with running("batches") as made:
        s3 = aws.client("s3", made.endpoint)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        aws.client("dynamodb", made.endpoint).create_table(**table_definition(TABLE))
        files = {}
        for number in range(OBJECTS):
            words = (chance.choice(["bad", "fine", "badly"]) for _ in range(chance.randrange(40)))
            lines = (f"2026-11-27T10:00:00Z {word} request took {chance.randrange(10000)} ms\n" for word in words)
            key = f"app/{number:04}.gz"
            files[key] = folder / f"{number:04}.gz"
            files[key].write_bytes(gzip.compress("".join(lines).encode()))
            s3.upload_file(str(files[key]), BUCKET, key)
        yield Stored(made.endpoint, files)


def step(process: "subprocess.Popen[bytes]", reached: Callable[[], bool]) -> bool:
    """Let a process go on for a moment, and return whether it is where it should be. It stands still meanwhile.

    Without that, a fast machine is through with all objects before anyone has looked.
    """
    process.send_signal(signal.SIGCONT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.1)
    process.send_signal(signal.SIGSTOP)
    return reached()


def test_a_process_that_is_killed_repeats_at_most_what_was_in_flight(stored: Stored) -> None:
    keys = list(stored.files)[:300]
    request = stored.request(keys)
    command, environment = [sys.executable, "-m", "logscan_scanner"], stored.environment(request)
    for least in (40, 150):
        environment["LOGSCAN_JOB_UID"] = f"killed-{least}"
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        eventually(partial(step, process, partial(stored.has_rows, request, least)), 60, f"{least} rows")
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    before = stored.rows(request)
    assert len(before) < len(keys), "it was killed too late to tell"
    subprocess.run(command, env={**environment, "LOGSCAN_JOB_UID": "last"}, check=True, capture_output=True)
    after = stored.rows(request)
    assert set(after) == set(keys)
    assert {key: after[key] for key in before} == before, "what was done stays as it is"
    signing = {member.key: member.tokens for member in members_of(request)}
    assert all(is_signed(row, signing[key]) for key, row in after.items())
    total = stored.sum(request)
    assert {name: int(count["N"]) for name, count in total["by_rule"]["M"].items()} == stored.expected(keys)
    assert int(total["lines"]["N"]) == sum(int(row["lines"]["N"]) for row in after.values())
    counts = {name: int(value["N"]) for name, value in total["object_counts"]["M"].items()}
    assert counts == {"total": 300, "done": 300, "skipped": 0, "failed": 0}


def test_a_thousand_objects_fit_into_128_mib(stored: Stored) -> None:
    keys = list(stored.files)
    request = stored.request(keys)
    # Large objects in the midst of small ones, each several times what is read ahead.
    line = b"2026-11-27T10:00:00Z a line of a large log that is fine and has %09d\n"
    large = b"".join(line % number for number in range(LARGE_BYTES // len(line)))
    s3 = aws.client("s3", stored.endpoint)
    keys[100:106] = [f"large/{number}" for number in range(6)]
    for key in keys[100:106]:
        s3.put_object(Bucket=BUCKET, Key=key, Body=large)
    request = stored.request(keys)
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", LAUNCHER], env=stored.environment(request), capture_output=True, check=True
    )
    code, kibibytes = map(int, done.stdout.split())
    assert code == 0, done.stderr.decode()[-2000:]
    assert int(stored.sum(request)["object_counts"]["M"]["done"]["N"]) == OBJECTS
    assert kibibytes < 128 * 1024, f"{kibibytes // 1024} MiB resident"
